//! Who and what is let in, and what is told again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;

use http::Request;
use perennial_api::{Admitted, admit};
use perennial_fixture::{Fixture, NOON, TestStore};
use perennial_http_api::{Accepted, Head, Problem};
use perennial_store::StoreError;
use serde_json::{Value, json};

use crate::service::{OWNER, Published, Service};

fn head(line: &str, token: &str, content_type: &str) -> Head {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(path).header("content-type", content_type);
    let request =
        if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) };
    request.body(()).unwrap().into_parts().0
}

fn let_in<'s>(
    head: &Head,
    store: impl FnOnce() -> Result<&'s TestStore, StoreError>,
) -> Result<Admitted, Problem> {
    let accepted = Accepted { bootstrap_token: OWNER, issuer: None, key_server: &Published::default() };
    pollster::block_on(admit(head, &accepted, store, NOON))
}

#[test]
fn a_stranger_is_refused_without_the_store_and_before_the_body() {
    let opened = Cell::new(0);
    let status = |line: &str, token: &str, content_type: &str| {
        let store = || -> Result<&TestStore, StoreError> {
            opened.set(opened.get() + 1);
            Err(StoreError::Database("was opened".to_owned()))
        };
        let admitted = let_in(&head(line, token, content_type), store);
        admitted.map_or_else(|problem| problem.status().as_u16(), |_| 200)
    };
    for (line, token, content_type, expected) in [
        ("POST /v1/tasks", "", "application/json", 401),
        ("POST /v1/nothing", "", "application/json", 404),
        ("PUT /v1/tasks", "", "application/json", 405),
        ("GET /healthz", "", "", 200),
        ("POST /v1/recurrence/preview", OWNER, "application/json", 200),
        ("POST /v1/recurrence/preview", OWNER, "text/plain", 415),
    ] {
        assert_eq!(status(line, token, content_type), expected, "{line}");
    }
    assert_eq!(opened.get(), 0);
    assert_eq!(status("POST /v1/tasks", "prn_unknown", "application/json"), 503, "looked up");
    assert_eq!(opened.get(), 1);
}

#[test]
fn a_failure_of_the_store_is_kept_for_the_log_and_not_told() {
    let fails =
        || -> Result<&TestStore, StoreError> { Err(StoreError::Database("disk I/O error".to_owned())) };
    let problem = let_in(&head("GET /v1/tasks", "prn_x", ""), fails).unwrap_err();
    assert!(problem.cause().unwrap().contains("disk I/O error"));
    let response: perennial_http_api::Response = problem.of_request("4bf92f").into();
    let document: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(document["instance"], "urn:perennial:request:4bf92f");
    assert!(!document.to_string().contains("disk"), "{document}");

    let fixture = Fixture::new();
    let refused = let_in(&head("GET /v1/tasks", "prn_x", ""), || Ok(&fixture.store)).unwrap_err();
    assert_eq!(refused.cause(), None, "a client's mistake is no failure");
}

/// Only its operator can mend it, who is told which version it takes.
#[test]
fn a_database_of_another_schema_is_no_database() {
    let other = || -> Result<&TestStore, StoreError> { Err(StoreError::Schema { found: 3, needed: 4 }) };
    let problem = let_in(&head("GET /v1/tasks", "prn_x", ""), other).unwrap_err();
    assert_eq!(problem.status().as_u16(), 503);
    let said = "the database has schema version 3, this build needs 4";
    assert_eq!((problem.detail(), problem.cause()), (said, Some(said)));
}

#[test]
fn a_secret_is_told_again_to_who_was_told_it_and_to_nobody_else() {
    let mut service = Service::default();
    let hook = json!({ "type": "webhook", "url": "https://hooks.example.com/" });
    let mint = |name: &str| json!({ "user": "admin", "name": name, "scopes": ["tasks:read", "tasks:write", "admin"] });
    let other = service.json("POST /v1/tokens", &mint("other"))["secret"].as_str().unwrap().to_owned();
    for (number, (line, body)) in
        [("POST /v1/channels", hook), ("POST /v1/tokens", mint("second"))].into_iter().enumerate()
    {
        let key = format!("key-{number}");
        let headers = [("idempotency-key", key.as_str())];
        let first = service.send(OWNER, line, &headers, &body);
        let again = service.send(OWNER, line, &headers, &body);
        assert_eq!(first.status().as_u16(), 201);
        assert_eq!((again.status(), again.body()), (first.status(), first.body()));
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        let secret =
            serde_json::from_slice::<Value>(first.body()).unwrap()["secret"].as_str().unwrap().to_owned();
        assert!(
            !format!("{:?}", service.fixture.rows("SELECT body FROM idempotency")).contains(&secret),
            "{line}"
        );
        assert_eq!(service.send(&other, line, &headers, &body).status().as_u16(), 422, "{line}");
    }
    assert_eq!(service.fixture.count("channel_v2"), 1);
    assert_eq!(service.fixture.count("token"), 2);
}

#[test]
fn a_key_belongs_to_its_condition_too() {
    let mut service = Service::default();
    let task = service.json("POST /v1/tasks", &json!({ "title": "Milk" }));
    let line = format!("PATCH /v1/tasks/{}", task["id"].as_str().unwrap());
    let send = |service: &mut Service, tag| {
        let headers = [("idempotency-key", "k"), ("if-match", tag)];
        service.send(OWNER, &line, &headers, &json!({ "title": "Bread" })).status().as_u16()
    };
    assert_eq!(send(&mut service, "\"1\""), 200);
    assert_eq!(send(&mut service, "\"1\""), 200);
    assert_eq!(send(&mut service, "\"7\""), 422);
}

#[test]
fn a_token_makes_no_stronger_one_than_itself() {
    let mut service = Service::default();
    let only_admin = json!({ "user": "admin", "name": "minter", "scopes": ["admin"] });
    let minter = service.json("POST /v1/tokens", &only_admin)["secret"].as_str().unwrap().to_owned();
    for (scopes, pointers) in [
        (json!(["admin"]), vec![]),
        (json!(["admin", "tasks:read"]), vec!["/scopes/1"]),
        (json!(["tasks:write", "tasks:read"]), vec!["/scopes/0", "/scopes/1"]),
    ] {
        let body = json!({ "user": "admin", "name": "x", "scopes": scopes });
        let response = service.send(&minter, "POST /v1/tokens", &[], &body);
        assert_eq!(response.status().as_u16(), if pointers.is_empty() { 201 } else { 422 }, "{body}");
        let document: Value = serde_json::from_slice(response.body()).unwrap();
        let errors = document["errors"].as_array().cloned().unwrap_or_default();
        let found: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
        assert_eq!(found, pointers, "{document}");
    }
    // Nor does a member have one of an admin, whoever makes it.
    let ada = service.json("POST /v1/users", &json!({ "name": "Ada", "tz": "UTC" }))["id"].clone();
    let body = json!({ "user": ada, "name": "x", "scopes": ["tasks:read", "admin"] });
    let refused = service.send(OWNER, "POST /v1/tokens", &[], &body);
    let document: Value = serde_json::from_slice(refused.body()).unwrap();
    assert_eq!(document["errors"][0]["pointer"], "/scopes/1", "{document}");
    // Unless told otherwise, a token is for tasks.
    let plain = json!({ "user": "admin", "name": "x" });
    assert_eq!(service.send(&minter, "POST /v1/tokens", &[], &plain).status().as_u16(), 422);
}

#[test]
fn head_is_answered_like_get_without_its_body() {
    let mut service = Service::default();
    let task = service.json("POST /v1/tasks", &json!({ "title": "Milk" }));
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    for path in ["/healthz", "/readyz", "/v1/tasks", &path, "/v1/nothing"] {
        let get = service.send(OWNER, &format!("GET {path}"), &[], &Value::Null);
        let head = service.send(OWNER, &format!("HEAD {path}"), &[], &Value::Null);
        assert_eq!((head.status(), head.headers()), (get.status(), get.headers()), "{path}");
        assert!(head.body().is_empty() && !get.body().is_empty(), "{path}");
    }
}

#[test]
fn channels_come_in_pages_like_every_list() {
    let mut service = Service::default();
    for number in 0..3 {
        let hook = json!({ "type": "webhook", "url": format!("https://hooks.example.com/{number}") });
        service.json("POST /v1/channels", &hook);
    }
    let mut found = Vec::new();
    let mut next = String::new();
    while found.len() < 9 {
        let page = service.json(&format!("GET /v1/channels?limit=2{next}"), &Value::Null);
        found.extend(page["items"].as_array().unwrap().iter().map(|item| item["url"].to_string()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    let expected: Vec<String> = (0..3).map(|n| format!("\"https://hooks.example.com/{n}\"")).collect();
    assert_eq!(found, expected);
    assert_eq!(service.send(OWNER, "GET /v1/channels?limit=0", &[], &Value::Null).status().as_u16(), 400);
}

/// A cursor is of the list that it was given out for, or at least looks like one of it.
#[test]
fn a_cursor_that_no_list_gave_out_is_refused() {
    use base64::Engine as _;
    let mut service = Service::default();
    let nonsense = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode("' OR 1=1--");
    let task = service.json("POST /v1/tasks", &json!({ "title": "x" }))["id"].as_str().unwrap().to_owned();
    let lists = [
        "projects",
        "changes",
        "channels",
        "notifications",
        "parked",
        "tasks",
        "trash",
        "users",
        "tokens",
        "me/tokens",
    ];
    let occurrences = format!("tasks/{task}/occurrences");
    for list in lists.into_iter().chain([occurrences.as_str()]) {
        let refused = service.send(OWNER, &format!("GET /v1/{list}?cursor={nonsense}"), &[], &Value::Null);
        assert_eq!(refused.status().as_u16(), 400, "{list}");
    }
    service.json(&format!("DELETE /v1/tasks/{task}"), &Value::Null);
    for path in [occurrences.clone(), format!("{occurrences}?from=2026-11-01&to=2026-12-01")] {
        assert_eq!(service.send(OWNER, &format!("GET /v1/{path}"), &[], &Value::Null).status().as_u16(), 404);
    }
}
