//! What the service tells of a user, held against what their clients were told: events without a gap, an audit that is whole, and one entry
//! and one event for each write that was acknowledged.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::findings::Findings;
use super::late::Late;
use super::ledger::KINDS;
use super::worker::Worker;
use crate::Client;

/// The type of the event of each kind of write.
const TYPES: [&str; KINDS.len()] =
    ["task.created", "task.completed", "task.updated", "occurrence.changed", "task.created", "task.deleted"];

/// What the audit calls each kind of write. Nothing but writes is called so.
const ACTIONS: [&str; KINDS.len()] =
    ["task.create", "task.complete", "task.update", "occurrence.change", "series.split", "task.delete"];

/// Types of which there is no event but those of writes.
const ONLY: [&str; 3] = ["task.created", "task.completed", "task.deleted"];

/// All events of a user, in order.
pub fn events(user: &Client) -> Vec<Value> {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let page = user.get(format!("/v1/events?after={after}&limit=200"));
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            return events;
        }
        events.extend(items.iter().cloned());
        after = page["next_after"].as_i64().unwrap();
    }
}

/// Holds the books of a user against the ledgers of their clients; the audit is asked where `user` leads.
pub fn agree(user: &Client, workers: &[&Worker], events: &[Value], found: &mut Findings) {
    gapless(events, found);
    let mut by_request: HashMap<(&str, &str), usize> = HashMap::new();
    let mut by_type: HashMap<&str, usize> = HashMap::new();
    for event in events {
        let (request, kind) = (text(&event["correlationid"]), text(&event["type"]));
        *by_request.entry((request, kind)).or_default() += 1;
        *by_type.entry(kind).or_default() += 1;
    }
    let audit = user.all("/v1/audit");
    let mut entries: HashMap<&str, Vec<&str>> = HashMap::new();
    for entry in &audit {
        entries.entry(text(&entry["id"])).or_default().push(text(&entry["request_id"]));
    }
    let mut expected: HashMap<&str, usize> = HashMap::new();
    for noted in workers.iter().flat_map(|worker| &worker.ledger.noted) {
        let (kind, told) = (KINDS[noted.kind], TYPES[noted.kind]);
        *expected.entry(told).or_default() += 1;
        let entries = entries.get(noted.change.as_str()).map(Vec::as_slice).unwrap_or_default();
        found.once(entries.len(), || format!("{kind}: audit entries of the change {:?}", noted.change));
        for request in entries {
            let count = by_request.get(&(*request, told)).copied().unwrap_or_default();
            found.once(count, || format!("{kind}: events {told} of the request {request}"));
        }
    }
    for told in ONLY {
        let count = |counts: &HashMap<&str, usize>| counts.get(told).copied().unwrap_or_default();
        found.times(count(&by_type), count(&expected), || format!("all events {told} of a user"));
    }
    for (kind, action) in ACTIONS.iter().enumerate() {
        let entries = audit.iter().filter(|entry| entry["action"] == *action).count();
        let noted = workers.iter().map(|worker| worker.ledger.acknowledged[kind]).sum();
        found.times(entries, noted, || format!("all audit entries {action} of a user"));
    }
    whole(user, audit.len(), found);
}

/// Sequences have no gap, and no event is there twice.
fn gapless(events: &[Value], found: &mut Findings) {
    let mut ids = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        if text(&event["sequence"]).parse() != Ok(index + 1) {
            found.lost.push(format!("the event at the place {}: {event}", index + 1));
            return;
        }
        *ids.entry(text(&event["id"])).or_insert(0) += 1;
    }
    for (id, count) in ids {
        found.once(count, || format!("the event {id}"));
    }
}

/// The audit says that it is whole, and has sealed all entries.
fn whole(user: &Client, entries: usize, found: &mut Findings) {
    let mut place = String::new();
    loop {
        let verified = user.get(format!("/v1/audit/verify{place}"));
        if !verified["wrong"].is_null() {
            return found.lost.push(format!("the audit: {verified}"));
        }
        if verified["complete"] == true {
            let sealed = usize::try_from(verified["sealed"].as_u64().unwrap()).unwrap();
            return found.times(sealed, entries, || format!("sealed entries of the audit: {verified}"));
        }
        place = format!("?after={}&hash={}", verified["verified_to"], text(&verified["hash"]));
    }
}

/// How long after each completion what follows it was there.
pub fn successors(events: &[Value], late: &mut Late) {
    let mut completed: HashMap<(&str, &str), DateTime<Utc>> = HashMap::new();
    for event in events {
        let (subject, data) = (text(&event["subject"]), &event["data"]);
        let at: DateTime<Utc> = text(&event["time"]).parse().unwrap();
        match text(&event["type"]) {
            "task.completed" => {
                completed.insert((subject, text(&data["recurrence_id"])), at);
            }
            "occurrence.opened" => {
                let before = completed.get(&(subject, text(&data["predecessor"])));
                before.into_iter().for_each(|before| late.add(at - before));
            }
            _ => {}
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
