//! What is only rehearsed is answered as if it were done, and leaves nothing.

use http::StatusCode;
use serde_json::{Value, json};

use crate::service::{OWNER, Service};

/// Everything that there is of a user's, but for what a read changes nothing of.
fn everything(service: &mut Service) -> Value {
    let lists = ["/v1/tasks", "/v1/trash", "/v1/projects", "/v1/changes", "/v1/events"];
    lists.map(|list| service.json(&format!("GET {list}"), &Value::Null)).into_iter().collect()
}

#[test]
fn a_rehearsed_write_is_answered_as_the_write_and_leaves_nothing() {
    let mut service = Service::default();
    let made = service.json("POST /v1/tasks", &json!({ "title": "one" }));
    let id = made["id"].as_str().unwrap_or_default().to_owned();
    let before = everything(&mut service);

    service.dry_run = true;
    let key = [("idempotency-key", "k")];
    for (line, body, status) in [
        ("POST /v1/tasks".to_owned(), json!({ "title": "two" }), StatusCode::CREATED),
        (format!("PATCH /v1/tasks/{id}"), json!({ "title": "other" }), StatusCode::OK),
        (format!("POST /v1/tasks/{id}/complete"), Value::Null, StatusCode::OK),
        (format!("DELETE /v1/tasks/{id}"), Value::Null, StatusCode::NO_CONTENT),
        ("POST /v1/projects".to_owned(), json!({ "name": "home" }), StatusCode::CREATED),
    ] {
        // However often, and whatever comes under the same key.
        for _ in 0..2 {
            let answer = service.send(OWNER, &line, &key, &body);
            assert_eq!(answer.status(), status, "{line}");
        }
    }
    for mode in ["all", "each"] {
        let operations = json!([
            { "operation": "create", "body": { "title": "three" } },
            { "operation": "update", "id": id, "body": { "title": "other" } },
        ]);
        let told = service.json("POST /v1/bulk", &json!({ "mode": mode, "operations": operations }));
        assert_eq!(
            (&told["results"][0]["status"], &told["results"][1]["status"]),
            (&json!(201), &json!(200))
        );
    }

    service.dry_run = false;
    assert_eq!(everything(&mut service), before);
    let after = service.send(OWNER, "POST /v1/tasks", &key, &json!({ "title": "four" }));
    assert_eq!(after.status(), StatusCode::CREATED);
    assert!(!after.headers().contains_key("idempotency-replayed"));
}

/// What only the store can refuse, it refuses at a rehearsal too.
#[test]
fn a_rehearsal_is_held_to_the_guards_of_the_store() {
    let mut service = Service::default();
    service.dry_run = true;
    let nowhere = json!({ "title": "one", "project": "01910000-0000-7000-8000-000000000000" });
    let alone = service.send(OWNER, "POST /v1/tasks", &[], &nowhere);
    service.dry_run = false;
    let done = service.send(OWNER, "POST /v1/tasks", &[], &nowhere);
    assert_eq!((alone.status(), alone.body()), (done.status(), done.body()));
    assert!(alone.status().is_client_error());

    service.dry_run = true;
    let operations = json!([
        { "operation": "create", "body": { "title": "good" } },
        { "operation": "create", "body": nowhere },
    ]);
    let told = service.json("POST /v1/bulk", &json!({ "mode": "each", "operations": operations }));
    assert_eq!(told["results"][0]["status"], 201);
    assert_eq!(told["results"][1]["status"], done.status().as_u16());
    let none = service.send(OWNER, "POST /v1/bulk", &[], &json!({ "mode": "all", "operations": operations }));
    assert!(none.status().is_client_error());
}
