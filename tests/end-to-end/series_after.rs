//! A series that is changed after some of it is done: what is done stays done, and what is left follows.

use chrono::{TimeDelta, Utc};
use http::{Method, StatusCode};
use perennial_tests::{Client, SOON, Service, until};
use serde_json::{Value, json};

use crate::path::next_occurrence;

fn named(day: u32, hour: u32) -> String {
    format!("2027-03-{day:02}T{hour:02}:00:00[Europe/Berlin]")
}

/// A series that begins on 13 March 2027 at nine. Gives its id.
fn created(user: &Client, rrule: &str) -> String {
    let task = user.create(&json!({
        "title": "Feed the cat", "due": { "local": "2027-03-13T09:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": rrule },
    }));
    task["id"].as_str().unwrap().to_owned()
}

fn patch(user: &Client, id: &str, changes: &Value) -> Value {
    user.call(Method::PATCH, format!("/v1/tasks/{id}")).json(changes).answer().ok(StatusCode::OK)
}

fn occurrences(user: &Client, id: &str, status: &str) -> Vec<String> {
    let all = user.all(&format!("/v1/tasks/{id}/occurrences"));
    let such = all.iter().filter(|occurrence| occurrence["status"] == status);
    such.map(|occurrence| occurrence["recurrence_id"].as_str().unwrap().to_owned()).collect()
}

/// Completes what is open until the series has ended, and gives the days that were done, in order.
fn complete_to_the_end(user: &Client, id: &str) -> Vec<String> {
    let path = format!("/v1/tasks/{id}");
    until("the series has ended", SOON, || {
        let task = user.get(&path);
        if let Some(open) = task["occurrence"]["recurrence_id"].as_str() {
            user.complete(id, open).ok(StatusCode::OK);
        }
        (task["status"] == "done").then_some(())
    });
    let mut days: Vec<String> = occurrences(user, id, "done").iter().map(|id| id[..10].to_owned()).collect();
    days.sort_unstable();
    days
}

#[test]
fn another_time_of_day_does_not_bring_a_done_day_back() {
    let service = Service::start();
    let user = service.user("Ada");
    let id = created(&user, "FREQ=DAILY");
    user.complete(&id, &named(13, 9)).ok(StatusCode::OK);
    next_occurrence(&user, &id, &named(13, 9));
    let changed = patch(&user, &id, &json!({ "due": { "local": "2027-03-13T10:00:00" } }));
    assert_eq!(changed["occurrence"]["recurrence_id"], named(14, 10));
    assert_eq!(changed["occurrence"]["predecessor"], named(13, 9));
}

#[test]
fn another_time_of_day_does_not_add_to_the_count() {
    let service = Service::start();
    let user = service.user("Ada");
    let id = created(&user, "FREQ=DAILY;COUNT=3");
    user.complete(&id, &named(13, 9)).ok(StatusCode::OK);
    next_occurrence(&user, &id, &named(13, 9));
    patch(&user, &id, &json!({ "due": { "local": "2027-03-13T10:00:00" } }));
    assert_eq!(complete_to_the_end(&user, &id), ["2027-03-13", "2027-03-14", "2027-03-15"]);
}

#[test]
fn a_series_that_has_ended_goes_on_when_its_rule_does() {
    let service = Service::start();
    let user = service.user("Ada");
    let id = created(&user, "FREQ=DAILY;COUNT=2");
    assert_eq!(complete_to_the_end(&user, &id).len(), 2);
    let extended = patch(&user, &id, &json!({ "recurrence": { "rrule": "FREQ=DAILY;COUNT=4" } }));
    assert_eq!((&extended["status"], &extended["completed_at"]), (&json!("open"), &Value::Null));
    assert_eq!(extended["occurrence"]["recurrence_id"], named(15, 9));
    assert_eq!(extended["occurrence"]["ordinal"], 3);
    let days = complete_to_the_end(&user, &id);
    assert_eq!(days, ["2027-03-13", "2027-03-14", "2027-03-15", "2027-03-16"]);
}

#[test]
fn a_cancelled_occurrence_cannot_be_completed() {
    let service = Service::start();
    let user = service.user("Ada");
    let id = created(&user, "FREQ=DAILY");
    let cancelled = json!({ "recurrence_id": named(13, 9), "cancelled": true });
    user.post(format!("/v1/tasks/{id}/override")).json(&cancelled).answer().ok(StatusCode::OK);
    let problem = user.complete(&id, &named(13, 9)).is_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/recurrence_id");
    next_occurrence(&user, &id, &named(13, 9));
    assert_eq!(occurrences(&user, &id, "done"), [""; 0]);
}

#[test]
fn a_stack_that_was_full_grows_again_once_there_is_room() {
    const CAP: usize = 100;
    let service = Service::start();
    let user = service.user("Ada");
    let start = Utc::now() - TimeDelta::days(300);
    let task = user.create(&json!({
        "title": "Read the meter", "due": { "local": start.format("%Y-%m-%dT09:00:00").to_string(), "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY", "overlap": "stack" },
    }));
    let id = task["id"].as_str().unwrap();
    let fills = |size: usize| {
        until(&format!("{size} are open"), SOON * 4, || {
            service.sweep();
            (occurrences(&user, id, "open").len() == size).then_some(())
        });
    };
    fills(CAP);
    for _ in 0..3 {
        service.sweep();
    }
    let open = occurrences(&user, id, "open");
    assert_eq!(open.len(), CAP, "it is full");
    for recurrence_id in &open[..60] {
        user.complete(id, recurrence_id).ok(StatusCode::OK);
    }
    fills(CAP);
    let all = user.all(&format!("/v1/tasks/{id}/occurrences"));
    assert_eq!(all.len(), CAP + 60);
    for (index, pair) in all.windows(2).enumerate() {
        assert_eq!(pair[1]["predecessor"], pair[0]["recurrence_id"], "number {}", index + 2);
    }
}
