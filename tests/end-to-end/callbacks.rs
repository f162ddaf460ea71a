//! What a sidecar calls: how long a delivery may be, what it is answered, and that it is never told that nobody is there.

use http::{Method, StatusCode};
use perennial_tests::{Answer, Service};
use serde_json::{Value, json};

const SCHEDULER: &str = "/events/recurrence-scheduler/task-events";
const NOTIFIER: &str = "/events/notifier/reminders";

/// What each says of what is no event: the notifier, who writes nothing of it, has it go to the dead letters.
const NO_EVENT: [(&str, &str); 2] = [(NOTIFIER, "DROP"), (SCHEDULER, "SUCCESS")];

/// Longest delivery that is read, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;

fn call(service: &Service, path: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let callback = service.anyone();
    let callback = callback.post(path).header("dapr-api-token", &service.token());
    callback.body(media_type, body).answer()
}

#[test]
fn a_delivery_may_be_as_long_as_a_sidecar_makes_it() {
    let service = Service::start();
    for (path, done) in NO_EVENT {
        // No event at all: whoever reads it says that it need not come again. What is too long is read to its end too.
        for length in [65 * 1024, 256 * 1024 + 1, LONGEST, LONGEST + 1] {
            let answer = call(&service, path, "application/cloudevents+json", vec![b' '; length]);
            assert_eq!(answer.ok(StatusCode::OK), json!({ "status": done }), "{length} bytes to {path}");
        }
    }
}

#[test]
fn each_event_of_a_delivery_has_its_own_status() {
    let service = Service::start();
    let entry =
        |id: &str, event: Value| json!({ "entryId": id, "event": event, "contentType": "application/json" });
    let body =
        json!({ "topic": "task-events", "entries": [entry("a", json!({})), entry("b", json!("no event"))] });
    for (path, done) in NO_EVENT {
        let expected = json!({ "statuses": [
            { "entryId": "a", "status": done },
            { "entryId": "b", "status": done },
        ] });
        let answer = call(&service, path, "application/json", body.to_string());
        assert_eq!(answer.ok(StatusCode::OK), expected, "{path}");
    }
}

/// A sidecar takes 404 for "drop it".
#[test]
fn a_sidecar_is_never_told_that_nobody_is_there() {
    let service = Service::start();
    for path in [
        "/events/",
        "/events/nobody/task-events",
        "/events/recurrence-scheduler/",
        "/events/recurrence-scheduler/reminders",
        "/events/notifier/task-events",
        "/events/notifier/",
        "/job/",
        "/job/tick-16",
        "/job/no-job",
    ] {
        call(&service, path, "application/json", "{}").is_problem(503, "unavailable");
        service
            .anyone()
            .post(path)
            .body("application/json", "{}")
            .answer()
            .is_problem(401, "unauthenticated");
        service.anyone().call(Method::GET, path).answer().is_problem(405, "method-not-allowed");
    }
}

#[test]
fn a_tick_is_one_slice_of_the_clocks_work() {
    let service = Service::start();
    for job in ["tick-00", "tick-15", "due-00", "due-15"] {
        let ticked = call(&service, &format!("/job/{job}"), "application/json", "");
        assert_eq!(ticked.status, StatusCode::NO_CONTENT, "{}", ticked.body);
    }
    let swept = call(&service, "/internal/sweep", "application/json", "").ok(StatusCode::OK);
    assert!(swept["planned"].is_u64(), "{swept}");
}

/// Without a sidecar nothing can be the clock but the clock.
#[test]
fn a_sidecar_that_is_not_there_cannot_be_the_clock() {
    let service = Service::start();
    call(&service, "/internal/clock", "application/json", "").is_problem(503, "unavailable");
}
