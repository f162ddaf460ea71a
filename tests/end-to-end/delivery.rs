//! What becomes of a webhook that its receiver does not take at once.

use std::time::Duration;

use http::{Response, StatusCode};
use http_body_util::Empty;
use perennial_tests::{Receiver, SOON, Service, until, verify};
use serde_json::{Value, json};

use crate::path::{channel, due_in};

fn answer(status: u16) -> Response<Empty<bytes::Bytes>> {
    Response::builder().status(status).body(Empty::new()).unwrap()
}

#[test]
fn a_refused_webhook_comes_again_with_the_same_id_and_body() {
    let service = Service::start();
    let user = service.user("Ada");
    let receiver = Receiver::answering(|number| answer(if number == 1 { 500 } else { 204 }));
    let secret = channel(&user, &receiver);
    let task = user.create(&due_in(1));
    let list = format!("/v1/notifications?task={}", task["id"].as_str().unwrap());

    let waiting = until("the state tells of the first attempt", SOON, || {
        user.all(&list).into_iter().find(|notification| notification["last_error"].is_string())
    });
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&json!("pending"), &json!(1)));
    assert!(waiting["next_attempt_at"].is_string(), "{waiting}");
    assert!(waiting["last_error"].as_str().unwrap().contains("500"), "{waiting}");

    let delivered = until("it is delivered", SOON, || {
        user.all(&list).into_iter().find(|notification| notification["state"] == "delivered")
    });
    assert_eq!(delivered["attempts"], 2);
    let attempts = receiver.deliveries();
    let [first, second] = &attempts[..] else { panic!("two attempts, not {}", attempts.len()) };
    let pause = second.at - first.at;
    assert!(pause > Duration::from_secs(4), "the second came after {pause:?}");
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.header("webhook-id"), delivered["id"]);
    assert_eq!(first.body, second.body);
    assert_eq!(
        first.header("content-length"),
        first.body.len().to_string(),
        "receivers need not read chunks"
    );
    verify(&secret, first).unwrap();
    verify(&secret, second).unwrap();
}

#[test]
fn a_channel_is_told_of_the_events_that_it_takes_and_tested() {
    let service = Service::start();
    let user = service.user("Ada");
    let receiver = Receiver::answering(|_| answer(204));
    let secret = channel(&user, &receiver);
    let hook = user.all("/v1/channels").remove(0);
    let address = format!("/v1/channels/{}", hook["id"].as_str().unwrap());
    let patch = user.call(http::Method::PATCH, address.clone()).json(&json!({ "types": ["task.created"] }));
    assert_eq!(patch.answer().ok(StatusCode::OK)["types"], json!(["task.created"]));
    let test = user.post(format!("{address}/test")).answer().ok(StatusCode::ACCEPTED);
    let task = user.create(&json!({ "title": "Told" }));
    let list = format!("/v1/notifications?channel={}", hook["id"].as_str().unwrap());
    let delivered = until("both are delivered", SOON, || {
        let all = user.all(&list);
        (all.len() == 2 && all.iter().all(|one| one["state"] == "delivered")).then_some(all)
    });
    assert!(delivered.iter().any(|one| one["id"] == test["id"]));
    let got = receiver.deliveries();
    assert_eq!(got.len(), 2);
    let bodies: Vec<Value> = got.iter().map(|post| serde_json::from_slice(&post.body).unwrap()).collect();
    let created = bodies.iter().find(|body| body["type"] == "task.created").unwrap();
    assert_eq!(created["data"]["subject"], task["id"]);
    for post in &got {
        verify(&secret, post).unwrap();
    }
}

#[test]
fn a_receiver_that_is_gone_is_not_asked_again() {
    let service = Service::start();
    let user = service.user("Ada");
    let receiver = Receiver::answering(|_| answer(410));
    channel(&user, &receiver);
    let task = user.create(&due_in(1));
    let list = format!("/v1/notifications?task={}", task["id"].as_str().unwrap());
    let failed = until("the notification has failed", SOON, || {
        user.all(&list).into_iter().find(|notification| notification["state"] == "failed")
    });
    assert_eq!(failed["attempts"], 1);
    assert!(failed["next_attempt_at"].is_null());
    assert_eq!(receiver.deliveries().len(), 1);
}

#[test]
fn retry_after_is_honoured() {
    let service = Service::start();
    let user = service.user("Ada");
    let busy = || Response::builder().status(503).header("retry-after", "3600").body(Empty::new()).unwrap();
    let receiver = Receiver::answering(move |_| busy());
    channel(&user, &receiver);
    let task = user.create(&due_in(1));
    let list = format!("/v1/notifications?task={}", task["id"].as_str().unwrap());
    let waiting = until("the state tells of the first attempt", SOON, || {
        user.all(&list).into_iter().find(|notification| notification["last_error"].is_string())
    });
    let next: chrono::DateTime<chrono::Utc> = waiting["next_attempt_at"].as_str().unwrap().parse().unwrap();
    assert!(next - chrono::Utc::now() > chrono::TimeDelta::minutes(59), "{waiting}");
}

#[test]
fn a_redirect_is_not_followed() {
    let service = Service::start();
    let user = service.user("Ada");
    let elsewhere = Receiver::start();
    let location = elsewhere.url();
    let receiver = Receiver::answering(move |_| {
        Response::builder().status(307).header("location", location.as_str()).body(Empty::new()).unwrap()
    });
    channel(&user, &receiver);
    let task = user.create(&due_in(1));
    let list = format!("/v1/notifications?task={}", task["id"].as_str().unwrap());
    let waiting = until("the state tells of the first attempt", SOON, || {
        user.all(&list).into_iter().find(|notification| notification["last_error"].is_string())
    });
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&json!("pending"), &json!(1)));
    assert!(elsewhere.deliveries().is_empty());
}

#[test]
fn a_receiver_that_hangs_does_not_hold_up_the_others() {
    let service = Service::start();
    let (ada, bo) = (service.user("Ada"), service.user("Bo"));
    let hangs = Receiver::hanging();
    let takes = Receiver::start();
    channel(&ada, &hangs);
    channel(&bo, &takes);
    for _ in 0..5 {
        ada.create(&due_in(1));
    }
    bo.create(&due_in(1));
    takes.wait_for(1, SOON);
}

#[test]
fn a_signature_does_not_fit_another_secret() {
    let service = Service::start();
    let user = service.user("Ada");
    let receiver = Receiver::start();
    channel(&user, &receiver);
    let other = channel(&service.user("Bo"), &receiver);
    user.create(&due_in(1));
    let webhooks = receiver.wait_for(1, SOON);
    assert!(verify(&other, &webhooks[0]).is_err());
}

#[test]
fn a_channel_that_was_deleted_is_not_notified() {
    let service = Service::start();
    let user = service.user("Ada");
    let receiver = Receiver::start();
    channel(&user, &receiver);
    let channels = user.all("/v1/channels");
    assert_eq!(channels.len(), 1);
    assert!(channels[0].get("secret").is_none(), "a secret is told only once: {}", channels[0]);
    let path = format!("/v1/channels/{}", channels[0]["id"].as_str().unwrap());
    user.call(http::Method::DELETE, path).answer().ok(StatusCode::NO_CONTENT);
    assert_eq!(user.get("/v1/channels")["items"], json!([]));

    let task = user.create(&due_in(1));
    let list = format!("/v1/notifications?task={}", task["id"].as_str().unwrap());
    let notification: Value = until("the notification", SOON, || user.all(&list).into_iter().next());
    assert_eq!(notification["channel"], "inbox");
    assert!(receiver.deliveries().is_empty());
}
