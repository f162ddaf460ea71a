//! A reminder that comes due, and the webhook that tells of it.

use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::api::{Api, Task};
use crate::listener::{Listener, PATH, Received};
use crate::wait::until;

/// How far ahead the reminder is set.
const AHEAD: TimeDelta = TimeDelta::seconds(4);

/// How long the webhook may take, once due.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Deserialize)]
struct Channel {
    id: String,
    url: String,
    secret: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Notification {
    id: String,
    channel: String,
    state: String,
    attempts: u32,
}

/// Sets up a channel to a listener of our own, lets a reminder come due, and checks the webhook it brings.
pub fn receive(api: &Api) -> anyhow::Result<()> {
    remove_what_an_interrupted_run_left(api)?;
    let listener = Listener::start()?;
    let channel: Channel =
        api.post("/v1/channels", &json!({ "type": "webhook", "url": listener.url() })).context(
            "the service must allow webhooks to this machine, as it does after `make up` \
         (variable webhook_http_origin=http://127.0.0.1:*)",
        )?;
    println!("   listening at {}", listener.url());
    let told = remind(api, &listener, &channel);
    api.delete(&format!("/v1/channels/{}", channel.id))?;
    told
}

fn remind(api: &Api, listener: &Listener, channel: &Channel) -> anyhow::Result<()> {
    let now = Utc::now();
    let due = now.checked_add_signed(AHEAD).context("the clock is at its end")?;
    let task: Task = api.post("/v1/tasks", &bread(due))?;
    println!("   {} created {:?}, due at {} UTC", now.format("%H:%M:%S"), task.title, due.format("%H:%M:%S"));

    let secret = channel.secret.as_deref().context("the new channel has no secret")?;
    let (webhook, body) = until("the webhook", PATIENCE, || {
        api.tick()?;
        of_task(listener, &task.id)
    })
    .context("a service without its cron trigger needs --sweep (make demo DEMO_ARGS=--sweep)")?;
    Webhook::new(secret)?
        .verify(&webhook.body, &webhook.headers)
        .map_err(|error| anyhow!("the webhook's signature does not hold: {error}"))?;
    let header = |name| webhook.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
    println!("   {} received {kind} {:?}", Utc::now().format("%H:%M:%S"), title(&body));
    println!("            webhook-id         {}", header("webhook-id"));
    println!("            webhook-timestamp  {}", header("webhook-timestamp"));
    println!("            webhook-signature  {}", header("webhook-signature"));
    println!("            the signature is right (Standard Webhooks 1.0, HMAC-SHA256)");

    let delivered = delivered(api, &task.id, &channel.id)?;
    ensure!(delivered.id == header("webhook-id"), "the webhook's id is not the notification's");
    println!("   the service says {}; attempts: {}", delivered.state, delivered.attempts);
    api.post::<Value>(&format!("/v1/tasks/{}/complete", task.id), &json!({}))?;
    Ok(())
}

fn bread(due: DateTime<Utc>) -> Value {
    json!({
        "title": "Take the bread out of the oven", "priority": "urgent", "tags": ["home"],
        "due": { "local": due.format("%Y-%m-%dT%H:%M:%S").to_string(), "tz": "UTC" },
        "reminders": [{ "trigger": "PT0S" }],
    })
}

fn of_task(listener: &Listener, task: &str) -> anyhow::Result<Option<(Received, Value)>> {
    for received in listener.received() {
        let body: Value = serde_json::from_slice(&received.body).context("a webhook is not JSON")?;
        if body.pointer("/data/task_id").and_then(Value::as_str) == Some(task) {
            return Ok(Some((received, body)));
        }
    }
    Ok(None)
}

fn title(body: &Value) -> &str {
    body.pointer("/data/title").and_then(Value::as_str).unwrap_or_default()
}

fn delivered(api: &Api, task: &str, channel: &str) -> anyhow::Result<Notification> {
    until("the notification's state", PATIENCE, || {
        let page: Value = api.get(&format!("/v1/notifications?task={task}"))?;
        let items = page.get("items").cloned().unwrap_or_default();
        let notifications: Vec<Notification> = serde_json::from_value(items)?;
        Ok(notifications.into_iter().find(|one| one.channel == channel && one.state == "delivered"))
    })
}

fn remove_what_an_interrupted_run_left(api: &Api) -> anyhow::Result<()> {
    for channel in api.all::<Channel>("/v1/channels")? {
        if channel.url.starts_with("http://127.0.0.1:") && channel.url.ends_with(PATH) {
            api.delete(&format!("/v1/channels/{}", channel.id))?;
        }
    }
    Ok(())
}
