//! Quick add makes what it shows, once.

use perennial_fixture::NOON;
use serde_json::{Value, json};

use crate::service::{OWNER, Service};

const QUICK: &str = "POST /v1/tasks/quick";
const DAY: i64 = 86_400_000;

#[test]
fn a_dry_run_shows_what_would_be_made_and_stores_nothing() {
    let mut service = Service::default();
    let line =
        json!({ "text": "Pay rent every last workday at 9am #home !high remind 1h before", "dry_run": true });
    let was = service.fixture.everything();
    let key = [("idempotency-key", "k")];
    let shown = service.send(OWNER, QUICK, &key, &line);
    assert_eq!(shown.status().as_u16(), 200);
    assert!(shown.headers().get("location").is_none() && shown.headers().get("etag").is_none());
    assert_eq!(service.fixture.everything(), was);
    let shown: Value = serde_json::from_slice(shown.body()).unwrap();
    assert!(shown["task"].is_null());

    // The key is still free, and what is made is what was shown.
    let made = service.send(OWNER, QUICK, &key, &json!({ "text": line["text"] }));
    assert_eq!(made.status().as_u16(), 201);
    let location = made.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = serde_json::from_slice(made.body()).unwrap();
    for member in ["input", "pieces", "notes", "description"] {
        assert_eq!(made[member], shown[member], "{member}");
    }
    assert_eq!(service.json(&format!("GET {location}"), &Value::Null), made["task"]);
    // The input is what makes the same task.
    let again = service.json("POST /v1/tasks", &made["input"]);
    for member in ["title", "priority", "tags", "due", "recurrence"] {
        assert_eq!(again[member], made["task"][member], "{member}");
    }
    assert_eq!(again["reminders"][0]["trigger"], "-PT1H");
}

#[test]
fn a_key_has_its_answer_also_on_another_day() {
    let mut service = Service::default();
    let key = [("idempotency-key", "k")];
    let line = json!({ "text": "Call Bob today at 18:00" });
    let first = service.send(OWNER, QUICK, &key, &line);
    assert_eq!(first.status().as_u16(), 201);
    // The same line is refused eight hours later: 18:00 has passed.
    service.now = Some(NOON.plus_millis(DAY / 3));
    assert_eq!(service.send(OWNER, QUICK, &[], &line).status().as_u16(), 422);
    let again = service.send(OWNER, QUICK, &key, &line);
    assert_eq!((again.status(), again.body()), (first.status(), first.body()));
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(service.json("GET /v1/tasks", &Value::Null)["items"].as_array().unwrap().len(), 1);

    let tomorrow = json!({ "text": "Call Ada tomorrow" });
    let other = [("idempotency-key", "l")];
    let made = service.send(OWNER, QUICK, &other, &tomorrow);
    service.now = Some(NOON.plus_millis(DAY));
    assert_eq!(service.send(OWNER, QUICK, &other, &tomorrow).body(), made.body());
}

#[test]
fn the_day_is_that_of_the_users_zone_unless_another_is_asked_for() {
    let mut service = Service::default();
    let ada =
        service.json("POST /v1/users", &json!({ "name": "Ada", "tz": "Pacific/Kiritimati" }))["id"].clone();
    let token = service.json("POST /v1/tokens", &json!({ "user": ada, "name": "t" }))["secret"].clone();
    let token = token.as_str().unwrap().to_owned();
    for (tz, expected) in [(Value::Null, "2026-11-22"), (json!("Pacific/Pago_Pago"), "2026-11-21")] {
        let line = json!({ "text": "Dance today", "tz": tz });
        let made = service.send(&token, QUICK, &[], &line);
        let made: Value = serde_json::from_slice(made.body()).unwrap();
        assert_eq!(made["task"]["due"]["local"], expected, "{tz}");
    }
}

#[test]
fn what_is_wrong_points_at_its_words() {
    let mut service = Service::default();
    let was = service.fixture.everything();
    for (body, pointer, span) in [
        (json!({ "text": "🎂 !hgih" }), "/text", json!({ "start": 2, "end": 7 })),
        (json!({ "text": "x remind 1h before" }), "/text", json!({ "start": 2, "end": 18 })),
        (json!({ "text": "x every 90 seconds" }), "/text", json!({ "start": 2, "end": 18 })),
        (json!({ "text": "a\u{0}b" }), "/text", json!({ "start": 1, "end": 2 })),
        (json!({ "text": "tomorrow" }), "/text", Value::Null),
        (json!({ "text": "" }), "/text", Value::Null),
        (json!({ "text": "x".repeat(1_001) }), "/text", Value::Null),
        (json!({ "text": "x".repeat(501) }), "/text", json!({ "start": 0, "end": 501 })),
        (json!({ "text": "x", "tz": "Mars/Olympus" }), "/tz", Value::Null),
        (json!({ "text": "x", "dry_run": "yes" }), "/dry_run", Value::Null),
        (json!({ "text": "x", "now": "2026-01-01" }), "/now", Value::Null),
        (json!({}), "/text", Value::Null),
    ] {
        let refused = service.send(OWNER, QUICK, &[], &body);
        assert_eq!(refused.status().as_u16(), 422, "{body}");
        let document: Value = serde_json::from_slice(refused.body()).unwrap();
        assert_eq!(document["errors"][0]["pointer"], pointer, "{document}");
        assert_eq!(document["errors"][0]["span"], span, "{document}");
    }
    assert_eq!(service.fixture.everything(), was);
}
