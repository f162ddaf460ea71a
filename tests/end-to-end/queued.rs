//! Webhooks that wait for their next attempt when what they are about, or where they go, is deleted.

use std::time::{Duration, Instant};

use http::{Method, Response, StatusCode};
use http_body_util::Empty;
use perennial_tests::{Client, Receiver, SOON, Service, until};
use serde_json::Value;

use crate::path::{channel, due_in};

/// The second attempt comes five to six seconds after the first.
const SECOND_ATTEMPT: Duration = Duration::from_secs(9);

/// Lets a webhook be refused once, deletes something, and looks whether it is sent again.
fn is_not_sent_after(delete: impl Fn(&Client, &Value)) {
    let service = Service::start();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let refusing = || {
        Receiver::answering(|_| {
            let refused = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE);
            refused.body(Empty::new()).unwrap()
        })
    };
    let (deleted, kept) = (refusing(), refusing());
    channel(&ada, &deleted);
    channel(&bo, &kept);
    let task = ada.create(&due_in(1));
    bo.create(&due_in(1));
    let first = deleted.wait_for(1, SOON)[0].at;
    let list = format!("/v1/notifications?task={}", task["id"].as_str().unwrap());
    let waiting = until("it waits for its second attempt", SOON, || {
        ada.all(&list).into_iter().find(|notification| notification["next_attempt_at"].is_string())
    });
    assert_eq!(waiting["state"], "pending");

    delete(&ada, &task);
    kept.wait_for(2, SOON);
    until("the time of the second attempt has passed", SECOND_ATTEMPT * 2, || {
        (Instant::now() - first > SECOND_ATTEMPT).then_some(())
    });
    assert_eq!(deleted.deliveries().len(), 1, "it was sent again");
}

#[test]
fn a_deleted_channel_gets_nothing_that_was_queued() {
    is_not_sent_after(|user, _| {
        let path = format!("/v1/channels/{}", user.all("/v1/channels")[0]["id"].as_str().unwrap());
        user.call(Method::DELETE, path).answer().ok(StatusCode::NO_CONTENT);
    });
}

#[test]
fn a_deleted_task_sends_nothing_that_was_queued() {
    is_not_sent_after(|user, task| {
        let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
        user.call(Method::DELETE, path).answer().ok(StatusCode::NO_CONTENT);
    });
}
