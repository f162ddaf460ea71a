//! The invariants that the store keeps, each under the number it has in docs/architecture.md.

use std::thread;

use perennial_domain::{
    DueAlarm, EventId, Ids, InboxRecord, Succession, create_task, delete_task, fire, plan_successor,
};
use perennial_fixture::{Counting, Fixture, NOON, WEEKLY, context, webhook};
use perennial_store::sqlite::Value;
use perennial_store::{Page, Store, StoreError, SystemStore};

const TABLES: [&str; 8] =
    ["task", "occurrence", "alarm", "notification", "outbox", "stream", "audit", "idempotency"];

fn everything(fixture: &Fixture) -> Vec<Vec<Vec<Value>>> {
    TABLES.iter().map(|table| fixture.rows(&format!("SELECT * FROM {table} ORDER BY rowid"))).collect()
}

/// Invariant 1: whatever part of a commit fails, none of it is there.
#[test]
fn a_commit_that_fails_in_any_part_leaves_nothing() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    let before = everything(&fixture);

    let mut ids = Counting::default();
    // The ids start anew, so that each kind of row collides with one that is there.
    let input = serde_json::from_str(WEEKLY).unwrap();
    let (fresh, ..) = create_task(&mut context(&user, &mut ids), &input).unwrap();
    let event = fixture.rows("SELECT event_id FROM outbox")[0][0].clone();
    let Value::Text(event) = event else { panic!("no event") };

    let mut colliding = vec![];
    let mut commit = fresh.clone();
    commit.opened[0].task_id = task.id;
    commit.opened[0].recurrence_id = occurrence.recurrence_id.clone();
    colliding.push(("occurrence", commit));
    let mut commit = fresh.clone();
    commit.events[0].id = EventId::parse(&event).unwrap();
    colliding.push(("event", commit));
    let mut commit = fresh.clone();
    commit.expect.tasks[0].version = 7;
    colliding.push(("expectation", commit));
    for (part, mut commit) in colliding {
        for row in &mut commit.tasks {
            row.id = perennial_domain::TaskId::new(fixture.ids.next());
        }
        assert!(fixture.store.apply(&commit).is_err(), "{part} did not collide");
        assert_eq!(everything(&fixture), before, "a commit that failed at its {part} left something");
    }
}

/// Invariant 1: a commit is one statement, and a second one behind it is refused rather than dropped.
#[test]
fn a_text_with_a_second_statement_is_refused() {
    let source = include_str!("../src/sqlite/apply.rs");
    assert_eq!(source.matches("self.execute(").count(), 1, "a write is one host call");
    for room in [source, include_str!("../src/sqlite/read.rs"), include_str!("../src/sqlite/system.rs")] {
        assert!(!room.contains("BEGIN") && !room.contains("COMMIT"), "no guest opens a transaction");
    }
}

/// Invariant 2: the sequence has no gap and is the order of commits, whoever commits at once.
#[test]
fn sequences_are_gapless_under_concurrent_commits() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    thread::scope(|scope| {
        for writer in 0..4_u64 {
            let (store, user) = (fixture.connection(), user.clone());
            scope.spawn(move || {
                let mut ids = Counting((writer + 1) * 1_000_000);
                let input = serde_json::from_str(WEEKLY).unwrap();
                for _ in 0..50 {
                    let (commit, ..) = create_task(&mut context(&user, &mut ids), &input).unwrap();
                    store.apply(&commit).unwrap();
                }
            });
        }
    });
    let sequences: Vec<_> = fixture.rows("SELECT sequence FROM outbox ORDER BY rowid").concat();
    assert_eq!(sequences, (1..=200).map(Value::Integer).collect::<Vec<_>>());
    assert_eq!(fixture.rows("SELECT sequence FROM stream").concat(), [Value::Integer(200)]);
    // `previous` chains the events of each topic.
    let broken = fixture.count("outbox WHERE previous IS NOT nullif(sequence - 1, 0)");
    assert_eq!(broken, 0);
}

/// Invariant 3: the effect of an event happens once, however often it is delivered.
#[test]
fn a_repeated_event_has_no_second_effect() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let inbox = Some(InboxRecord { consumer: "test".to_owned(), event_id: EventId::new(fixture.ids.next()) });
    let input = serde_json::from_str(WEEKLY).unwrap();
    for delivery in 0..3 {
        // Each delivery decides anew, with ids of its own: only the inbox can tell that it is the same event.
        let (mut commit, ..) = create_task(&mut fixture.context(&user), &input).unwrap();
        commit.inbox = inbox.clone();
        let applied = fixture.store.apply(&commit);
        assert_eq!(delivery > 0, matches!(applied, Err(StoreError::AlreadyApplied)), "{applied:?}");
    }
    assert_eq!(fixture.count("task"), 1);
    assert_eq!(fixture.count("outbox"), 1);
}

/// Invariant 4: open → done happens once, also for two who have both read it open.
#[test]
fn two_completions_of_what_both_read_open_close_it_once() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    fixture.complete(&user, &task, &occurrence).unwrap();
    let second = fixture.complete(&user, &task, &occurrence);
    assert!(matches!(second, Err(StoreError::Changed(_))), "{second:?}");
    assert_eq!(fixture.count("outbox WHERE type = 'task.completed'"), 1);
}

/// Invariant 4: one successor per closed occurrence, whoever plans it and from however old a look.
#[test]
fn two_plans_of_one_successor_make_one() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    fixture.complete(&user, &task, &occurrence).unwrap();
    let (task, closed) = fixture.read(&user, &task, &occurrence);
    assert_eq!(closed.succession, Succession::Pending);

    let (first, successor) =
        plan_successor(&mut fixture.context(&user), &task, &closed, &[], &[], &[]).unwrap();
    assert_eq!(successor.unwrap().recurrence_id.as_str(), "2026-11-30T07:00:00[Europe/Berlin]");
    fixture.store.apply(&first).unwrap();

    let (mut second, _) = plan_successor(&mut fixture.context(&user), &task, &closed, &[], &[], &[]).unwrap();
    assert!(matches!(fixture.store.apply(&second), Err(StoreError::Changed(_))));
    // Even a plan that expects nothing and names another date meets the unique successor.
    second.expect = Default::default();
    second.opened[0].recurrence_id =
        perennial_domain::RecurrenceId::from_text("2026-12-07T07:00:00[Europe/Berlin]");
    let refused = fixture.store.apply(&second);
    assert!(
        matches!(&refused, Err(StoreError::Duplicate(what)) if what.contains("predecessor")),
        "{refused:?}"
    );
    assert_eq!(fixture.count("occurrence WHERE predecessor IS NOT NULL"), 1);
}

/// Invariant 4: what is done stays done, even for a write that expects nothing.
#[test]
fn a_done_occurrence_does_not_open_again() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    fixture.complete(&user, &task, &occurrence).unwrap();
    let mut stale = delete_task(&mut fixture.context(&user), &task, &[occurrence]);
    stale.expect = Default::default();
    fixture.store.apply(&stale).unwrap();
    assert_eq!(fixture.count("occurrence WHERE status = 'done'"), 1);
}

/// Invariant 5: one notification per (task, occurrence, reminder, channel), however often the reminder is fired.
#[test]
fn a_reminder_fires_once_per_channel() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    let later = NOON.plus_millis(7 * 86_400_000);
    let due: DueAlarm = fixture.store.due_alarms(later, 10).unwrap().remove(0).alarm;
    let channels = [webhook("one"), webhook("two")];
    let first = fire(&mut fixture.context(&user), &due, &channels);
    let mut second = fire(&mut fixture.context(&user), &due, &channels);
    fixture.store.apply(&first).unwrap();
    assert!(matches!(fixture.store.apply(&second), Err(StoreError::Changed(_))));
    // Even a sweep that expects nothing meets the unique notification.
    second.expect = Default::default();
    assert!(matches!(fixture.store.apply(&second), Err(StoreError::Duplicate(_))));
    assert_eq!(fixture.count("notification"), 2);
    assert_eq!(fixture.count("outbox WHERE type = 'reminder.fired'"), 1);
    assert!(fixture.store.due_alarms(later, 10).unwrap().is_empty());
}

/// Invariant 6: no statement of a user's request reaches another user's rows.
#[test]
fn another_users_rows_are_not_there() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let (task, occurrence) = fixture.task(&ada, WEEKLY);
    let due = fixture.store.due_alarms(NOON.plus_millis(7 * 86_400_000), 10).unwrap().remove(0).alarm;
    let fired = fire(&mut fixture.context(&ada), &due, &[]);
    fixture.store.apply(&fired).unwrap();

    let page = Page { after: None, limit: 10 };
    let store = &fixture.store;
    assert!(store.task(&eve, task.id).unwrap().is_none());
    assert!(store.tasks(&eve, None, &page).unwrap().is_empty());
    assert!(store.occurrence(&eve, task.id, &occurrence.recurrence_id).unwrap().is_none());
    assert!(store.open_occurrences(&eve, task.id).unwrap().is_empty());
    assert!(store.occurrences(&eve, task.id, &page).unwrap().is_empty());
    assert!(store.notifications(&eve, Some(task.id), &page).unwrap().is_empty());
    assert!(!store.notifications(&ada, Some(task.id), &page).unwrap().is_empty());

    // A write of hers that names the task changes nothing of it.
    let before = fixture.rows("SELECT * FROM task").concat();
    let foreign = delete_task(&mut fixture.context(&eve), &task, &[occurrence]);
    assert!(matches!(fixture.store.apply(&foreign), Err(StoreError::Changed(_))));
    let mut unguarded = foreign;
    unguarded.expect = Default::default();
    fixture.store.apply(&unguarded).unwrap();
    assert_eq!(fixture.rows("SELECT * FROM task").concat(), before);
    assert_eq!(fixture.count("occurrence WHERE status = 'open'"), 1);
}

/// Invariant 7: a relay that is overtaken cannot mark what another is publishing, and nothing that waits is skipped.
#[test]
fn a_relay_that_lost_its_lease_marks_nothing() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    let stream = user.stream();
    let slow = fixture.store.lease_stream(&stream, NOON, NOON.plus_millis(10)).unwrap().unwrap();
    assert!(fixture.store.lease_stream(&stream, NOON, NOON.plus_millis(10)).unwrap().is_none());
    let late = NOON.plus_millis(11);
    let next = fixture.store.lease_stream(&stream, late, late.plus_millis(10)).unwrap().unwrap();
    fixture.store.mark_published(&slow, 1, late).unwrap();
    assert_eq!(fixture.store.waiting_events(&stream, 10).unwrap().len(), 1);
    fixture.store.mark_published(&next, 1, late).unwrap();
    assert!(fixture.store.waiting_events(&stream, 10).unwrap().is_empty());
}
