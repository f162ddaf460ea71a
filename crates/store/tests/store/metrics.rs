//! What an operator watches, and that watching costs the same however much there is.

use std::collections::BTreeMap;
use std::time::Instant;

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, Recorded, WEEKLY, sqlite_only};
use perennial_store::*;
use rusqlite::Connection;

const MINUTE: i64 = 60_000;

fn letter(user: &UserId, number: i64) -> Letter {
    Letter {
        topic: "task-events".to_owned(),
        event_id: format!("event-{number}"),
        consumer: Some("recurrence-scheduler"),
        consumers: Vec::new(),
        hearers: BTreeMap::new(),
        user: user.as_str().to_owned(),
        stream: user.as_str().to_owned(),
        sequence: number,
        kind: "task.completed".to_owned(),
        subject: "x".to_owned(),
        event: "{}".to_owned(),
        error: "no".to_owned(),
        error_class: ErrorClass::Permanent,
        instance: "test",
    }
}

#[test]
fn an_empty_store_has_nothing_that_waits() {
    let fixture = Fixture::new();
    let metrics = fixture.store.metrics(NOON).unwrap();
    assert_eq!((metrics.outbox_since, metrics.streams, metrics.letters), (None, 0, 0));
    assert!(metrics.due.values().all(|due| *due == DueMetric::default()), "{metrics:?}");
    assert_eq!(metrics.due.len(), 4);
    assert!(metrics.parked.values().all(|parked| *parked == 0), "{metrics:?}");
    assert!(metrics.schema > 0 && metrics.tally.is_empty());
}

#[test]
fn what_waits_is_counted_with_its_age() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let (task, occurrence) = fixture.task(&ada, WEEKLY);
    fixture.task(&eve, WEEKLY);
    fixture.complete(&ada, &task, &occurrence).unwrap();
    fixture.rows("UPDATE outbox SET at = at - 60000 WHERE sequence = 2");
    fixture.store.keep_letters(&[letter(&ada, 1), letter(&eve, 2)], NOON).unwrap();
    fixture.rows("UPDATE work SET wake_at = NULL, parked_at = 1 WHERE kind = 'reminder' AND user_id <> ''");
    let now = NOON.plus_millis(MINUTE);
    let metrics = fixture.store.metrics(now).unwrap();
    assert_eq!((metrics.outbox_since, metrics.streams), (Some(NOON), 2), "the first of each stream counts");
    let owed = &metrics.due["successor"];
    assert_eq!((owed.count, owed.since), (1, Some(NOON)));
    assert_eq!((metrics.parked["event"], metrics.parked["reminder"], metrics.letters), (2, 1, 2));
    assert_eq!(metrics.tally["dlq_events_total{topic=\"task-events\"}"], 2);
    // Each user's entries wait to be sealed since their commits.
    assert_eq!(metrics.unsealed_since, Some(NOON));
    // What is published and done counts no more.
    fixture.rows("UPDATE stream SET published = sequence, relay_at = NULL, sealed = audited, seal_at = NULL");
    fixture.rows("UPDATE occurrence SET succession = 'planned' WHERE succession = 'pending'");
    let metrics = fixture.store.metrics(now).unwrap();
    assert_eq!((metrics.outbox_since, metrics.streams, metrics.unsealed_since), (None, 0, None));
    assert_eq!(metrics.due["successor"], DueMetric::default());
}

/// A stream or a chain that is stuck is tried again later and later: what is tried next says nothing of how long it has waited.
#[test]
fn what_fails_again_and_again_is_seen_beside_what_is_tried_soon() {
    let mut fixture = Fixture::new();
    let stuck = fixture.user("stuck");
    fixture.task(&stuck, WEEKLY);
    fill(&fixture, 1, 1_000, true);
    let day = 86_400_000_i64;
    let (noon, long_ago) = (NOON.as_millis(), NOON.plus_millis(-5 * day).as_millis());
    fixture.unguarded(&format!(
        "UPDATE outbox SET at = {noon} WHERE stream_id LIKE 'user %';
         UPDATE outbox SET at = {long_ago} WHERE stream_id = '{stuck}';
         UPDATE stream SET relay_at = {noon} + 60000, relay_tries = 900, seal_at = {noon} + 60000, seal_tries = 900
            WHERE id = '{stuck}';"
    ));
    // Its next entry is gone: the first behind it counts.
    fixture.unguarded(&format!(
        "INSERT INTO audit_v4 (user_id, told, id, at, actor, action, subject, correlation_id, tzdata, seq, salt)
         SELECT user_id, told, 'b', {long_ago}, actor, action, subject, correlation_id, tzdata, seq + 5, salt
         FROM audit_v4 WHERE user_id = '{stuck}' AND seq = 1;
         UPDATE stream SET sealed = 1, audited = 6 WHERE id = '{stuck}';"
    ));
    let metrics = fixture.store.metrics(NOON).unwrap();
    let long_ago = Some(NOON.plus_millis(-5 * day));
    assert_eq!((metrics.outbox_since, metrics.unsealed_since), (long_ago, long_ago));
    assert_eq!(fixture.store.oldest_unsealed(NOON).unwrap(), Some(5 * day));
}

/// Rows of everything that is looked at.
fn fill(fixture: &Fixture, from: i64, to: i64, waits: bool) {
    let (relay_at, parked_at) = if waits { ("1", "1") } else { ("NULL", "NULL") };
    let status = if waits { "open" } else { "replayed" };
    let wake_at = if waits { "1".to_owned() } else { format!("{}", i64::MAX / 2) };
    let parked_wake_at = if waits { "NULL" } else { &wake_at };
    let numbers =
        format!("WITH RECURSIVE n (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM n WHERE n < {to})");
    // Without the triggers, which would take minutes: the rows are as they leave them.
    fixture.unguarded(&format!(
        "BEGIN;
         {numbers} INSERT INTO stream (id, sequence, published, relay_at, audited, sealed, seal_at)
            SELECT 'user ' || n, 2, 1, {relay_at}, 2, 1, {relay_at} FROM n;
         {numbers} INSERT INTO outbox (stream_id, sequence, topic, event_id, type, subject, user_id, data, at, correlation_id)
            SELECT 'user ' || n, 2, 'task-events', 'e' || n, 'task.created', 'x', 'user ' || n, '{{}}', 1, 'x' FROM n;
         {numbers} INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at)
            SELECT 'reminder', 'user ' || n, 'user ' || n, 'task ' || n, '', {wake_at} FROM n;
         {numbers} INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at, parked_at)
            SELECT 'successor', 'user ' || n, 'user ' || n, 'task ' || n, '', {parked_wake_at}, {parked_at} FROM n;
         {numbers} INSERT INTO dead_letter (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class,
            tries, first_at, last_at, instance, status, status_at, event)
            SELECT 'l' || n, 'user ' || n, 'task-events', 'e' || n, '', 'x', n, 'x', 'x', 'x', 'permanent', 1, 1, 1, '', '{status}', 1, '{{}}' FROM n;
         INSERT INTO lane (kind, again, lane, next_at) SELECT kind, false, lane, min(wake_at) FROM work WHERE wake_at IS NOT NULL GROUP BY kind, lane
            ON CONFLICT (kind, again, lane) DO UPDATE SET next_at = excluded.next_at;
         COMMIT;"
    ));
}

/// Steps of SQLite's machine, and how long they took.
fn cost(fixture: &Fixture) -> (i32, std::time::Duration) {
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    store.metrics(NOON).unwrap();
    let (statement, _) = recorded.last_with("outbox_since");
    let connection = Connection::open(fixture.path()).unwrap();
    let mut prepared = connection.prepare(&statement).unwrap();
    let began = Instant::now();
    prepared.query_row([NOON.as_millis()], |row| row.get::<_, String>(0)).unwrap();
    let took = began.elapsed();
    (prepared.get_status(rusqlite::StatementStatus::VmStep), took)
}

/// `ROWS` of each kind.
fn rows() -> i64 {
    std::env::var("ROWS").map_or(100_000, |rows| rows.parse().unwrap())
}

#[test]
fn watching_costs_the_same_however_much_there_is() {
    sqlite_only!();
    let rows = rows();
    // What neither waits nor is due is not looked at.
    let fixture = Fixture::new();
    fill(&fixture, 1, 1_000, false);
    let (few, _) = cost(&fixture);
    fill(&fixture, 1_001, rows, false);
    let (many, took) = cost(&fixture);
    println!("{few} steps at 1,000 rows of each kind, {many} at {rows}: {took:?}");
    assert!(many <= few + few / 10, "{few} became {many}");

    // A backlog is counted up to where counts stop.
    let fixture = Fixture::new();
    fill(&fixture, 1, 12_000, true);
    let (few, _) = cost(&fixture);
    fill(&fixture, 12_001, rows, true);
    let (many, took) = cost(&fixture);
    println!("{few} steps where 12,000 of each kind wait, {many} where {rows} do: {took:?}");
    assert!(many <= few + few / 10 && many < 1_000_000, "{few} became {many}");
    let metrics = fixture.store.metrics(NOON).unwrap();
    assert_eq!((metrics.streams, metrics.letters), (Metrics::MOST, Metrics::MOST));
    assert_eq!((metrics.due["reminder"].count, metrics.parked["successor"]), (Metrics::MOST, Metrics::MOST));
}
