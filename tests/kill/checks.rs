//! What must be so in the end.

use std::collections::{HashMap, HashSet};

use perennial_tests::{Client, Database, Delivery};
use serde_json::Value;

use crate::ledger::Entry;
use crate::worker::Worker;

/// Nothing is left to do: every successor is planned, every due reminder fired, every notification delivered and
/// every event published.
pub fn is_quiet(database: &Database) -> bool {
    [
        "SELECT count(*) FROM occurrence WHERE succession = 'pending'",
        "SELECT count(*) FROM alarm WHERE state = 'armed' AND fire_at <= unixepoch('subsec') * 1000",
        "SELECT count(*) FROM notification WHERE state = 'pending'",
        "SELECT count(*) FROM outbox WHERE published_at IS NULL",
    ]
    .iter()
    .all(|query| database.number(query, []) == 0)
}

/// Every task and every completion that was acknowledged is there, and each completion has one successor.
pub fn nothing_is_lost(worker: &Worker, service: &Client) {
    let client = worker.client(service);
    assert!(worker.ledger.unsure.is_empty());
    let listed = client.all("/v1/tasks");
    let mut titles: HashMap<&str, Vec<&str>> = HashMap::new();
    for task in &listed {
        titles.entry(task["title"].as_str().unwrap()).or_default().push(task["id"].as_str().unwrap());
    }
    for entry in &worker.ledger.tasks {
        let ids = titles.get(entry.title.as_str()).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(ids, [entry.id.as_str()], "{} was created once", entry.title);
        let occurrences = client.all(&format!("/v1/tasks/{}/occurrences", entry.id));
        check_series(entry, &occurrences);
    }
}

fn check_series(entry: &Entry, occurrences: &[Value]) {
    let names: HashSet<Option<&str>> = occurrences.iter().map(|one| one["recurrence_id"].as_str()).collect();
    assert_eq!(names.len(), occurrences.len(), "{}: no occurrence twice: {occurrences:?}", entry.title);
    let done = occurrences.iter().filter(|one| one["status"] == "done").count();
    let acknowledged = entry.completed.len();
    assert!(
        done == acknowledged || done == acknowledged + usize::from(entry.open.is_some()),
        "{occurrences:?}"
    );
    assert_eq!(occurrences.len(), done + 1, "{}: one is open: {occurrences:?}", entry.title);
    for (recurrence_id, _) in &entry.completed {
        let one = occurrences.iter().find(|one| one["recurrence_id"] == recurrence_id.as_str());
        assert_eq!(one.expect("what was completed is there")["status"], "done");
        let successors =
            occurrences.iter().filter(|one| one["predecessor"] == recurrence_id.as_str()).count();
        assert_eq!(successors, 1, "{} {recurrence_id}: {occurrences:?}", entry.title);
    }
    for (index, one) in occurrences.iter().enumerate() {
        assert_eq!(one["ordinal"], index + 1, "{occurrences:?}");
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

/// The same, asked of the tables themselves, and that every stream's sequence is without a gap.
pub fn the_database_agrees(database: &Database) {
    let none = [
        (
            "a completed occurrence without exactly one successor",
            "SELECT count(*) FROM occurrence AS closed
             WHERE closed.status = 'done' AND closed.recurrence_id <> '' AND 1 <> (
                 SELECT count(*) FROM occurrence AS next
                 WHERE next.task_id = closed.task_id AND next.predecessor = closed.recurrence_id)",
        ),
        (
            "an occurrence twice",
            "SELECT count(*) FROM (
                 SELECT 1 FROM occurrence GROUP BY task_id, recurrence_id HAVING count(*) > 1)",
        ),
        (
            "a fired alarm without exactly one notification",
            "SELECT count(*) FROM alarm WHERE state = 'fired' AND 1 <> (
                 SELECT count(*) FROM notification
                 WHERE notification.task_id = alarm.task_id AND notification.recurrence_id = alarm.recurrence_id
                   AND notification.reminder_id = alarm.reminder_id)",
        ),
        (
            "a notification without a fired alarm",
            "SELECT count(*) FROM notification WHERE NOT EXISTS (
                 SELECT 1 FROM alarm
                 WHERE notification.task_id = alarm.task_id AND notification.recurrence_id = alarm.recurrence_id
                   AND notification.reminder_id = alarm.reminder_id AND alarm.state = 'fired')",
        ),
        (
            "a task without exactly one event of its creation",
            "SELECT count(*) FROM (
                 SELECT id FROM task EXCEPT SELECT subject FROM outbox
                 WHERE type = 'task.created' GROUP BY subject HAVING count(*) = 1)",
        ),
        (
            "a completion without exactly one event",
            "SELECT count(*) FROM (
                 SELECT task_id, recurrence_id FROM occurrence WHERE status = 'done' AND recurrence_id <> ''
                 EXCEPT SELECT subject, data ->> 'recurrence_id' FROM outbox
                 WHERE type = 'task.completed' GROUP BY 1, 2 HAVING count(*) = 1)",
        ),
        (
            "a delivered notification without exactly one event",
            "SELECT count(*) FROM (
                 SELECT id FROM notification WHERE state = 'delivered'
                 EXCEPT SELECT data ->> 'notification_id' FROM outbox
                 WHERE type = 'notification.delivered' GROUP BY 1 HAVING count(*) = 1)",
        ),
        (
            "a stream whose sequence has a gap",
            "SELECT count(*) FROM (
                 SELECT 1 FROM outbox GROUP BY stream_id
                 HAVING min(sequence) <> 1 OR max(sequence) <> count(*) OR count(DISTINCT sequence) <> count(*))",
        ),
    ];
    for (what, query) in none {
        assert_eq!(database.number(query, []), 0, "{what}");
    }
    assert_eq!(
        database.number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", []),
        0
    );
}
