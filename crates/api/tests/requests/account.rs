//! What users see of themselves and set for themselves.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use perennial_fixture::NOON;
use perennial_store::Store;
use serde_json::{Value, json};

use crate::service::{OWNER, Service};

/// A member with a token of these scopes.
fn member(service: &mut Service, name: &str, scopes: &Value) -> String {
    let user = service.json("POST /v1/users", &json!({ "name": name, "tz": "Europe/Berlin" }))["id"].clone();
    let token = json!({ "user": user, "name": "phone", "scopes": scopes });
    service.json("POST /v1/tokens", &token)["secret"].as_str().unwrap().to_owned()
}

fn document(response: &perennial_http_api::Response) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_default()
}

/// The status, and where what was sent is wrong.
fn wrong(response: &perennial_http_api::Response) -> (u16, Vec<String>) {
    let errors = document(response)["errors"].as_array().cloned().unwrap_or_default();
    (response.status().as_u16(), errors.iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn a_token_says_whom_it_speaks_for_and_what_it_allows() {
    let mut service = Service::default();
    let reader = member(&mut service, "Ada", &json!(["tasks:read"]));
    let me = document(&service.send(&reader, "GET /v1/me", &[], &Value::Null));
    assert_eq!(
        (&me["name"], &me["role"], &me["scopes"]),
        (&json!("Ada"), &json!("member"), &json!(["tasks:read"]))
    );
    assert_eq!(me["id"].as_str().unwrap().len(), 36);
    let owner = service.json("GET /v1/me", &Value::Null);
    assert_eq!(owner["scopes"], json!(["tasks:read", "tasks:write", "admin"]));
    let patch = service.send(&reader, "PATCH /v1/settings", &[], &json!({ "week_start": "sunday" }));
    assert_eq!(patch.status().as_u16(), 403);
    let admin = member_of(&mut service, &json!(["admin"]));
    for line in ["GET /v1/me", "GET /v1/settings"] {
        assert_eq!(service.send(&admin, line, &[], &Value::Null).status().as_u16(), 403, "{line}");
    }
}

/// A token of the owner's.
fn member_of(service: &mut Service, scopes: &Value) -> String {
    let token = json!({ "user": "admin", "name": "x", "scopes": scopes });
    service.json("POST /v1/tokens", &token)["secret"].as_str().unwrap().to_owned()
}

#[test]
fn settings_are_merged_versioned_and_noted() {
    let mut service = Service::default();
    let ada = member(&mut service, "Ada", &json!(["tasks:read", "tasks:write"]));
    let first = service.send(&ada, "GET /v1/settings", &[], &Value::Null);
    assert_eq!(first.headers()["etag"], "\"1\"");
    assert_eq!(
        document(&first),
        json!({ "tz": "Europe/Berlin", "week_start": "monday", "quiet_hours": null })
    );
    let quiet = json!({ "quiet_hours": { "from": "22:00", "to": "07:00" } });
    let set = service.send(&ada, "PATCH /v1/settings", &[("if-match", "\"1\"")], &quiet);
    assert_eq!(set.headers()["etag"], "\"2\"");
    assert_eq!(
        document(&set),
        json!({ "tz": "Europe/Berlin", "week_start": "monday", "quiet_hours": { "from": "22:00", "to": "07:00" } })
    );
    // A merge patch goes into what it is in.
    let later = json!({ "quiet_hours": { "to": "08:00" }, "week_start": "sunday" });
    let merged = service.send(&ada, "PATCH /v1/settings", &[], &later);
    assert_eq!(document(&merged)["quiet_hours"], json!({ "from": "22:00", "to": "08:00" }));
    let stale = service.send(&ada, "PATCH /v1/settings", &[("if-match", "\"2\"")], &quiet);
    assert_eq!(stale.status().as_u16(), 412);
    // What is so already is no change.
    let same = service.send(&ada, "PATCH /v1/settings", &[], &later);
    assert_eq!((same.status().as_u16(), &same.headers()["etag"]), (200, &merged.headers()["etag"]));
    let off =
        service.send(&ada, "PATCH /v1/settings", &[], &json!({ "quiet_hours": null, "week_start": null }));
    assert_eq!(document(&off), json!({ "tz": "Europe/Berlin", "week_start": "monday", "quiet_hours": null }));
    assert_eq!(document(&service.send(&ada, "GET /v1/settings", &[], &Value::Null)), document(&off));

    let changes = document(&service.send(&ada, "GET /v1/changes", &[], &Value::Null));
    let noted: Vec<_> = changes["items"].as_array().unwrap().iter().map(|c| c["action"].clone()).collect();
    assert_eq!(noted, vec![json!("settings.update"); 3]);
    assert_eq!(changes["items"][0]["before"]["week_start"], "sunday");
    assert_eq!(changes["items"][0]["after"]["week_start"], "monday");
    let undo = format!("POST /v1/changes/{}/undo", changes["items"][0]["id"].as_str().unwrap());
    assert_eq!(service.send(&ada, &undo, &[], &Value::Null).status().as_u16(), 422);
    // Nobody else's are touched.
    assert_eq!(service.json("GET /v1/settings", &Value::Null)["tz"], "UTC");
    assert_eq!(service.send(OWNER, "GET /v1/settings", &[], &Value::Null).headers()["etag"], "\"1\"");
}

#[test]
fn settings_that_are_none_are_refused_where_they_are_wrong() {
    let mut service = Service::default();
    for (patch, pointers) in [
        (json!({ "tz": "Berlin" }), vec!["/tz"]),
        (json!({ "tz": "+02:00" }), vec!["/tz"]),
        (json!({ "quiet_hours": { "from": "22:00", "to": "22:00" } }), vec!["/quiet_hours/to"]),
        (
            json!({ "tz": "x", "quiet_hours": { "from": "9", "to": "24:00" } }),
            vec!["/tz", "/quiet_hours/from", "/quiet_hours/to"],
        ),
    ] {
        let response = service.send(OWNER, "PATCH /v1/settings", &[], &patch);
        let pointers: Vec<String> = pointers.iter().map(ToString::to_string).collect();
        assert_eq!(wrong(&response), (422, pointers), "{patch}");
    }
    for patch in [
        json!({ "tz": null }),
        json!({ "quiet_hours": { "from": "22:00" } }),
        json!({ "quiet_hours": { "from": "22:00", "to": "07:00", "days": [] } }),
        json!({ "week_start": "Monday" }),
        json!({ "week_start": 1 }),
        json!({ "colour": "red" }),
        json!([]),
    ] {
        let response = service.send(OWNER, "PATCH /v1/settings", &[], &patch);
        assert_eq!(response.status().as_u16(), 422, "{patch}: {}", String::from_utf8_lossy(response.body()));
    }
    assert_eq!(service.send(OWNER, "GET /v1/settings", &[], &Value::Null).headers()["etag"], "\"1\"");
}

/// A request that was let in before its user moved decides once more, in the zone they are in.
#[test]
fn a_task_is_made_in_the_zone_that_its_user_has_by_then() {
    let mut service = Service::default();
    service.json("PATCH /v1/settings", &json!({ "tz": "Asia/Tokyo" }));
    let task = service.json("POST /v1/tasks", &json!({ "title": "x", "due": { "local": "2026-11-24" } }));
    assert_eq!(task["occurrence"]["due_at"], "2026-11-23T15:00:00Z");
}

#[test]
fn a_token_expires_when_it_was_to_and_not_before() {
    let mut service = Service::default();
    let mint = |at: &str| json!({ "user": "admin", "name": "x", "expires_at": at });
    for (at, detail) in [
        ("2026-11-21T12:00:00Z", "has passed"),
        ("2026-11-21T11:59:59Z", "has passed"),
        ("2036-11-21T12:00:01Z", "is more than ten years ahead"),
        ("2036-11-22T00:00:00+00:00", "is not an instant"),
        ("tomorrow", "is not an instant"),
    ] {
        let refused = service.send(OWNER, "POST /v1/tokens", &[], &mint(at));
        assert_eq!(wrong(&refused), (422, vec!["/expires_at".to_owned()]), "{at}");
        assert!(document(&refused).to_string().contains(detail), "{at}");
    }
    service.json("POST /v1/tokens", &mint("2036-11-21T12:00:00Z"));
    let made = service.json("POST /v1/tokens", &mint("2026-11-22T12:00:00Z"));
    assert_eq!(made["expires_at"], "2026-11-22T12:00:00Z");
    let secret = made["secret"].as_str().unwrap();
    for (before, status) in [(1, 200), (0, 401), (-1, 401)] {
        service.now = Some(NOON.plus_millis(86_400_000 - before));
        let asked = service.send(secret, "GET /v1/me", &[], &Value::Null);
        assert_eq!(asked.status().as_u16(), status, "{before} ms before");
    }
}

#[test]
fn the_use_of_a_token_is_noted_once_an_hour() {
    let mut service = Service::default();
    let token = member(&mut service, "Ada", &json!(["tasks:read", "tasks:write"]));
    let mut used_at = |minutes: i64, line: &str| {
        service.now = Some(NOON.plus_millis(minutes * 60_000));
        service.send(&token, line, &[], &Value::Null);
        service.now = None;
        service.json("GET /v1/tokens", &Value::Null)["items"][0]["last_used_at"].clone()
    };
    assert_eq!(used_at(0, "GET /v1/me"), "2026-11-21T12:00:00Z");
    assert_eq!(used_at(59, "GET /v1/me"), "2026-11-21T12:00:00Z");
    assert_eq!(used_at(60, "GET /v1/nothing"), "2026-11-21T12:00:00Z", "it was not let in");
    assert_eq!(used_at(60, "HEAD /v1/tasks"), "2026-11-21T13:00:00Z");
    assert_eq!(used_at(30, "GET /v1/me"), "2026-11-21T13:00:00Z", "the clock went back");
}

#[test]
fn users_see_and_revoke_their_own_tokens_and_no_others() {
    let mut service = Service::default();
    let both = json!(["tasks:read", "tasks:write"]);
    let (ada, eve) = (member(&mut service, "Ada", &both), member(&mut service, "Eve", &both));
    let own = |service: &mut Service, token: &str| -> Vec<String> {
        let listed = document(&service.send(token, "GET /v1/me/tokens", &[], &Value::Null));
        let items = listed["items"].as_array().unwrap();
        assert!(items.iter().all(|item| item.get("secret").is_none() && item["user"] == items[0]["user"]));
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let user = document(&service.send(&ada, "GET /v1/me", &[], &Value::Null))["id"].clone();
    let reader = json!({ "user": user, "name": "reader", "scopes": ["tasks:read"] });
    let reader = service.json("POST /v1/tokens", &reader)["secret"].as_str().unwrap().to_owned();
    let (mine, hers) = (own(&mut service, &ada), own(&mut service, &eve));
    assert_eq!((mine.len(), hers.len()), (2, 1));
    let page = document(&service.send(&ada, "GET /v1/me/tokens?limit=1", &[], &Value::Null));
    let rest = format!("GET /v1/me/tokens?cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(document(&service.send(&ada, &rest, &[], &Value::Null))["items"][0]["id"], *mine[1]);

    let mut revoke = |token: &str, id: &str| {
        let line = format!("DELETE /v1/me/tokens/{id}");
        service.send(token, &line, &[], &Value::Null).status().as_u16()
    };
    assert_eq!(revoke(&reader, &mine[0]), 403);
    assert_eq!(revoke(&eve, &mine[0]), 404);
    assert_eq!(revoke(&ada, "nothing"), 404);
    assert_eq!(revoke(&ada, &mine[1]), 204);
    assert_eq!(revoke(&reader, &mine[0]), 401, "it is revoked");
    assert_eq!(revoke(&ada, &mine[1]), 404);
    assert_eq!(revoke(&ada, &mine[0]), 204, "the one that asks");
    assert_eq!(revoke(&ada, &mine[0]), 401);
    assert_eq!(own(&mut service, &eve), hers);
}

#[test]
fn a_secret_is_rotated_and_the_one_before_signs_for_a_day() {
    let mut service = Service::default();
    let eve = member(&mut service, "Eve", &json!(["tasks:read", "tasks:write"]));
    // A fragment is never sent, and not kept.
    let hook = json!({ "type": "webhook", "url": "https://hooks.example.com/?a=b#c#d" });
    let channel = service.json("POST /v1/channels", &hook);
    assert_eq!(channel["url"], "https://hooks.example.com/?a=b");
    let address = format!("/v1/channels/{}", channel["id"].as_str().unwrap());
    let shown = service.json(&format!("GET {address}"), &Value::Null);
    assert_eq!((&shown["url"], shown.get("secret")), (&channel["url"], None));
    let rotate = format!("POST {address}/rotate");
    for line in [format!("GET {address}"), rotate.clone()] {
        assert_eq!(service.send(&eve, &line, &[], &Value::Null).status().as_u16(), 404, "{line}");
    }
    // What signs, at an hour after noon: the newest first.
    let signs = |service: &Service| {
        let id = perennial_domain::ChannelId::new(channel["id"].as_str().unwrap());
        let found = service.fixture.store.channel(&perennial_domain::UserId::admin(), &id).unwrap().unwrap();
        let perennial_domain::ChannelConfig::Webhook { secret, previous, .. } = found.config;
        (secret, previous.into_iter().map(|old| (old.secret, old.until)).collect::<Vec<_>>())
    };
    let day = 86_400_000;
    let first = channel["secret"].as_str().unwrap().to_owned();
    let key = [("idempotency-key", "k")];
    let second =
        document(&service.send(OWNER, &rotate, &key, &Value::Null))["secret"].as_str().unwrap().to_owned();
    let again = document(&service.send(OWNER, &rotate, &key, &Value::Null));
    assert_eq!(again["secret"], *second, "told again to who was told");
    assert_ne!(first, second);
    assert_eq!(signs(&service), (second.clone(), vec![(first, NOON.plus_millis(day))]));
    assert!(!format!("{:?}", service.fixture.rows("SELECT body FROM idempotency")).contains(&second));
    service.json(&rotate, &Value::Null);
    service.json(&rotate, &Value::Null);
    let refused = service.send(OWNER, &rotate, &[], &Value::Null);
    assert_eq!(refused.status().as_u16(), 422);
    service.now = Some(NOON.plus_millis(day));
    service.json(&rotate, &Value::Null);
    assert_eq!(signs(&service).1.len(), 1, "those whose day is over are forgotten");
    service.json(&format!("DELETE {address}"), &Value::Null);
    for line in [format!("GET {address}"), rotate] {
        assert_eq!(service.send(OWNER, &line, &[], &Value::Null).status().as_u16(), 404, "{line}");
    }
}

#[test]
fn a_channel_says_what_it_takes_and_is_tested() {
    let mut service = Service::default();
    let eve = member(&mut service, "Eve", &json!(["tasks:read", "tasks:write"]));
    let hook =
        |types: Value| json!({ "type": "webhook", "url": "https://hooks.example.com/", "types": types });
    for (types, place, said) in [
        (json!([]), "/types", "must have 1 to 20 types"),
        (json!(["task.created", "task.created"]), "/types/1", "is there twice"),
        (json!(["notification.failed"]), "/types/0", "must be one of reminder.fired, task.created"),
    ] {
        let refused = service.send(OWNER, "POST /v1/channels", &[], &hook(types));
        assert_eq!(refused.status().as_u16(), 422);
        let error = document(&refused)["errors"][0].clone();
        assert_eq!(error["pointer"], place);
        assert!(error["detail"].as_str().unwrap().starts_with(said), "{error}");
    }
    let plain =
        service.json("POST /v1/channels", &json!({ "type": "webhook", "url": "https://hooks.example.com/" }));
    assert_eq!(plain["types"], json!(["reminder.fired"]));
    let channel = service.json("POST /v1/channels", &hook(json!(["task.created", "project.created"])));
    assert_eq!(channel["types"], json!(["task.created", "project.created"]));
    let id = channel["id"].as_str().unwrap();
    let (address, test) = (format!("/v1/channels/{id}"), format!("POST /v1/channels/{id}/test"));
    for (line, body) in [(format!("PATCH {address}"), json!({})), (test.clone(), Value::Null)] {
        assert_eq!(service.send(&eve, &line, &[], &body).status().as_u16(), 404, "{line}");
    }
    let key = [("idempotency-key", "k")];
    let (sent, again) =
        (service.send(OWNER, &test, &key, &Value::Null), service.send(OWNER, &test, &key, &Value::Null));
    assert_eq!((sent.status().as_u16(), again.status().as_u16()), (202, 202));
    let (sent, again) = (document(&sent), document(&again));
    assert_eq!(
        (&sent["type"], &sent["state"], &sent["channel"]),
        (&json!("test"), &json!("pending"), &channel["id"])
    );
    assert_eq!(sent, again);
    let list = format!("GET /v1/notifications?channel={id}");
    assert_eq!(service.json(&list, &Value::Null)["items"], json!([sent]));

    service.json("POST /v1/tasks", &json!({ "title": "Told" }));
    let told = service.json(&list, &Value::Null)["items"].as_array().unwrap().clone();
    assert_eq!(told.len(), 2);
    let patched = service.json(&format!("PATCH {address}"), &json!({ "types": ["task.deleted"] }));
    assert_eq!(patched["types"], json!(["task.deleted"]));
    assert_eq!(service.json(&format!("PATCH {address}"), &json!({}))["types"], json!(["task.deleted"]));
    let rotated = service.json(&format!("POST {address}/rotate"), &Value::Null);
    assert_eq!(rotated["types"], json!(["task.deleted"]), "a new secret changes nothing else");
    let patched = service.json(&format!("PATCH {address}"), &json!({ "types": null }));
    assert_eq!(patched["types"], json!(["reminder.fired"]));
    service.json("POST /v1/tasks", &json!({ "title": "Untold" }));
    assert_eq!(service.json(&list, &Value::Null)["items"].as_array().unwrap().len(), 2);
    for _ in 1..10 {
        service.json(&test, &Value::Null);
    }
    assert_eq!(service.send(OWNER, &test, &[], &Value::Null).status().as_u16(), 422);
}

#[test]
fn a_channel_is_changed_only_as_it_was_read() {
    let mut service = Service::default();
    let hook = json!({ "type": "webhook", "url": "https://hooks.example.com/" });
    let made = service.send(OWNER, "POST /v1/channels", &[], &hook);
    let tag = |answer: &perennial_http_api::Response| answer.headers()["etag"].to_str().unwrap().to_owned();
    let (address, first) = (format!("/v1/channels/{}", document(&made)["id"].as_str().unwrap()), tag(&made));
    let ask = |service: &mut Service, verb: &str, (header, value): (&str, &str), body: Value| {
        service.send(OWNER, &format!("{verb} {address}"), &[(header, value)], &body)
    };
    let known = ask(&mut service, "GET", ("if-none-match", &first), Value::Null);
    assert_eq!((known.status().as_u16(), tag(&known)), (304, first.clone()));
    let types = json!({ "types": ["task.created"] });
    let patched = ask(&mut service, "PATCH", ("if-match", &first), types.clone());
    assert_eq!(patched.status().as_u16(), 200);
    let second = tag(&patched);
    assert_ne!(first, second);
    assert_eq!(tag(&ask(&mut service, "GET", ("if-none-match", &first), Value::Null)), second);
    let rotate = format!("POST {address}/rotate");
    let refused = service.send(OWNER, &rotate, &[("if-match", &first)], &Value::Null);
    assert_eq!(refused.status().as_u16(), 412);
    let rotated = service.send(OWNER, &rotate, &[("if-match", &second)], &Value::Null);
    assert_eq!(rotated.status().as_u16(), 200);
    assert_ne!(tag(&rotated), second);
    for (verb, body) in [("PATCH", types), ("DELETE", Value::Null)] {
        assert_eq!(
            ask(&mut service, verb, ("if-match", &second), body.clone()).status().as_u16(),
            412,
            "{verb}"
        );
        assert_eq!(ask(&mut service, verb, ("if-match", "second"), body).status().as_u16(), 400, "{verb}");
    }
    let deleted = ask(&mut service, "DELETE", ("if-match", &tag(&rotated)), Value::Null);
    assert_eq!(deleted.status().as_u16(), 204);
}
