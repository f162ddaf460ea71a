//! The shape of every answer. A change of a snapshot is a change that clients see: `INSTA_UPDATE=always` writes them anew.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;

use serde_json::{Value, json};

use crate::service::{OWNER, Service};

/// A service, and what has been said to it and by it.
#[derive(Default)]
struct Transcript {
    service: Service,
    text: String,
}

impl Transcript {
    /// Sends a request of the owner and writes down the answer; gives its document.
    fn ask(&mut self, line: &str, body: Value) -> Value {
        self.ask_with(OWNER, line, &[], body)
    }

    fn ask_with(&mut self, token: &str, line: &str, headers: &[(&str, &str)], body: Value) -> Value {
        let response = self.service.send(token, line, headers, &body);
        writeln!(self.text, "> {line}").unwrap();
        for (name, value) in headers {
            writeln!(self.text, "> {name}: {value}").unwrap();
        }
        if !body.is_null() {
            writeln!(self.text, "> {body}").unwrap();
        }
        writeln!(self.text, "{}", response.status().as_u16()).unwrap();
        for (name, value) in response.headers() {
            writeln!(self.text, "{name}: {}", value.to_str().unwrap()).unwrap();
        }
        let document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if !response.body().is_empty() {
            writeln!(self.text, "{document:#}").unwrap();
        }
        self.text.push('\n');
        document
    }

    /// All that was said, without what differs from run to run or from build to build.
    fn redacted(&self) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_+/=".contains(c);
        let mut text = String::new();
        let mut rest = self.text.as_str();
        while let Some(start) = rest.find(is_part) {
            let (before, token) = rest.split_at(start);
            let (token, after) = token.split_at(token.find(|c| !is_part(c)).unwrap_or(token.len()));
            text.push_str(before);
            // A secret may hold a slash; a path is looked at part by part.
            if token.starts_with("whsec_") {
                text.push_str(redact(token));
            } else {
                text.push_str(&token.split('/').map(redact).collect::<Vec<_>>().join("/"));
            }
            rest = after;
        }
        text + rest
    }
}

/// Ids are UUIDs, digests 32 hexadecimal digits, secrets begin with what they are, and cursors are ids that begin with noughts, in base64.
fn redact(token: &str) -> &str {
    let is_id = token.len() == 36 && token.bytes().filter(|b| *b == b'-').count() == 4;
    match token {
        _ if is_id => "[id]",
        _ if token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit()) => "[digest]",
        _ if token.starts_with("whsec_") => "[whsec]",
        _ if token.starts_with("prn_") => "[prn]",
        _ if token.starts_with("MDAw") => "[cursor]",
        _ => token,
    }
}

fn series() -> Value {
    json!({
        "title": "Bins", "tags": ["home"], "due": { "local": "2026-11-23T07:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=WEEKLY" }, "reminders": [{ "trigger": "-PT30M" }],
    })
}

#[test]
fn tasks() {
    let mut said = Transcript::default();
    let id = said.ask("POST /v1/tasks", json!({ "title": "Milk" }))["id"].as_str().unwrap().to_owned();
    said.ask("POST /v1/tasks", series());
    said.ask(&format!("GET /v1/tasks/{id}"), Value::Null);
    said.ask(&format!("HEAD /v1/tasks/{id}"), Value::Null);
    said.ask("GET /v1/tasks?limit=1", Value::Null);
    said.ask(&format!("PATCH /v1/tasks/{id}"), json!({ "priority": "high" }));
    said.ask(&format!("POST /v1/tasks/{id}/complete"), Value::Null);
    said.ask(&format!("DELETE /v1/tasks/{id}"), Value::Null);
    insta::assert_snapshot!(said.redacted());
}

#[test]
fn quick_add() {
    let mut said = Transcript::default();
    let line = "Pay rent, every last workday at 9am, Berlin time, until 31 December 2027 #home !high remind 1h before";
    said.ask("POST /v1/tasks/quick", json!({ "text": line }));
    let shown =
        json!({ "text": "Call mon \"Monday Bob\" 🎂 tomorrow at 5", "tz": "Asia/Tokyo", "dry_run": true });
    said.ask("POST /v1/tasks/quick", shown);
    said.ask("POST /v1/tasks/quick", json!({ "text": "Buy 🎂 !hgih on 3/4 remind 1h before" }));
    said.ask("POST /v1/tasks/quick", json!({ "text": "x remind 1h before", "dry_run": true }));
    insta::assert_snapshot!(said.redacted());
}

#[test]
fn occurrences() {
    let mut said = Transcript::default();
    let task = said.service.json("POST /v1/tasks", &series());
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    let next =
        json!({ "recurrence_id": "2026-11-30T07:00:00[Europe/Berlin]", "title": "Glass", "cancelled": true });
    said.ask(&format!("POST {path}/override"), next);
    said.ask(&format!("GET {path}/occurrences"), Value::Null);
    said.ask(&format!("GET {path}/occurrences?from=2026-11-23&to=2026-12-08"), Value::Null);
    let third =
        json!({ "recurrence_id": "2026-12-07T07:00:00[Europe/Berlin]", "changes": { "title": "Paper" } });
    said.ask(&format!("POST {path}/split"), third);
    let first = json!({ "recurrence_id": task["occurrence"]["recurrence_id"] });
    said.ask(&format!("POST {path}/complete"), first);
    insta::assert_snapshot!(said.redacted());
}

#[test]
fn channels_and_notifications() {
    let mut said = Transcript::default();
    let hook = json!({ "type": "webhook", "url": "https://hooks.example.com/perennial" });
    let id = said.ask("POST /v1/channels", hook)["id"].as_str().unwrap().to_owned();
    said.ask("GET /v1/channels", Value::Null);
    said.ask("GET /v1/notifications", Value::Null);
    said.ask(&format!("DELETE /v1/channels/{id}"), Value::Null);
    insta::assert_snapshot!(said.redacted());
}

#[test]
fn users_and_tokens() {
    let mut said = Transcript::default();
    let ada = said.ask("POST /v1/users", json!({ "name": "Ada", "tz": "Europe/London" }))["id"].clone();
    said.ask("GET /v1/users", Value::Null);
    let token = said.ask("POST /v1/tokens", json!({ "user": ada, "name": "laptop" }));
    said.ask("GET /v1/tokens", Value::Null);
    said.ask(&format!("DELETE /v1/tokens/{}", token["id"].as_str().unwrap()), Value::Null);
    insta::assert_snapshot!(said.redacted());
}

#[test]
fn a_preview() {
    let mut said = Transcript::default();
    let zoned = json!({ "dtstart": "2026-03-06T14:00:00", "tz": "America/New_York", "rrule": "FREQ=MONTHLY;BYDAY=1FR", "limit": 3 });
    let mut answer = said.service.json("POST /v1/recurrence/preview", &zoned);
    answer["tzdata"] = "[tzdata]".into();
    insta::assert_snapshot!(format!("{answer:#}"));
}

#[test]
fn health() {
    let mut said = Transcript::default();
    let mut health = said.service.json("GET /healthz", &Value::Null);
    for member in ["version", "schema", "tzdata"] {
        assert!(!health[member].is_null(), "{health}");
        health[member] = format!("[{member}]").into();
    }
    let ready = said.service.json("GET /readyz", &Value::Null);
    insta::assert_snapshot!(format!("{health:#}\n{ready:#}"));
}

#[test]
fn problems() {
    let mut said = Transcript::default();
    let task = said.service.json("POST /v1/tasks", &json!({ "title": "Milk" }));
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    let text = [("content-type", "text/plain")];
    let key = [("idempotency-key", "k")];
    said.ask_with("", "GET /v1/tasks", &[], Value::Null);
    said.ask_with("wrong", "GET /v1/tasks", &[], Value::Null);
    said.ask("GET /v1/chores", Value::Null);
    said.ask("PUT /v1/tasks", Value::Null);
    said.ask("GET /v1/tasks?colour=red", Value::Null);
    said.ask_with(OWNER, "POST /v1/tasks", &text, json!({ "title": "x" }));
    said.ask_with(OWNER, "POST /v1/tasks", &[("content-length", "65537")], json!({ "title": "x" }));
    said.ask("POST /v1/tasks", json!({ "title": "", "due": ["2026-12-01"] }));
    said.ask("POST /v1/tasks", json!({ "title": "", "tags": [""] }));
    said.ask_with(OWNER, &format!("PATCH {path}"), &[("if-match", "\"9\"")], json!({ "title": "x" }));
    said.service.send(OWNER, "POST /v1/tasks", &key, &json!({ "title": "x" }));
    said.ask_with(OWNER, "POST /v1/tasks", &key, json!({ "title": "y" }));
    let reader = json!({ "user": "admin", "name": "reader", "scopes": ["tasks:read"] });
    let reader = said.service.json("POST /v1/tokens", &reader)["secret"].as_str().unwrap().to_owned();
    said.ask_with(&reader, "POST /v1/tasks", &[], json!({ "title": "x" }));
    insta::assert_snapshot!(said.redacted());
}
