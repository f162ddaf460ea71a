//! Webhooks that wait for their next attempt when what they are about, or where they go, is deleted.

use std::time::{Duration, Instant};

use http::{Method, Response, StatusCode};
use http_body_util::Empty;
use perennial_tests::{Client, Receiver, SOON, Service, at_once, until};
use serde_json::{Value, json};

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

/// One statement that changes thousands of rows is written together with those of others, and undone or kept by itself.
#[test]
fn a_channel_with_thousands_of_notifications_can_be_deleted_while_others_write() {
    const QUEUED: usize = 8_000;
    let service = Service::start();
    let ada = service.user("Ada");
    let receiver = Receiver::hanging();
    channel(&ada, &receiver);
    let id = ada.all("/v1/channels")[0]["id"].as_str().unwrap().to_owned();
    let task = ada.create(&json!({ "title": "Bins" }));
    service.seed().write(QUEUED, &format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {QUEUED}) \
         INSERT INTO notification_v2 (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload, \
          next_attempt_at, created_at) \
         SELECT hex(randomblob(16)), t.user_id, t.id, '', 'r', '{id}', n, 'pending', '{{}}', 4000000000000, n \
         FROM n CROSS JOIN task AS t WHERE t.id = '{}'",
        task["id"].as_str().unwrap()
    ), []);
    let answers = at_once(5, |writer| {
        if writer == 0 {
            vec![ada.call(Method::DELETE, format!("/v1/channels/{id}")).answer()]
        } else {
            (0..60)
                .map(|n| ada.post("/v1/tasks").json(&json!({ "title": format!("{n}") })).answer())
                .collect()
        }
    });
    for answer in answers.iter().flatten() {
        assert!(answer.status.is_success(), "{} {}", answer.status, answer.json());
    }
    let left = "SELECT count(*) FROM notification_v2 WHERE state = 'pending'";
    assert_eq!(service.database().number(left, []), 0);
}
