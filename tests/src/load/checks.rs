//! What must be so in the end, as the clients see it.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use http::{Method, StatusCode};
use serde_json::Value;

use super::findings::Findings;
use super::ledger::Entry;
use super::worker::Worker;
use crate::{Client, Delivery};

/// What came of a task's reminders.
#[derive(Debug, Default)]
pub struct Notified {
    /// Under which ids.
    pub ids: HashSet<String>,
    /// When it came first.
    pub first: Option<Instant>,
    /// How often.
    pub times: usize,
}

/// Everything that was acknowledged is there once and as it was said, and each completion has one successor.
pub fn tasks(worker: &Worker, service: &Client, found: &mut Findings) {
    let client = worker.client(service);
    assert!(worker.ledger.unsure.is_none());
    let listed = client.all("/v1/tasks");
    let mut titles: HashMap<&str, Vec<&Value>> = HashMap::new();
    for task in &listed {
        titles.entry(task["title"].as_str().unwrap()).or_default().push(task);
    }
    for entry in &worker.ledger.tasks {
        let tasks = titles.get(entry.title.as_str()).map(Vec::as_slice).unwrap_or_default();
        if entry.deleted {
            let gone = client.call(Method::GET, format!("/v1/tasks/{}", entry.id)).answer();
            if !tasks.is_empty() || gone.status != StatusCode::NOT_FOUND {
                found.lost.push(format!("{} was deleted: {tasks:?}", entry.title));
            }
            continue;
        }
        found.once(tasks.len(), || format!("{} {}", entry.id, entry.title));
        let Some(task) = tasks.first() else { continue };
        let said = (Some(entry.id.as_str()), Some(entry.description.as_str()));
        if (task["id"].as_str(), task["description"].as_str()) != said {
            found.lost.push(format!("{}: it is not as was said: {task}", entry.title));
        }
        let occurrences = client.all(&format!("/v1/tasks/{}/occurrences", entry.id));
        series(entry, task, &occurrences, found);
    }
}

fn series(entry: &Entry, task: &Value, occurrences: &[Value], found: &mut Findings) {
    let title = format!("{} {}", entry.id, entry.title);
    let names: HashSet<Option<&str>> = occurrences.iter().map(|one| one["recurrence_id"].as_str()).collect();
    found.times(occurrences.len(), names.len(), || {
        format!("{title}: occurrences by their names: {occurrences:?}")
    });
    let done = occurrences.iter().filter(|one| one["status"] == "done").count();
    found.times(done, entry.completed.len(), || format!("{title}: completions: {occurrences:?}"));
    // A series goes on, unless it was split and has come to its end.
    let open = usize::from(!(entry.ends && task["status"] == "done"));
    found.times(occurrences.len() - done, open, || format!("{title}: open occurrences: {occurrences:?}"));
    let named = |id: &str| occurrences.iter().find(|one| one["recurrence_id"] == id);
    for (index, (recurrence_id, _)) in entry.completed.iter().enumerate() {
        if named(recurrence_id).is_none_or(|one| one["status"] != "done") {
            found.lost.push(format!("{title}: {recurrence_id} was completed: {occurrences:?}"));
        }
        let successors =
            occurrences.iter().filter(|one| one["predecessor"] == recurrence_id.as_str()).count();
        let last = open == 0 && index + 1 == entry.completed.len();
        found.times(successors, usize::from(!last), || format!("{title}: what follows {recurrence_id}"));
    }
    for (recurrence_id, said) in &entry.titled {
        if named(recurrence_id).is_none_or(|one| one["title"] != said.as_str()) {
            found.lost.push(format!("{title}: {recurrence_id} was called {said}: {occurrences:?}"));
        }
    }
    for (index, one) in occurrences.iter().enumerate() {
        if one["ordinal"] != index + 1 {
            found.doubled.push(format!("{title}: places in order: {occurrences:?}"));
        }
    }
}

/// What came, by task.
pub fn came(deliveries: &[Delivery]) -> HashMap<String, Notified> {
    let mut all: HashMap<String, Notified> = HashMap::new();
    for delivery in deliveries {
        let task = delivery.json()["data"]["task_id"].as_str().unwrap().to_owned();
        let one = all.entry(task).or_default();
        one.ids.insert(delivery.header("webhook-id").to_owned());
        one.first = Some(one.first.map_or(delivery.at, |first| first.min(delivery.at)));
        one.times += 1;
    }
    all
}

/// Every reminder that came due made one notification, which arrived under one id, however often it was sent. Of one that `may_be_missed`,
/// as it was made when its time had passed, there may be none.
pub fn reminders(
    worker: &Worker,
    service: &Client,
    came: &HashMap<String, Notified>,
    may_be_missed: impl Fn(&Entry) -> bool,
    found: &mut Findings,
) {
    let client = worker.client(service);
    for entry in worker.ledger.tasks.iter().filter(|entry| entry.reminds) {
        let what = || format!("{} {}: its reminder at {:?}", entry.id, entry.title, entry.fires_at);
        let notifications = client.all(&format!("/v1/notifications?task={}", entry.id));
        if notifications.is_empty() && may_be_missed(entry) {
            continue;
        }
        found.once(notifications.len(), || format!("{}: notifications: {notifications:?}", what()));
        let told: HashSet<String> =
            notifications.iter().filter_map(|one| one["id"].as_str().map(str::to_owned)).collect();
        if let Some(waits) = notifications.iter().find(|one| one["state"] != "delivered") {
            found.stuck.push(format!("{}: {waits}", what()));
        }
        let ids = came.get(&entry.id).map(|one| one.ids.clone()).unwrap_or_default();
        if ids != told {
            found.lost.push(format!("{}: {ids:?} came, and {told:?} was to", what()));
        }
    }
}

/// Nothing was given up: there was no reason to.
pub fn parked(owner: &Client, found: &mut Findings) {
    let parked = owner.all("/v1/parked?all=true");
    found.stuck.extend(parked.iter().map(|one| format!("given up: {one}")));
    let letters = owner.all("/v1/dead-letters?status=open");
    found.stuck.extend(letters.iter().map(|one| format!("a dead letter: {one}")));
}
