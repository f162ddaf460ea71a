//! The same request sent again, because nobody knows whether the first one arrived.

use std::collections::HashSet;

use http::{Method, StatusCode};
use perennial_tests::{Answer, Client, Service, at_once};
use serde_json::{Value, json};

fn create(user: &Client, key: &str, task: &Value) -> Answer {
    user.post("/v1/tasks").header("idempotency-key", key).json(task).answer()
}

#[test]
fn a_repeated_request_gets_the_same_answer_and_changes_nothing() {
    let service = Service::start();
    let user = service.user("Ada");
    let task = json!({ "title": "Once" });
    let first = create(&user, "key-1", &task);
    let again = create(&user, "key-1", &task);
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(user.all("/v1/tasks").len(), 1);
    create(&user, "key-2", &task).ok(StatusCode::CREATED);
    assert_eq!(user.all("/v1/tasks").len(), 2);
}

#[test]
fn a_key_cannot_be_used_for_another_request() {
    let service = Service::start();
    let user = service.user("Ada");
    let task = create(&user, "key", &json!({ "title": "One" })).json();
    create(&user, "key", &json!({ "title": "Another" })).is_problem(422, "idempotency-mismatch");
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    let delete = user.call(Method::DELETE, &path).header("idempotency-key", "key").answer();
    delete.is_problem(422, "idempotency-mismatch");
    assert_eq!(user.all("/v1/tasks"), [task]);
}

#[test]
fn ten_requests_with_one_key_at_once_create_one_task() {
    let service = Service::start();
    let user = service.user("Ada");
    for round in 0..5 {
        let key = format!("round-{round}");
        let answers = at_once(10, |_| create(&user, &key, &json!({ "title": key })));
        let distinct: HashSet<_> = answers.iter().map(|answer| (answer.status, &answer.body)).collect();
        assert_eq!(distinct.len(), 1, "{distinct:?}");
        assert_eq!(answers[0].status, StatusCode::CREATED);
        assert_eq!(user.all("/v1/tasks").len(), round + 1);
    }
}

#[test]
fn a_refused_request_does_not_use_up_its_key() {
    let service = Service::start();
    let user = service.user("Ada");
    create(&user, "key", &json!({ "title": "" })).is_problem(422, "invalid");
    create(&user, "key", &json!({ "title": "Right" })).ok(StatusCode::CREATED);
}

#[test]
fn changes_and_deletions_can_be_repeated_too() {
    let service = Service::start();
    let user = service.user("Ada");
    let task = user.create(&json!({ "title": "One" }));
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    let patch = || {
        let call = user.call(Method::PATCH, &path).header("idempotency-key", "patch");
        call.json(&json!({ "title": "Two" })).answer()
    };
    assert_eq!(patch().ok(StatusCode::OK), patch().ok(StatusCode::OK));
    assert_eq!(user.get(&path)["version"], 2);
    let delete = || user.call(Method::DELETE, &path).header("idempotency-key", "delete").answer().status;
    assert_eq!((delete(), delete()), (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT));
    user.call(Method::DELETE, &path).answer().is_problem(404, "not-found");
}
