//! The path of one task, from its creation to a signed webhook and back again.

use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use http::StatusCode;
use perennial_tests::{Client, Receiver, SOON, Service, until, verify};
use serde_json::{Value, json};

/// Makes the receiver a channel of this user and gives the secret that signs what it will receive.
pub(crate) fn channel(user: &Client, receiver: &Receiver) -> String {
    let channel = json!({ "type": "webhook", "url": receiver.url() });
    let channel = user.post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);
    channel["secret"].as_str().unwrap().to_owned()
}

/// A task that is due in so many seconds and comes back every week, with a reminder at that moment.
pub(crate) fn due_in(seconds: i64) -> Value {
    let due = Utc::now() + TimeDelta::seconds(seconds);
    json!({
        "title": "Water the plants", "priority": "high", "tags": ["home", "plants"],
        "due": { "local": due.format("%Y-%m-%dT%H:%M:%S").to_string(), "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=WEEKLY" },
        "reminders": [{ "trigger": "PT0S" }],
    })
}

/// The occurrence that is open now and is not `closed`.
pub(crate) fn next_occurrence(user: &Client, task: &str, closed: &str) -> Value {
    until("the next occurrence", SOON, || {
        let occurrence = user.get(format!("/v1/tasks/{task}"))["occurrence"].clone();
        (occurrence.is_object() && occurrence["recurrence_id"] != closed).then_some(occurrence)
    })
}

/// Follows a task all the way on a service that was set up by the caller. `tick` stands in for the clock where the
/// service has none.
pub(crate) fn follow_one_task(user: &Client, tick: impl Fn()) {
    let receiver = Receiver::start();
    let secret = channel(user, &receiver);
    let task = user.create(&due_in(2));
    let id = task["id"].as_str().unwrap();
    let first = task["occurrence"]["recurrence_id"].as_str().unwrap();

    let notification = until("the reminder's notification is delivered", SOON, || {
        tick();
        let list = user.all(&format!("/v1/notifications?task={id}"));
        list.into_iter().find(|notification| notification["state"] == "delivered")
    });
    let [webhook] = &receiver.wait_for(1, Duration::ZERO)[..] else { panic!("one webhook") };
    verify(&secret, webhook).unwrap();
    assert_eq!(webhook.header("content-type"), "application/json");
    assert_eq!(webhook.header("webhook-id"), notification["id"]);
    let body = webhook.json();
    assert_eq!(body["type"], "reminder.fired");
    assert_eq!(body["data"]["task_id"], id);
    assert_eq!(body["data"]["recurrence_id"], first);
    assert_eq!(body["data"]["title"], "Water the plants");
    assert_eq!(body["data"]["due"], task["due"]);
    assert_eq!(body["data"]["reminder_id"], task["reminders"][0]["id"]);
    assert_eq!(body["data"]["fire_at"], task["occurrence"]["due_at"]);
    assert_eq!(notification["attempts"], 1);
    assert!(notification["last_error"].is_null() && notification["delivered_at"].is_string());

    let done = user.complete(id, first).ok(StatusCode::OK);
    assert_eq!(done["status"], "done");
    tick();
    let next = next_occurrence(user, id, first);
    assert_eq!(next["predecessor"], first);
    assert_eq!(next["ordinal"], 2);
    let week = TimeDelta::days(7);
    let instant = |at: &Value| at.as_str().unwrap().parse::<chrono::DateTime<Utc>>().unwrap();
    assert_eq!(instant(&next["due_at"]) - instant(&done["due_at"]), week);
    assert_eq!(user.get("/v1/tasks")["items"][0]["id"], id);
}

#[test]
fn a_task_reminds_is_completed_and_comes_back() {
    let service = Service::start();
    follow_one_task(&service.user("Ada"), || {});
}

#[test]
fn an_absolute_reminder_fires_without_a_due_date() {
    let service = Service::start();
    let user = service.user("Ada");
    let at = (Utc::now() + TimeDelta::seconds(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let task = user.create(&json!({ "title": "Take the bread out", "reminders": [{ "trigger": at }] }));
    let id = task["id"].as_str().unwrap();
    let list = until("the notification in the inbox", SOON, || {
        let list = user.all(&format!("/v1/notifications?task={id}"));
        (!list.is_empty()).then_some(list)
    });
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["channel"], "inbox");
    assert_eq!(list[0]["state"], "delivered");
    assert!(list[0]["recurrence_id"].is_null(), "{}", list[0]);
}

#[test]
fn the_service_says_that_it_is_well_without_a_token() {
    let service = Service::start();
    let anyone = service.anyone();
    let health = anyone.get("/healthz");
    assert_eq!(health["status"], "ok");
    for field in ["version", "schema", "tzdata"] {
        assert!(!health[field].is_null(), "{health}");
    }
}

#[test]
fn the_token_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let service = Service::start();
    let token = service.state_dir().join("token");
    assert_eq!(token.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(service.output().contains(&service.token()), "the token is printed at start");
}
