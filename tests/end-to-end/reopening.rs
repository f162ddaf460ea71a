//! What was completed by mistake is opened again.

use http::StatusCode;
use perennial_tests::{Answer, Client, SOON, Service, until};
use serde_json::{Value, json};

use crate::path::next_occurrence;

const FIRST: &str = "2027-03-13T09:00:00[Europe/Berlin]";
const SECOND: &str = "2027-03-14T09:00:00[Europe/Berlin]";

fn daily(user: &Client, rrule: &str) -> String {
    let task = user.create(&json!({
        "title": "Feed the cat", "due": { "local": "2027-03-13T09:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": rrule },
    }));
    task["id"].as_str().unwrap().to_owned()
}

fn reopen(user: &Client, id: &str, recurrence_id: Option<&str>) -> Answer {
    let call = user.post(format!("/v1/tasks/{id}/reopen"));
    match recurrence_id {
        Some(name) => call.json(&json!({ "recurrence_id": name })).answer(),
        None => call.body("", "").answer(),
    }
}

#[test]
fn a_done_task_is_opened_again() {
    let service = Service::start();
    let user = service.user("Ada");
    let id = user.create(&json!({ "title": "Renew the passport" }))["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/tasks/{id}");
    let done = user.post(format!("{path}/complete")).answer().ok(StatusCode::OK);
    let opened = reopen(&user, &id, None).ok(StatusCode::OK);
    let mut expected = done.clone();
    expected["status"] = "open".into();
    expected["completed_at"] = Value::Null;
    assert_eq!(opened, expected, "the answer of complete, open");
    let task = user.get(&path);
    assert_eq!((&task["status"], &task["completed_at"]), (&json!("open"), &Value::Null));
    assert_eq!(task["occurrence"]["status"], "open");
    assert_eq!(user.all("/v1/tasks?status=open").len(), 1);

    user.post(format!("{path}/complete")).answer().ok(StatusCode::OK);
    assert_eq!(user.get(&path)["status"], "done", "and can be done once more");
}

#[test]
fn a_done_occurrence_is_opened_again_beside_the_next() {
    let service = Service::start();
    let user = service.user("Ada");
    let id = daily(&user, "FREQ=DAILY");
    user.complete(&id, FIRST).ok(StatusCode::OK);
    next_occurrence(&user, &id, FIRST);
    let opened = reopen(&user, &id, Some(FIRST)).ok(StatusCode::OK);
    assert_eq!((&opened["status"], &opened["recurrence_id"]), (&json!("open"), &json!(FIRST)));
    assert_eq!(user.get(format!("/v1/tasks/{id}"))["occurrence"]["recurrence_id"], FIRST);

    // It has its successor already: done again, it gets no second one.
    user.complete(&id, FIRST).ok(StatusCode::OK);
    user.complete(&id, SECOND).ok(StatusCode::OK);
    next_occurrence(&user, &id, SECOND);
    let all = user.all(&format!("/v1/tasks/{id}/occurrences"));
    let states: Vec<_> = all.iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["done", "done", "open"], "{all:?}");
}

#[test]
fn the_last_occurrence_of_an_ended_series_is_opened_again() {
    let service = Service::start();
    let user = service.user("Ada");
    let id = daily(&user, "FREQ=DAILY;COUNT=1");
    let path = format!("/v1/tasks/{id}");
    let ended =
        || until("the series has ended", SOON, || (user.get(&path)["status"] == "done").then_some(()));
    user.complete(&id, FIRST).ok(StatusCode::OK);
    ended();
    reopen(&user, &id, Some(FIRST)).ok(StatusCode::OK);
    let task = user.get(&path);
    assert_eq!((&task["status"], &task["completed_at"]), (&json!("open"), &Value::Null));
    assert_eq!(task["occurrence"]["recurrence_id"], FIRST);
    user.complete(&id, FIRST).ok(StatusCode::OK);
    ended();
    assert_eq!(user.all(&format!("{path}/occurrences")).len(), 1);
}

#[test]
fn what_was_never_done_cannot_be_opened_again() {
    let service = Service::start();
    let (user, eve) = (service.user("Ada"), service.user("Eve"));
    let id = daily(&user, "FREQ=DAILY");
    let problem = reopen(&user, &id, Some(SECOND)).is_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/recurrence_id");
    user.complete(&id, FIRST).ok(StatusCode::OK);
    let unnamed = reopen(&user, &id, None).is_problem(422, "invalid");
    assert_eq!(unnamed["errors"][0]["pointer"], "/recurrence_id", "a series wants a name");
    reopen(&eve, &id, Some(FIRST)).is_problem(404, "not-found");
}
