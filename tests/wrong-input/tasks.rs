//! Wrong fields of a task.

use http::Method;
use serde_json::{Value, json};

use crate::case::Case;

/// A right task with some fields changed.
pub fn task(changes: &Value) -> Value {
    let mut task =
        json!({ "title": "A task", "due": { "local": "2026-11-30T09:00:00", "tz": "Europe/Berlin" } });
    for (field, value) in changes.as_object().into_iter().flatten() {
        task[field] = value.clone();
    }
    task
}

/// What is wrong, the fields that make it so, and where the answer must point.
pub fn cases() -> Vec<Case> {
    let many_tags: Vec<String> = (0..51).map(|number| format!("tag {number}")).collect();
    let many_reminders: Vec<Value> = (1..=21).map(|n| json!({ "trigger": format!("-PT{n}M") })).collect();
    let table = [
        ("an empty title", json!({ "title": "" }), "/title"),
        ("a blank title", json!({ "title": " \t " }), "/title"),
        ("a title that is no text", json!({ "title": 7 }), "/title"),
        ("a title that is null", json!({ "title": null }), "/title"),
        ("a title over the limit", json!({ "title": "x".repeat(501) }), "/title"),
        ("a title of two lines", json!({ "title": "one\ntwo" }), "/title"),
        ("a title with NUL", json!({ "title": "a\u{0}b" }), "/title"),
        ("a description over the limit", json!({ "description": "x".repeat(16_001) }), "/description"),
        ("an unknown field", json!({ "colour": "red" }), "/colour"),
        ("an id of the client's own", json!({ "id": "1" }), "/id"),
        ("a status of the client's own", json!({ "status": "done" }), "/status"),
        ("an unknown priority", json!({ "priority": "asap" }), "/priority"),
        ("a priority that is a number", json!({ "priority": 1 }), "/priority"),
        ("a priority that is null", json!({ "priority": null }), "/priority"),
        ("a priority that is an object", json!({ "priority": { "high": null } }), "/priority"),
        ("tags that are no list", json!({ "tags": "home" }), "/tags"),
        ("an empty tag", json!({ "tags": ["home", ""] }), "/tags/1"),
        ("a tag that is no text", json!({ "tags": ["home", 7] }), "/tags/1"),
        ("too many tags", json!({ "tags": many_tags }), "/tags"),
        ("a due date that is text", json!({ "due": "tomorrow" }), "/due"),
        ("a due date without a date", json!({ "due": { "tz": "UTC" } }), "/due/local"),
        ("a due date with an unknown field", json!({ "due": { "local": "2026-11-30", "at": 1 } }), "/due/at"),
        ("an impossible date", json!({ "due": { "local": "2026-02-30" } }), "/due/local"),
        ("29 February of a common year", json!({ "due": { "local": "2027-02-29T09:00:00" } }), "/due/local"),
        ("a due date that is a list", json!({ "due": ["2026-12-01"] }), "/due"),
        ("a recurrence that is a list", json!({ "recurrence": ["FREQ=DAILY"] }), "/recurrence"),
        ("a reminder that is a list", json!({ "reminders": [[null, "PT0S"]] }), "/reminders/0"),
        ("second 60", json!({ "due": { "local": "2026-11-30T09:00:60" } }), "/due/local"),
        ("a date beyond RFC 3339", json!({ "due": { "local": "9999-12-31T23:00:00" } }), "/due/local"),
        (
            "an instant at second 60",
            json!({ "reminders": [{ "trigger": "2026-11-30T08:00:60Z" }] }),
            "/reminders/0/trigger",
        ),
        ("an impossible time", json!({ "due": { "local": "2026-11-30T25:00:00" } }), "/due/local"),
        ("a date with an offset", json!({ "due": { "local": "2026-11-30T09:00:00Z" } }), "/due/local"),
        ("words for a date", json!({ "due": { "local": "next Tuesday" } }), "/due/local"),
        ("a year before time", json!({ "due": { "local": "0001-01-01" } }), "/due/local"),
        (
            "an unknown zone",
            json!({ "due": { "local": "2026-11-30T09:00:00", "tz": "Mars/Olympus" } }),
            "/due/tz",
        ),
        (
            "an offset for a zone",
            json!({ "due": { "local": "2026-11-30T09:00:00", "tz": "+01:00" } }),
            "/due/tz",
        ),
        ("a whole day in a zone", json!({ "due": { "local": "2026-11-30", "tz": "UTC" } }), "/due/tz"),
        ("reminders that are no list", json!({ "reminders": "-PT5M" }), "/reminders"),
        ("a reminder without a trigger", json!({ "reminders": [{}] }), "/reminders/0/trigger"),
        ("a broken trigger", json!({ "reminders": [{ "trigger": "5 minutes" }] }), "/reminders/0/trigger"),
        (
            "the second trigger broken",
            json!({ "reminders": [{ "trigger": "PT0S" }, { "trigger": "P" }] }),
            "/reminders/1/trigger",
        ),
        ("a trigger years away", json!({ "reminders": [{ "trigger": "-P1000D" }] }), "/reminders/0/trigger"),
        (
            "an instant with an offset",
            json!({ "reminders": [{ "trigger": "2026-11-30T08:00:00+01:00" }] }),
            "/reminders/0/trigger",
        ),
        (
            "relative to no due date",
            json!({ "due": null, "reminders": [{ "trigger": "-PT5M" }] }),
            "/reminders/0/trigger",
        ),
        (
            "the same reminder twice",
            json!({ "reminders": [{ "trigger": "-PT5M" }, { "trigger": "-PT300S" }] }),
            "/reminders/1/trigger",
        ),
        (
            "a reminder of another task",
            json!({ "reminders": [{ "id": "01980000-0000-7000-8000-000000000000", "trigger": "PT0S" }] }),
            "/reminders/0/id",
        ),
        (
            "a reminder with an unknown field",
            json!({ "reminders": [{ "trigger": "PT0S", "by": "mail" }] }),
            "/reminders/0/by",
        ),
        ("too many reminders", json!({ "reminders": many_reminders }), "/reminders"),
    ];
    let mut cases: Vec<Case> = table
        .iter()
        .map(|(what, changes, pointer)| Case::field(what, Method::POST, "/v1/tasks", &task(changes), pointer))
        .collect();
    cases.push(Case::field("no title", Method::POST, "/v1/tasks", &json!({ "priority": "low" }), "/title"));
    cases.push(Case::field(
        "a title in capitals",
        Method::POST,
        "/v1/tasks",
        &json!({ "Title": "x" }),
        "/Title",
    ));
    let two = task(&json!({ "title": "", "due": { "local": "2026-02-30" } }));
    for pointer in ["/title", "/due/local"] {
        cases.push(Case::field("two wrong fields", Method::POST, "/v1/tasks", &two, pointer));
    }
    cases
}
