//! A request that changes nothing has one answer under its key too, whatever changes afterwards.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use perennial_http_api::Response;
use perennial_store::Value as Stored;
use serde_json::{Value, json};

use crate::service::{OWNER, Service};

const MONDAY: &str = "2026-11-23T07:00:00[UTC]";

fn weekly(service: &mut Service) -> String {
    let task = service.json(
        "POST /v1/tasks",
        &json!({ "title": "Bins", "due": { "local": "2026-11-23T07:00:00", "tz": "UTC" },
            "recurrence": { "rrule": "FREQ=WEEKLY" } }),
    );
    format!("/v1/tasks/{}", task["id"].as_str().unwrap())
}

fn told(response: &Response) -> (u16, Option<&http::HeaderValue>, &[u8]) {
    (response.status().as_u16(), response.headers().get("etag"), response.body())
}

/// What a request that changes nothing is made of: what comes before it, the request itself, and what changes the same
/// thing afterwards.
struct Case {
    before: Vec<(String, Value)>,
    request: (String, Value),
    after: (String, Value),
}

fn cases(path: &str) -> Vec<Case> {
    let named = json!({ "recurrence_id": MONDAY });
    let complete = (format!("POST {path}/complete"), named.clone());
    let reopen = (format!("POST {path}/reopen"), named);
    vec![
        Case {
            before: vec![],
            request: (format!("PATCH {path}"), json!({ "title": "Bins" })),
            after: (format!("PATCH {path}"), json!({ "title": "Glass" })),
        },
        Case { before: vec![complete.clone()], request: complete.clone(), after: reopen.clone() },
        Case { before: vec![], request: reopen, after: complete },
    ]
}

/// In how many values the rows of a table are not what they were.
fn differences(now: &[Vec<Stored>], was: &[Vec<Stored>]) -> usize {
    assert_eq!(now.len(), was.len());
    now.iter().flatten().zip(was.iter().flatten()).filter(|(now, was)| now != was).count()
}

#[test]
fn a_request_that_changes_nothing_gets_the_same_answer_again_after_others_have_changed_it() {
    for which in 0..3 {
        let mut service = Service::default();
        let path = weekly(&mut service);
        let Case { before, request: (line, body), after } = cases(&path).remove(which);
        for (line, body) in before {
            service.json(&line, &body);
        }
        let key = [("idempotency-key", "k")];
        let first = service.send(OWNER, &line, &key, &body);
        assert_eq!(first.status().as_u16(), 200, "{line}");
        let at_once = service.send(OWNER, &line, &key, &body);
        service.json(&after.0, &after.1);
        let version = service.json(&format!("GET {path}"), &Value::Null)["version"].clone();
        let later = service.send(OWNER, &line, &key, &body);
        for again in [at_once, later] {
            assert_eq!(told(&again), told(&first), "{line}");
            assert_eq!(again.headers()["idempotency-replayed"], "true", "{line}");
        }
        let read = service.json(&format!("GET {path}"), &Value::Null);
        assert_eq!(read["version"], version, "{line} is not carried out a second time");
        let other = service.send(OWNER, &format!("PATCH {path}"), &key, &json!({ "title": "Paper" }));
        assert_eq!(other.status().as_u16(), 422, "{line}: another request with the key");
    }
}

#[test]
fn a_request_that_changes_nothing_writes_its_answer_and_nothing_else() {
    for which in 0..3 {
        let mut service = Service::default();
        let path = weekly(&mut service);
        let Case { before, request: (line, body), .. } = cases(&path).remove(which);
        for (line, body) in before {
            service.json(&line, &body);
        }
        let was = service.fixture.everything();
        service.json(&line, &body);
        assert_eq!(service.fixture.everything(), was, "{line}: without a key nothing is written");
        service.send(OWNER, &line, &[("idempotency-key", "k")], &body);
        for ((table, now), (_, was)) in service.fixture.everything().iter().zip(&was) {
            match table.as_str() {
                "idempotency" | "audit_v4" => assert_eq!(now.len(), was.len() + 1, "{line}: {table}"),
                "stream" => {
                    assert_eq!(differences(now, was), 1, "{line}: the answer's place in the audit's chain")
                }
                _ => assert_eq!(now, was, "{line}: {table}"),
            }
        }
    }
}

#[test]
fn a_refused_request_does_not_use_up_its_key() {
    let mut service = Service::default();
    let path = weekly(&mut service);
    let key = [("idempotency-key", "k"), ("if-match", "\"2\"")];
    let patch = json!({ "title": "Bins" });
    let refused = service.send(OWNER, &format!("PATCH {path}"), &key, &patch);
    assert_eq!(refused.status().as_u16(), 412);
    service.json(&format!("PATCH {path}"), &json!({ "priority": "high" }));
    let now = service.send(OWNER, &format!("PATCH {path}"), &key, &patch);
    assert_eq!((now.status().as_u16(), now.headers().get("idempotency-replayed")), (200, None));
}

#[test]
fn an_unchanged_task_is_shown_as_it_is() {
    let mut service = Service::default();
    let path = weekly(&mut service);
    let park = "UPDATE work SET parked_at = 1795262400000, reason = 'the rule cannot be expanded'";
    service.json(&format!("POST {path}/complete"), &json!({ "recurrence_id": MONDAY }));
    service.fixture.rows(park);
    let read = service.json(&format!("GET {path}"), &Value::Null);
    assert!(read["parked"].is_object(), "{read}");
    assert_eq!(service.json(&format!("PATCH {path}"), &json!({ "title": "Bins" })), read);
}
