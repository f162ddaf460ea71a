//! Requests as the bytes that go over the wire.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

/// Makes requests to one service.
#[derive(Debug, Clone)]
pub struct Requests {
    /// Its host and port.
    pub host: String,
}

impl Requests {
    /// A GET, with a token or without one.
    pub fn get(&self, path: &str, token: Option<&str>) -> Arc<[u8]> {
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{token}\r\n", self.host).into_bytes().into()
    }

    /// POST /v1/tasks with an Idempotency-Key that was never used.
    pub fn create(&self, token: &str, body: &str) -> Arc<[u8]> {
        let key = Uuid::now_v7();
        let (host, length) = (&self.host, body.len());
        format!(
            "POST /v1/tasks HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nidempotency-key: {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
        .into()
    }

    /// POST /v1/tasks/{id}/complete of one occurrence.
    pub fn complete(&self, token: &str, task: &str, recurrence_id: &str) -> Arc<[u8]> {
        let body = json!({ "recurrence_id": recurrence_id }).to_string();
        let (host, length) = (&self.host, body.len());
        format!(
            "POST /v1/tasks/{task}/complete HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
        .into()
    }
}

/// The task that is created, and listed: of three, one is plain, one has a date and a reminder, one comes back.
pub fn task_document(number: usize) -> Value {
    let title = format!("Something to remember, number {number}");
    let due = json!({ "local": "2096-11-30T09:00:00", "tz": "Europe/Berlin" });
    let reminders = json!([{ "trigger": "-PT30M" }]);
    match number % 3 {
        0 => json!({ "title": title, "tags": ["home"] }),
        1 => json!({ "title": title, "due": due, "reminders": reminders }),
        _ => json!({ "title": title, "due": due, "reminders": reminders,
            "recurrence": { "rrule": "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1" } }),
    }
}
