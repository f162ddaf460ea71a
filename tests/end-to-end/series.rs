//! A series: what is to come, one occurrence that differs, and another way from here on.

use http::{Method, StatusCode};
use perennial_tests::{Client, SOON, Service, until};
use serde_json::{Value, json};

const WEEKLY: &str = "2027-03-15T09:00:00";

fn created(user: &Client) -> String {
    let task = user.create(&json!({
        "title": "Stand-up", "due": { "local": WEEKLY, "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=WEEKLY" },
    }));
    task["id"].as_str().unwrap().to_owned()
}

fn named(day: &str) -> String {
    format!("{day}T09:00:00[Europe/Berlin]")
}

fn span(user: &Client, id: &str) -> Vec<(String, String, Value)> {
    let path = format!("/v1/tasks/{id}/occurrences?from=2027-03-01T00:00:00Z&to=2027-04-06T00:00:00Z");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = user.get(path)["items"].as_array().unwrap().clone();
    items.iter().map(|o| (text(&o["due_at"]), text(&o["status"]), o["title"].clone())).collect()
}

#[test]
fn what_is_to_come_follows_the_clocks_of_its_zone() {
    let service = Service::start();
    let ada = service.user("Ada");
    let id = created(&ada);
    let shown: Vec<(String, String)> =
        span(&ada, &id).into_iter().map(|(at, status, _)| (at, status)).collect();
    let expected = [
        ("2027-03-15T08:00:00Z", "open"),
        ("2027-03-22T08:00:00Z", "planned"),
        // The clocks in Berlin went forward on the 28th.
        ("2027-03-29T07:00:00Z", "planned"),
        ("2027-04-05T07:00:00Z", "planned"),
    ];
    assert_eq!(shown, expected.map(|(at, status)| (at.to_owned(), status.to_owned())));
}

#[test]
fn one_occurrence_may_differ_and_keeps_its_name() {
    let service = Service::start();
    let ada = service.user("Ada");
    let id = created(&ada);
    let path = format!("/v1/tasks/{id}/override");
    let moved = json!({ "recurrence_id": named("2027-03-22"), "title": "Stand-up, on a Tuesday",
        "due": { "local": "2027-03-23T09:00:00", "tz": "Europe/Berlin" } });
    ada.post(&path).json(&moved).answer().ok(StatusCode::OK);
    let cancelled = json!({ "recurrence_id": named("2027-03-29"), "cancelled": true });
    ada.post(&path).json(&cancelled).answer().ok(StatusCode::OK);
    let shown = span(&ada, &id);
    assert_eq!(
        shown[1],
        ("2027-03-23T08:00:00Z".to_owned(), "planned".to_owned(), json!("Stand-up, on a Tuesday"))
    );
    assert_eq!(shown[2].1, "cancelled");

    let complete = |day: &str| {
        let body = json!({ "recurrence_id": named(day) });
        ada.post(format!("/v1/tasks/{id}/complete")).json(&body).answer().ok(StatusCode::OK)
    };
    let opened = |day: &str| {
        until("the next occurrence", SOON, || {
            (ada.get(format!("/v1/tasks/{id}"))["occurrence"]["recurrence_id"] == json!(named(day)))
                .then_some(())
        });
    };
    complete("2027-03-15");
    opened("2027-03-22");
    assert_eq!(complete("2027-03-22")["due"]["local"], json!("2027-03-23T09:00:00"));
    opened("2027-04-05");

    let nothing = json!({ "recurrence_id": named("2027-04-06") });
    let problem = ada.post(&path).json(&nothing).answer().ok(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], json!("/recurrence_id"));
    let eve = service.user("Eve");
    assert_eq!(eve.post(&path).json(&moved).answer().status, StatusCode::NOT_FOUND);
}

#[test]
fn this_and_following_may_go_another_way() {
    let service = Service::start();
    let ada = service.user("Ada");
    let id = created(&ada);
    let path = format!("/v1/tasks/{id}/split");
    let body = json!({ "recurrence_id": named("2027-03-29"), "changes": { "title": "Sit-down", "priority": "low" } });
    let new = ada.post(&path).json(&body).answer().ok(StatusCode::CREATED);
    assert_eq!(
        (&new["title"], &new["occurrence"]["recurrence_id"]),
        (&json!("Sit-down"), &json!(named("2027-03-29")))
    );
    assert_eq!(new["recurrence"]["rrule"], json!("FREQ=WEEKLY"));
    let old: Vec<String> = span(&ada, &id).into_iter().map(|(at, ..)| at).collect();
    assert_eq!(old, ["2027-03-15T08:00:00Z", "2027-03-22T08:00:00Z"]);

    let wrong = json!({ "recurrence_id": named("2027-03-22"), "changes": { "colour": "red" } });
    let problem = ada.post(&path).json(&wrong).answer().ok(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], json!("/changes/colour"));
    let count =
        ada.call(Method::GET, "/v1/tasks").answer().ok(StatusCode::OK)["items"].as_array().unwrap().len();
    assert_eq!(count, 2);
}
