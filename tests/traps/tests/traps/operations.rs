//! Requests of every kind, with what must be so once they were answered.

use serde_json::{Value, json};

use crate::{FIRST, SECOND};

/// What is asked of a task or channel that is there, or of nothing.
pub const WRITES: [&str; 9] =
    ["create", "complete", "update", "delete", "reopen", "override", "split", "channel", "no channel"];

/// The same of what only reads.
pub const READS: [&str; 3] = ["get", "list", "as it was"];

/// One request.
pub struct Case {
    pub method: &'static str,
    pub path: String,
    pub body: Value,
    pub status: u16,
    /// Counts what the request makes; it must make one. Empty where it makes nothing.
    pub effect: String,
}

/// A request of a kind about the task or channel `id`. What it makes is called by `word`, which no other is.
pub fn case(kind: &str, id: &str, word: &str) -> Case {
    let case =
        |method, path: String, body, status, effect: String| Case { method, path, body, status, effect };
    let path = format!("/v1/tasks/{id}");
    let first = format!("occurrence WHERE task_id = '{id}' AND recurrence_id = '{FIRST}'");
    let of_first = json!({ "recurrence_id": FIRST });
    match kind {
        "create" => {
            let mut body = bins(word);
            body["tags"] = json!([word]);
            case("POST", "/v1/tasks".into(), body, 201, format!("task WHERE title = 'Bins {word}'"))
        }
        "complete" => {
            case("POST", format!("{path}/complete"), of_first, 200, format!("{first} AND status = 'done'"))
        }
        "update" => {
            let body = json!({ "due": { "local": "2027-11-23T07:00:00" }, "tags": ["x"] });
            let effect = format!("task WHERE id = '{id}' AND version = 2 AND tags = '[\"x\"]'");
            case("PATCH", path, body, 200, effect)
        }
        "delete" => {
            let effect = format!("task WHERE id = '{id}' AND deleted_at IS NOT NULL");
            case("DELETE", path, Value::Null, 204, effect)
        }
        "reopen" => {
            case("POST", format!("{path}/reopen"), of_first, 200, format!("{first} AND status = 'open'"))
        }
        "override" => {
            let due = json!({ "local": "2027-11-22T09:00:00", "tz": "Europe/Berlin" });
            let body = json!({ "recurrence_id": FIRST, "title": format!("Later {word}"), "due": due });
            let effect = format!("{first} AND title = 'Later {word}'");
            case("POST", format!("{path}/override"), body, 200, effect)
        }
        "split" => {
            let title = format!("Paper {word}");
            let effect = format!("task WHERE title = '{title}'");
            let body = json!({ "recurrence_id": SECOND, "changes": { "title": title } });
            case("POST", format!("{path}/split"), body, 201, effect)
        }
        "channel" => {
            let url = format!("http://127.0.0.1:9/{word}");
            let effect = format!("channel_v2 WHERE config ->> 'url' = '{url}'");
            case("POST", "/v1/channels".into(), json!({ "type": "webhook", "url": url }), 201, effect)
        }
        "no channel" => {
            let effect = format!("channel_v2 WHERE id = '{id}' AND deleted_at IS NOT NULL");
            case("DELETE", format!("/v1/channels/{id}"), Value::Null, 204, effect)
        }
        "get" => case("GET", path, Value::Null, 200, String::new()),
        "list" => case("GET", format!("/v1/tasks?tag={word}"), Value::Null, 200, String::new()),
        "as it was" => case("GET", format!("/v1/audit/tasks/{id}"), Value::Null, 200, String::new()),
        other => panic!("{other} is no kind of request"),
    }
}

/// A series in a far future, with a reminder.
pub fn bins(word: &str) -> Value {
    json!({
        "title": format!("Bins {word}"),
        "due": { "local": "2027-11-22T07:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=WEEKLY" },
        "reminders": [{ "trigger": "-PT30M" }],
    })
}
