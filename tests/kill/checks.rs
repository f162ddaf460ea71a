//! What must be so in the end, as the clients see it.

use std::collections::{HashMap, HashSet};

use http::{Method, StatusCode};
use perennial_tests::{Client, Delivery};
use serde_json::Value;

use crate::ledger::Entry;
use crate::worker::Worker;

/// Everything that was acknowledged is there once and as it was said, and each completion has one successor.
pub fn nothing_is_lost(worker: &Worker, service: &Client) {
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
            assert!(tasks.is_empty(), "{} was deleted: {tasks:?}", entry.title);
            let gone = client.call(Method::GET, format!("/v1/tasks/{}", entry.id)).answer();
            assert_eq!(gone.status, StatusCode::NOT_FOUND, "{} was deleted", entry.title);
            continue;
        }
        let [task] = tasks else { panic!("{} was created once: {tasks:?}", entry.title) };
        assert_eq!(
            (task["id"].as_str(), task["description"].as_str()),
            (Some(entry.id.as_str()), Some(entry.description.as_str())),
            "{}",
            entry.title
        );
        let occurrences = client.all(&format!("/v1/tasks/{}/occurrences", entry.id));
        check_series(entry, task, &occurrences);
    }
}

fn check_series(entry: &Entry, task: &Value, occurrences: &[Value]) {
    let title = &entry.title;
    let names: HashSet<Option<&str>> = occurrences.iter().map(|one| one["recurrence_id"].as_str()).collect();
    assert_eq!(names.len(), occurrences.len(), "{title}: no occurrence twice: {occurrences:?}");
    let done = occurrences.iter().filter(|one| one["status"] == "done").count();
    assert_eq!(done, entry.completed.len(), "{title}: {occurrences:?}");
    // A series goes on, unless it was split and has come to its end.
    let open = usize::from(!(entry.ends && task["status"] == "done"));
    assert_eq!(occurrences.len(), done + open, "{title}: {open} is open: {occurrences:?}");
    for (index, (recurrence_id, _)) in entry.completed.iter().enumerate() {
        let one = occurrences.iter().find(|one| one["recurrence_id"] == recurrence_id.as_str());
        assert_eq!(one.expect("what was completed is there")["status"], "done");
        let successors =
            occurrences.iter().filter(|one| one["predecessor"] == recurrence_id.as_str()).count();
        let last = open == 0 && index + 1 == entry.completed.len();
        assert_eq!(successors, usize::from(!last), "{title} {recurrence_id}: {occurrences:?}");
    }
    for (recurrence_id, title) in &entry.titled {
        let one = occurrences.iter().find(|one| one["recurrence_id"] == recurrence_id.as_str());
        assert_eq!(one.expect("what was given a title is there")["title"], title.as_str());
    }
    for (index, one) in occurrences.iter().enumerate() {
        assert_eq!(one["ordinal"], index + 1, "{title}: {occurrences:?}");
    }
}

/// Every reminder that came due made one notification, which arrived under one id, however often it was sent.
pub fn reminders_arrived_once(worker: &Worker, service: &Client, deliveries: &[Delivery]) {
    let client = worker.client(service);
    let mut arrived: HashMap<String, HashSet<&str>> = HashMap::new();
    for delivery in deliveries {
        let task = delivery.json()["data"]["task_id"].as_str().unwrap().to_owned();
        arrived.entry(task).or_default().insert(delivery.header("webhook-id"));
    }
    for entry in worker.ledger.tasks.iter().filter(|entry| entry.reminds) {
        let notifications = client.all(&format!("/v1/notifications?task={}", entry.id));
        assert_eq!(notifications.len(), 1, "{}: {notifications:?}", entry.title);
        assert_eq!(notifications[0]["state"], "delivered", "{}", notifications[0]);
        let ids = arrived.get(&entry.id).expect("its webhook arrived");
        assert_eq!(ids.iter().collect::<Vec<_>>(), [&notifications[0]["id"].as_str().unwrap()]);
    }
}

/// Nothing was given up: there was no reason to.
pub fn nothing_is_parked(owner: &Client) {
    let answer = owner.call(Method::GET, "/v1/parked?all=true").answer();
    assert_eq!(answer.ok(StatusCode::OK)["items"], serde_json::json!([]));
}
