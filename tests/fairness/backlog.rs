//! More work of one user than can be done at once.

use chrono::{TimeDelta, Utc};
use http::StatusCode;
use perennial_tests::{Client, Receiver, SOON, Service, flood, until};
use serde_json::{Value, json};

use crate::Scale;

/// Most reminders of one task.
const REMINDERS: usize = 20;

/// A backlog, and how it is made. What it gives is there for as long as it is kept.
pub struct Backlog {
    pub name: &'static str,
    pub make: fn(&Service, Scale) -> Vec<Receiver>,
}

/// Ten receivers that never answer, and a hundred reminders for each of them.
pub const HANGING_RECEIVERS: Backlog = Backlog {
    name: "ten receivers that hang, with a hundred reminders each",
    make: |service, scale| {
        let user = &service.user("Ada");
        let receivers: Vec<Receiver> = (0..10).map(|_| Receiver::hanging()).collect();
        receivers.iter().for_each(|receiver| channel(user, receiver));
        let due = Utc::now();
        flood(scale.of(100).div_ceil(REMINDERS), |number| user.create(&reminding(number, due)));
        receivers[0].wait_for(1, SOON);
        receivers
    },
};

/// A hundred users, each with ten receivers that never answer, and three reminders for each of them. Nobody has tried any of
/// these before.
pub const HANGING_USERS: Backlog = Backlog {
    name: "a hundred users with ten receivers each that hang, with three reminders each",
    make: |service, scale| {
        let receivers: Vec<Receiver> = (0..10).map(|_| Receiver::hanging()).collect();
        let users: Vec<Client> =
            (0..scale.of(100)).map(|number| service.user(&format!("Mallory {number}"))).collect();
        flood(users.len(), |number| receivers.iter().for_each(|receiver| channel(&users[number], receiver)));
        let due = Utc::now();
        flood(users.len() * 3, |number| users[number / 3].create(&reminds_once(number, due)));
        receivers[0].wait_for(1, SOON);
        receivers
    },
};

/// Three hundred daily stacks that begin in 2020: each of them is owed its cap of open occurrences at once.
pub const OLD_STACKS: Backlog = Backlog {
    name: "three hundred stacks from 2020",
    make: |service, scale| {
        let user = &service.user("Ada");
        flood(scale.of(300), |number| {
            user.create(&json!({
                "title": format!("Stack {number}"), "due": { "local": "2020-01-01T09:00:00", "tz": "UTC" },
                "recurrence": { "rrule": "FREQ=DAILY", "overlap": "stack" },
            }))
        });
        Vec::new()
    },
};

/// Twenty thousand reminders that come due within twenty seconds.
pub const REMINDERS_AT_ONCE: Backlog = Backlog {
    name: "twenty thousand reminders within twenty seconds",
    make: |service, scale| {
        let user = &service.user("Ada");
        let due = Utc::now() + TimeDelta::seconds(20);
        flood(scale.of(20_000) / REMINDERS, |number| user.create(&reminding(number, due)));
        until("the last of them is due", SOON, || (Utc::now() >= due).then_some(()));
        Vec::new()
    },
};

fn channel(user: &Client, receiver: &Receiver) {
    let channel = json!({ "type": "webhook", "url": receiver.url() });
    user.post("/v1/channels").json(&channel).answer().ok(StatusCode::CREATED);
}

fn reminds_once(number: usize, due: chrono::DateTime<Utc>) -> Value {
    json!({
        "title": format!("Task {number}"), "reminders": [{ "trigger": "PT0S" }],
        "due": { "local": due.format("%Y-%m-%dT%H:%M:%S").to_string(), "tz": "UTC" },
    })
}

/// A task with as many reminders as it may have, one in each of the seconds before it is due.
fn reminding(number: usize, due: chrono::DateTime<Utc>) -> Value {
    let triggers: Vec<Value> =
        (0..REMINDERS).map(|second| json!({ "trigger": format!("-PT{second}S") })).collect();
    json!({
        "title": format!("Task {number}"), "reminders": triggers,
        "due": { "local": due.format("%Y-%m-%dT%H:%M:%S").to_string(), "tz": "UTC" },
    })
}
