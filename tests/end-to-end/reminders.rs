//! Reminders after a change: what is still to come is reminded of, and what was due is not forgotten.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::{Method, StatusCode};
use perennial_tests::{Client, Receiver, SOON, Service, Setup, until};
use serde_json::{Value, json};

use crate::path::{channel, due_in};

fn local(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}

fn patch(user: &Client, id: &str, changes: &Value) -> Value {
    user.call(Method::PATCH, format!("/v1/tasks/{id}")).json(changes).answer().ok(StatusCode::OK)
}

fn notifications(user: &Client, id: &str) -> Vec<Value> {
    user.all(&format!("/v1/notifications?task={id}"))
}

fn reminded(user: &Client, id: &str, times: usize) -> Vec<Value> {
    until(&format!("{times} notifications"), SOON, || {
        let list = notifications(user, id);
        (list.len() >= times).then_some(list)
    })
}

#[test]
fn an_occurrence_put_off_after_its_reminder_reminds_again() {
    let service = Service::start();
    let user = service.user("Ada");
    let receiver = Receiver::start();
    channel(&user, &receiver);
    let task = user.create(&due_in(1));
    let id = task["id"].as_str().unwrap();
    reminded(&user, id, 1);

    let later = Utc::now() + TimeDelta::seconds(3);
    let recurrence_id = &task["occurrence"]["recurrence_id"];
    let put_off = json!({ "recurrence_id": recurrence_id, "due": { "local": local(later), "tz": "UTC" } });
    user.post(format!("/v1/tasks/{id}/override")).json(&put_off).answer().ok(StatusCode::OK);
    let again = reminded(&user, id, 2);
    assert_ne!(again[0]["id"], again[1]["id"], "another notification, not the same once more");
    assert_eq!(again[1]["recurrence_id"], *recurrence_id);
    let webhooks = receiver.wait_for(2, SOON);
    let fired_at = |index: usize| webhooks[index].json()["data"]["fire_at"].as_str().unwrap().to_owned();
    assert_eq!(fired_at(1)[..19], local(later), "at its new time, not before");
    assert_ne!(fired_at(0), fired_at(1));
}

#[test]
fn a_single_task_put_off_after_its_reminder_reminds_again() {
    let service = Service::start();
    let user = service.user("Ada");
    let mut task = due_in(1);
    task["recurrence"] = Value::Null;
    let task = user.create(&task);
    let id = task["id"].as_str().unwrap();
    reminded(&user, id, 1);
    let later = Utc::now() + TimeDelta::seconds(2);
    let changed = patch(&user, id, &json!({ "due": { "local": local(later), "tz": "UTC" } }));
    reminded(&user, id, 2);
    assert_eq!(changed["reminders"], task["reminders"], "the same reminder, at another time");
}

#[test]
fn another_title_does_not_make_a_late_reminder_a_missed_one() {
    // Nobody looks at the clock here until this test asks for it.
    let components = vec!["task-api", "recurrence-scheduler", "notifier"];
    let service = Service::with(Setup { components, ..Setup::default() });
    let user = service.user("Ada");
    // Late by a minute while this test looks on: not late enough, when it is set, to be of the past.
    let at = Utc::now() - TimeDelta::seconds(57);
    let trigger = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let task = user.create(&json!({ "title": "Take the bread out", "reminders": [{ "trigger": trigger }] }));
    let id = task["id"].as_str().unwrap();
    until("the reminder is a minute late", SOON, || (Utc::now() - at > TimeDelta::seconds(62)).then_some(()));
    assert_eq!(notifications(&user, id), [Value::Null; 0], "nothing has fired by itself");

    patch(&user, id, &json!({ "title": "Take the bread out, at last" }));
    service.sweep().ok(StatusCode::OK);
    let list = reminded(&user, id, 1);
    assert_eq!(list[0]["state"], "delivered");
}

#[test]
fn a_reminder_that_is_added_belongs_to_every_open_occurrence() {
    let service = Service::start();
    let user = service.user("Ada");
    let base = Utc::now();
    let first = base - TimeDelta::days(2);
    let task = user.create(&json!({
        "title": "Read the meter", "due": { "local": local(first), "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY;COUNT=3", "overlap": "stack" },
    }));
    let id = task["id"].as_str().unwrap();
    let all = until("three are open", SOON, || {
        service.sweep();
        let all = user.all(&format!("/v1/tasks/{id}/occurrences"));
        (all.len() == 3).then_some(all)
    });
    // One of these comes due in a moment for each of the three: two days, one day and no day after it was due.
    let wait = (Utc::now() - base).num_seconds() + 5;
    let triggers: Vec<Value> = (0..3).map(|days| json!({ "trigger": format!("P{days}DT{wait}S") })).collect();
    patch(&user, id, &json!({ "reminders": triggers }));
    let list = reminded(&user, id, 3);
    let mut of: Vec<&Value> = list.iter().map(|notification| &notification["recurrence_id"]).collect();
    of.sort_by_key(|id| id.as_str());
    let expected: Vec<&Value> = all.iter().map(|occurrence| &occurrence["recurrence_id"]).collect();
    assert_eq!(of, expected);
}

#[test]
fn another_due_date_leaves_the_reminders_their_ids() {
    let service = Service::start();
    let user = service.user("Ada");
    let task = user.create(&json!({
        "title": "Pay the rent", "due": { "local": "2027-03-13T09:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=MONTHLY" },
        "reminders": [{ "trigger": "-PT30M" }, { "trigger": "-P1D" }],
    }));
    let id = task["id"].as_str().unwrap();
    let changed = patch(&user, id, &json!({ "due": { "local": "2027-03-14T09:00:00" } }));
    assert_eq!(changed["reminders"], task["reminders"]);
    let changed = patch(&user, id, &json!({ "recurrence": { "rrule": "FREQ=WEEKLY" } }));
    assert_eq!(changed["reminders"], task["reminders"]);
}
