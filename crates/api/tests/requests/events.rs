//! The caller's events, read in the order of their stream.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use perennial_domain::UserId;
use perennial_events::CloudEvent;
use perennial_fixture::{NOON, WEEKLY};
use perennial_store::{Mark, OutboxStore, Store, WorkStore};
use serde_json::{Value, json};

use crate::service::{OWNER, Service};

fn page(service: &mut Service, query: &str) -> Value {
    service.json(&format!("GET /v1/events{query}"), &Value::Null)
}

fn sequences(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|event| event["sequence"].as_str().unwrap().parse().unwrap()).collect()
}

/// A page without an event, after `place`; the oldest is the one after it.
fn nothing(service: &Service, place: u64) -> Value {
    let epoch = service.fixture.store.events(&UserId::admin(), 0, 1).unwrap().epoch;
    json!({ "epoch": epoch, "items": [], "next_after": place, "oldest": place.saturating_add(1) })
}

fn types(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// Everything that waits is published.
fn publish(service: &Service, user: &UserId) -> Vec<CloudEvent> {
    let store = &service.fixture.store;
    let Some(lease) = store.lease_stream(&user.stream(), NOON.plus_millis(60_000), 1_000).unwrap() else {
        return Vec::new();
    };
    let waiting = store.waiting_events(std::slice::from_ref(&lease), 1_000).unwrap();
    let up_to = waiting.last().unwrap().sequence;
    store.mark_published(&[Mark { lease, up_to, pause: None, refused: false }], NOON).unwrap();
    waiting.into_iter().map(CloudEvent::from).collect()
}

#[test]
fn a_story_is_told_once_in_order_and_as_it_is_published() {
    let mut service = Service::default();
    assert_eq!(page(&mut service, ""), nothing(&service, 0));
    let id = service.json("POST /v1/tasks", &serde_json::from_str(WEEKLY).unwrap())["id"].clone();
    let path = format!("/v1/tasks/{}", id.as_str().unwrap());
    service.json(&format!("PATCH {path}"), &json!({ "title": "Glass" }));
    let monday = json!({ "recurrence_id": "2026-11-23T07:00:00[Europe/Berlin]" });
    service.json(&format!("POST {path}/complete"), &monday);
    service.json(&format!("POST {path}/reopen"), &monday);
    service.json(&format!("DELETE {path}"), &Value::Null);
    let all = page(&mut service, "");
    assert_eq!(
        types(&all),
        ["task.created", "task.updated", "task.completed", "task.updated", "task.deleted"]
    );
    assert_eq!(
        (sequences(&all), &all["next_after"], &all["oldest"]),
        ((1..=5).collect(), &json!(5), &json!(1))
    );
    let published = serde_json::to_value(publish(&service, &UserId::admin())).unwrap();
    assert_eq!(all["items"], published);
    assert_eq!(page(&mut service, ""), all, "also once they are published");
    assert_eq!(page(&mut service, "?after=00000000000000000003"), page(&mut service, "?after=3"));
    let none = page(&mut service, "?after=5");
    assert_eq!((types(&none), &none["next_after"]), (vec![], &json!(5)));
    assert_eq!(page(&mut service, "?after=900")["items"], json!([]));
}

#[test]
fn pages_neither_skip_nor_repeat_while_others_write() {
    let mut service = Service::default();
    let mut read = Vec::new();
    let mut after = 0;
    for round in 0..40 {
        if round < 20 {
            for _ in 0..3 {
                service.json("POST /v1/tasks", &json!({ "title": "x" }));
            }
        }
        let page = page(&mut service, &format!("?after={after}&limit=2"));
        read.extend(sequences(&page));
        after = page["next_after"].as_i64().unwrap();
    }
    assert_eq!(read, (1..=60).collect::<Vec<_>>());
}

#[test]
fn a_page_of_large_events_ends_early_and_the_next_goes_on() {
    let mut service = Service::default();
    for _ in 0..6 {
        service.json("POST /v1/tasks", &json!({ "title": "x" }));
    }
    let large = |service: &Service, bytes: usize| {
        let data = format!("{{\"x\":\"{}\"}}", "0".repeat(bytes));
        for place in 1..=6 {
            service.fixture.rows(&format!("UPDATE outbox SET data = '{data}' WHERE sequence = {place}"));
        }
    };
    large(&service, 100_000);
    let first = page(&mut service, "");
    assert_eq!((sequences(&first), &first["next_after"]), (vec![1, 2, 3], &json!(3)));
    assert_eq!(sequences(&page(&mut service, "?after=3")), [4, 5, 6]);
    large(&service, 900_000);
    assert_eq!(sequences(&page(&mut service, "")), [1], "one always fits");
}

#[test]
fn another_users_events_are_not_there() {
    let mut service = Service::default();
    service.json("POST /v1/tasks", &json!({ "title": "mine" }));
    let before = page(&mut service, "");
    let ada = service.json("POST /v1/users", &json!({ "name": "Ada", "tz": "UTC" }));
    let reader = json!({ "user": ada["id"], "name": "x", "scopes": ["tasks:read"] });
    let secret = service.json("POST /v1/tokens", &reader)["secret"].as_str().unwrap().to_owned();
    let hers = service.send(&secret, "GET /v1/events", &[], &Value::Null);
    let hers: Value = serde_json::from_slice(hers.body()).unwrap();
    assert_eq!(hers, nothing(&service, 0));
    // Not even one that lies in her stream.
    let stream = format!("UPDATE outbox SET stream_id = '{}'", ada["id"].as_str().unwrap());
    service.fixture.rows(&stream);
    let hers = service.send(&secret, "GET /v1/events", &[], &Value::Null);
    assert_eq!(serde_json::from_slice::<Value>(hers.body()).unwrap()["items"], json!([]));
    assert_eq!(before["items"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_longer_kept_is_gone_and_the_oldest_is_told() {
    let mut service = Service::default();
    for day in [0, 0, 20] {
        service.now = Some(NOON.plus_millis(day * 86_400_000));
        service.json("POST /v1/tasks", &json!({ "title": "x" }));
    }
    publish(&service, &UserId::admin());
    let later = |days: i64| NOON.plus_millis(days * 86_400_000);
    service.fixture.store.prune(later(31), 100).unwrap();
    for (query, status) in
        [("?after=0", 410), ("?after=1", 410), ("?after=2", 200), ("?after=3", 200), ("", 200)]
    {
        let response = service.send(OWNER, &format!("GET /v1/events{query}"), &[], &Value::Null);
        assert_eq!(response.status().as_u16(), status, "{query}");
        let document: Value = serde_json::from_slice(response.body()).unwrap();
        if status == 410 {
            assert_eq!(document["type"], "urn:perennial:problem:gone");
            assert!(document["detail"].as_str().unwrap().contains("is 3:"), "{document}");
        } else {
            assert_eq!(document["oldest"], 3);
        }
    }
    assert_eq!(sequences(&page(&mut service, "")), [3]);
    service.fixture.store.prune(later(60), 100).unwrap();
    assert_eq!(page(&mut service, ""), nothing(&service, 3));
    assert_eq!(page(&mut service, "?after=3")["items"], json!([]));
    let gone = service.send(OWNER, "GET /v1/events?after=2", &[], &Value::Null);
    assert_eq!(gone.status().as_u16(), 410);
}

#[test]
fn a_place_that_is_none_is_refused() {
    let mut service = Service::default();
    // No stream is that long; but it is a place.
    assert_eq!(page(&mut service, "?after=99999999999999999999")["items"], json!([]));
    for query in
        ["?after=-1", "?after=x", "?after=", "?after=%2B1", "?after=999999999999999999999", "?cursor=x"]
    {
        let response = service.send(OWNER, &format!("GET /v1/events{query}"), &[], &Value::Null);
        assert_eq!(response.status().as_u16(), 400, "{query}");
    }
}
