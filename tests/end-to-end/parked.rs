//! Work that was tried and given up for now: its owner and the operator see it, and it can be tried again.

use std::time::Duration;

use http::{Method, StatusCode};
use perennial_tests::{Client, SOON, Service, until};
use serde_json::{Value, json};

/// How long it may take until what fails again and again is given up.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// Claims that no item survives: the ninth finds it given up.
const CLAIMS: i64 = 8;

/// A series whose next occurrence was begun to be planned again and again and never finished, as by a handler that is
/// brought down each time. Gives what was parked of it, as its owner finds it: (the item, its task's path).
pub(crate) fn one_parked(service: &Service, user: &Client) -> (Value, String) {
    let task = user.create(&json!({
        "title": "Begun and never finished", "due": { "local": "2027-01-01T09:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY" },
    }));
    let (id, first) = (task["id"].as_str().unwrap(), task["occurrence"]["recurrence_id"].as_str().unwrap());
    user.complete(id, first).ok(StatusCode::OK);
    let path = format!("/v1/tasks/{id}");
    until("its next occurrence", SOON, || user.get(&path)["occurrence"].is_object().then_some(()));
    service.seed().write_all(&format!(
        "DELETE FROM occurrence WHERE task_id = '{id}' AND predecessor = '{first}';
         UPDATE occurrence SET succession = 'pending' WHERE task_id = '{id}';
         UPDATE work SET tries = {CLAIMS} WHERE task_id = '{id}' AND kind = 'successor';"
    ));
    let item = until("something is parked", GIVEN_UP, || user.get("/v1/parked")["items"].get(0).cloned());
    (item, path)
}

fn listed(user: &Client, path: &str, id: &Value) -> Option<Value> {
    user.all(path).into_iter().find(|item| item["id"] == *id)
}

#[test]
fn nothing_is_parked_where_all_goes_well() {
    let service = Service::start();
    let ada = service.user("Ada");
    assert_eq!(ada.get("/v1/parked"), json!({ "items": [], "next_cursor": null, "total": 0 }));
    assert!(ada.create(&json!({ "title": "Think" }))["parked"].is_null());
}

#[test]
fn work_that_cannot_be_done_is_shown_with_its_reason() {
    let service = Service::start();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let (item, path) = one_parked(&service, &ada);
    let fields: Vec<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["id", "kind", "parked_at", "reason", "recurrence_id", "task_id", "tries"];
    assert_eq!(fields, expected, "{item}");
    assert_eq!(item["kind"], "successor");
    assert!(item["tries"].as_i64().unwrap() >= 1, "{item}");
    assert!(!item["reason"].as_str().unwrap().is_empty(), "{item}");
    item["parked_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let page = ada.get("/v1/parked");
    assert_eq!(page["total"].as_u64().unwrap() as usize, page["items"].as_array().unwrap().len());

    let task = ada.get(&path);
    assert_eq!((&task["status"], &task["occurrence"]), (&json!("open"), &Value::Null));
    let why = json!({ "id": item["id"], "reason": item["reason"], "since": item["parked_at"] });
    assert_eq!(task["parked"], why);
    let closed = ada.all(&format!("{path}/occurrences"));
    assert_eq!(closed.last().unwrap()["recurrence_id"], item["recurrence_id"]);

    let owner = service.owner();
    assert!(listed(&owner, "/v1/parked?all=true", &item["id"]).is_some(), "the operator sees all of it");
    assert!(listed(&owner, "/v1/parked", &item["id"]).is_none(), "it is not the operator's own");
    assert_eq!(bo.get("/v1/parked")["total"], 0);
    bo.call(Method::GET, "/v1/parked?all=true").answer().is_problem(403, "forbidden");
}

#[test]
fn parked_work_is_tried_again_when_its_owner_asks() {
    let service = Service::start();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let (item, _) = one_parked(&service, &ada);
    let retry = format!("/v1/parked/{}/retry", item["id"].as_str().unwrap());
    bo.post(&retry).answer().is_problem(404, "not-found");
    bo.post("/v1/parked/01980000-0000-7000-8000-000000000000/retry").answer().is_problem(404, "not-found");
    assert_eq!(listed(&ada, "/v1/parked", &item["id"]), Some(item.clone()), "a stranger changes nothing");

    let answer = ada.post(&retry).answer();
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
    // It has left the list, or it was tried again in the meantime and came back.
    until("it is tried again", SOON, || match listed(&ada, "/v1/parked", &item["id"]) {
        Some(again) => (again["parked_at"] != item["parked_at"]).then_some(()),
        None => Some(()),
    });
}

#[test]
fn a_change_that_makes_it_possible_takes_it_off_the_list() {
    let service = Service::start();
    let ada = service.user("Ada");
    let (item, path) = one_parked(&service, &ada);
    let weekly =
        json!({ "due": { "local": "2029-01-01T10:00:00" }, "recurrence": { "rrule": "FREQ=WEEKLY" } });
    let changed = ada.call(Method::PATCH, &path).json(&weekly).answer().ok(StatusCode::OK);
    assert!(changed["parked"].is_null(), "{changed}");
    assert!(listed(&ada, "/v1/parked", &item["id"]).is_none());
    let task = until("the series goes on", SOON, || {
        let task = ada.get(&path);
        task["occurrence"].is_object().then_some(task)
    });
    assert!(task["parked"].is_null(), "{task}");
    assert_eq!(task["occurrence"]["due"]["local"], "2029-01-01T10:00:00");
}

#[test]
fn deleting_its_task_takes_it_off_the_list() {
    let service = Service::start();
    let ada = service.user("Ada");
    let (item, path) = one_parked(&service, &ada);
    ada.call(Method::DELETE, &path).answer().ok(StatusCode::NO_CONTENT);
    assert!(listed(&ada, "/v1/parked", &item["id"]).is_none());
}
