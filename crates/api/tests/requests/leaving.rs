//! Users who leave: what they take with them, and what is no longer theirs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use perennial_api::{Api, admit};
use perennial_domain::WebhookPolicy;
use perennial_fixture::{Counting, NOON};
use perennial_http_api::{Accepted, Response};
use serde_json::{Value, json};

use crate::service::{OWNER, Service};

/// A member, and a token of theirs.
fn member(service: &mut Service, name: &str) -> (String, String) {
    let user = service.json("POST /v1/users", &json!({ "name": name, "tz": "Europe/Berlin" }))["id"].clone();
    let token = service.json("POST /v1/tokens", &json!({ "user": user, "name": "phone" }))["secret"].clone();
    (user.as_str().unwrap().to_owned(), token.as_str().unwrap().to_owned())
}

fn document(response: &Response) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_default()
}

fn status(service: &mut Service, token: &str, line: &str) -> u16 {
    service.send(token, line, &[], &Value::Null).status().as_u16()
}

#[test]
fn an_admin_deletes_a_user_and_their_token_is_none_at_once() {
    let mut service = Service::default();
    let ((ada, phone), (_, bo)) = (member(&mut service, "Ada"), member(&mut service, "Bo"));
    let line = format!("DELETE /v1/users/{ada}");
    assert_eq!(status(&mut service, &bo, &line), 403);
    assert_eq!(status(&mut service, &phone, "GET /v1/me"), 200);
    let key = [("idempotency-key", "leave")];
    let gone = service.send(OWNER, &line, &key, &Value::Null);
    assert_eq!((gone.status().as_u16(), gone.body().len()), (204, 0));
    assert_eq!(status(&mut service, &phone, "GET /v1/me"), 401);
    let again = service.send(OWNER, &line, &key, &Value::Null);
    assert_eq!(
        (again.status().as_u16(), &again.headers()["idempotency-replayed"]),
        (204, &"true".parse().unwrap())
    );
    assert_eq!(status(&mut service, OWNER, &line), 404);
    // Nor is there anything of them for an admin.
    for list in ["GET /v1/users", "GET /v1/tokens"] {
        let items = service.json(list, &Value::Null)["items"].clone();
        assert!(!items.to_string().contains(&ada), "{list}: {items}");
    }
    let token = json!({ "user": ada, "name": "late" });
    assert_eq!(service.send(OWNER, "POST /v1/tokens", &[], &token).status().as_u16(), 422);
    assert_eq!(status(&mut service, &bo, "GET /v1/me"), 200);
}

#[test]
fn the_last_admin_stays() {
    let mut service = Service::default();
    for line in ["DELETE /v1/users/admin", "DELETE /v1/me?user=admin"] {
        let refused = service.send(OWNER, line, &[], &Value::Null);
        assert_eq!(refused.status().as_u16(), 409, "{line}");
        assert_eq!(document(&refused)["type"], "urn:perennial:problem:last-admin", "{line}");
    }
    assert_eq!(status(&mut service, OWNER, "GET /v1/me"), 200);
}

#[test]
fn users_delete_themselves_by_their_own_id_and_in_no_other_way() {
    let mut service = Service::default();
    let ((ada, phone), (bo, _)) = (member(&mut service, "Ada"), member(&mut service, "Bo"));
    let reader = json!({ "user": ada, "name": "reader", "scopes": ["tasks:read"] });
    let reader = service.json("POST /v1/tokens", &reader)["secret"].as_str().unwrap().to_owned();
    for line in ["DELETE /v1/me".to_owned(), "DELETE /v1/me/".to_owned(), format!("DELETE /v1/me?user={bo}")]
    {
        let refused = service.send(&phone, &line, &[], &Value::Null);
        assert_eq!(refused.status().as_u16(), 422, "{line}");
        assert_eq!(document(&refused)["errors"][0]["pointer"], "?user", "{line}");
    }
    let line = format!("DELETE /v1/me?user={ada}");
    assert_eq!(status(&mut service, &reader, &line), 403);
    assert_eq!(status(&mut service, &phone, &line), 204);
    for token in [phone, reader] {
        assert_eq!(status(&mut service, &token, &line), 401);
    }
}

/// A request that was let in with a token that was one then.
#[test]
fn a_write_that_was_let_in_before_its_user_was_deleted_is_refused() {
    let mut service = Service::default();
    let (ada, phone) = member(&mut service, "Ada");
    let request = crate::service::request(&phone, "POST /v1/tasks", &[], &json!({ "title": "Late" }));
    let (head, body) = request.into_parts();
    let store = service.fixture.connection();
    let accepted =
        Accepted { bootstrap_token: OWNER, issuer: None, key_server: &crate::service::Published::default() };
    let admitted = pollster::block_on(admit(&head, &accepted, || Ok(&store), NOON)).unwrap();
    assert_eq!(status(&mut service, OWNER, &format!("DELETE /v1/users/{ada}")), 204);
    let mut api = Api {
        store: &store,
        webhooks: &WebhookPolicy::default(),
        now: NOON,
        ids: &mut Counting(1_000_000),
        correlation_id: "test".to_owned(),
        dry_run: false,
        limits: perennial_api::Limits::default(),
    };
    let refused = admitted.carry_out(&mut api, &http::Request::from_parts(head, body)).unwrap_err();
    assert_eq!(refused.status().as_u16(), 401);
    assert_eq!(service.fixture.count("task"), 0);
}

/// A user with something of each kind.
fn with_everything(service: &mut Service) -> String {
    let (_, ada) = member(service, "Ada");
    let mut made = |line: &str, body: Value| {
        let response = service.send(&ada, line, &[], &body);
        assert!(response.status().is_success(), "{line}: {}", String::from_utf8_lossy(response.body()));
        document(&response)
    };
    made("POST /v1/channels", json!({ "type": "webhook", "url": "https://hooks.example" }));
    let project = made("POST /v1/projects", json!({ "name": "Home" }))["id"].clone();
    let weekly = made(
        "POST /v1/tasks",
        json!({
            "title": "Bins", "description": "*out*", "tags": ["home"], "priority": "high", "project": project,
            "due": { "local": "2026-11-23T07:00:00", "tz": "Europe/Berlin" }, "duration": "PT5M",
            "recurrence": { "rrule": "FREQ=WEEKLY" }, "reminders": [{ "trigger": "-PT30M" }], "metadata": { "a": "b" },
        }),
    );
    let id = weekly["id"].as_str().unwrap();
    let change = json!({ "recurrence_id": "2026-11-30T07:00:00[Europe/Berlin]", "title": "Bins out" });
    made(&format!("POST /v1/tasks/{id}/override"), change);
    let gone = made("POST /v1/tasks", json!({ "title": "Gone" }))["id"].clone();
    made(&format!("DELETE /v1/tasks/{}", gone.as_str().unwrap()), Value::Null);
    service.fixture.rows(&format!(
        "INSERT INTO notification_v2 (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload, created_at) \
         SELECT '00000000-0000-0000-0000-00000000000a', user_id, id, '', '00000000-0000-0000-0000-00000000000b', 'inbox', 1, \
         'delivered', '{{}}', 1 FROM task WHERE id = '{id}'"
    ));
    ada
}

/// All pages of an export of this size.
fn export(service: &mut Service, token: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.send(token, &format!("GET /v1/export?limit={limit}{cursor}"), &[], &Value::Null);
        assert_eq!(page.status().as_u16(), 200, "{}", String::from_utf8_lossy(page.body()));
        assert!(page.body().len() < 300 * 1024, "{}", page.body().len());
        let page = document(&page);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        all.extend(items.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[test]
fn an_export_has_everything_of_the_user_and_no_secret() {
    let mut service = Service::default();
    let ada = with_everything(&mut service);
    let (_, bo) = member(&mut service, "Bo");
    let all = export(&mut service, &ada, 200);
    insta::assert_snapshot!(format!("{:#}", Value::from(all.clone())));
    let text = Value::from(all.clone()).to_string();
    for secret in ["secret", "hash", "whsec_", "prn_"] {
        assert!(!text.contains(secret), "{secret}");
    }
    // Whatever the size of the pages.
    for limit in [1, 3] {
        assert_eq!(export(&mut service, &ada, limit), all, "{limit}");
    }
    let kinds: Vec<Value> =
        export(&mut service, &bo, 200).into_iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["user", "settings", "token"], "and nothing of another's");
    for cursor in ["x", "dGFzaw", "bm9uZSB4"] {
        let refused = service.send(&ada, &format!("GET /v1/export?cursor={cursor}"), &[], &Value::Null);
        assert_eq!(refused.status().as_u16(), 400, "{cursor}");
    }
}

#[test]
fn what_is_exported_of_a_task_makes_it_again() {
    let mut service = Service::default();
    let ada = with_everything(&mut service);
    let all = export(&mut service, &ada, 200);
    let task =
        &all.iter().find(|one| one["value"]["title"] == "Bins" && one["kind"] == "task").unwrap()["value"];
    let sent =
        ["title", "description", "priority", "tags", "due", "start", "duration", "metadata", "recurrence"];
    let mut again: serde_json::Map<String, Value> =
        sent.iter().map(|name| ((*name).to_owned(), task[*name].clone())).collect();
    let reminders = task["reminders"].as_array().unwrap();
    let without_ids =
        reminders.iter().map(|one| json!({ "related": one["related"], "trigger": one["trigger"] }));
    again.insert("reminders".to_owned(), without_ids.collect());
    let (_, bo) = member(&mut service, "Bo");
    let made = service.send(&bo, "POST /v1/tasks", &[], &Value::Object(again));
    assert_eq!(made.status().as_u16(), 201, "{}", String::from_utf8_lossy(made.body()));
    let made = document(&made);
    for name in sent {
        assert_eq!(made[name], task[name], "{name}");
    }
}

#[test]
fn a_page_of_large_tasks_ends_early() {
    let mut service = Service::default();
    let (_, ada) = member(&mut service, "Ada");
    let large = json!({ "title": "Large", "description": "x".repeat(16_000) });
    for _ in 0..40 {
        assert_eq!(service.send(&ada, "POST /v1/tasks", &[], &large).status().as_u16(), 201);
    }
    // Each with its occurrence and the change that made it.
    assert_eq!(export(&mut service, &ada, 200).len(), 3 + 3 * 40);
}
