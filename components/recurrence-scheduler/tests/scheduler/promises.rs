//! What the scheduler promises, on a real store.

use perennial_domain::{Occurrence, OccurrenceStatus, Task, TaskStatus, Timestamp, UserId};
use perennial_events::CloudEvent;
use perennial_fixture::{Fixture, NOON, Recorded, WEEKLY};
use perennial_store::{Page, Store};
use recurrence_scheduler::{HandleError, Handled, Swept, fill_gaps, handle_event, sweep};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn names(fixture: &Fixture, user: &UserId, task: &Task) -> Vec<(String, OccurrenceStatus)> {
    let page = Page { after: None, limit: 100 };
    let all = fixture.store.occurrences(user, task.id, &page).unwrap();
    all.into_iter().map(|o| (o.recurrence_id.to_string(), o.status)).collect()
}

fn event_of_completion(fixture: &Fixture, user: &UserId) -> CloudEvent {
    fixture.last_event(user, "task.completed").into()
}

fn sweep_at(fixture: &mut Fixture, at: Timestamp) -> Swept {
    sweep(&fixture.store, &|| at, &mut fixture.ids).unwrap()
}

/// Applies an event; says whether it had an effect.
fn handle(fixture: &mut Fixture, event: &CloudEvent) -> bool {
    match handle_event(&fixture.store, event, NOON, &mut fixture.ids).unwrap() {
        Handled::Now(..) => true,
        Handled::Before => false,
    }
}

fn completed(document: &str) -> (Fixture, UserId, Task, Occurrence) {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, document);
    fixture.complete(&user, &task, &occurrence).unwrap();
    (fixture, user, task, occurrence)
}

#[test]
fn an_event_brings_the_next_occurrence_and_its_repetition_brings_none() {
    let (mut fixture, user, task, _) = completed(WEEKLY);
    let event = event_of_completion(&fixture, &user);
    let planned: Vec<bool> = (0..3).map(|_| handle(&mut fixture, &event)).collect();
    assert_eq!(planned, [true, false, false]);
    assert_eq!(
        names(&fixture, &user, &task),
        [
            ("2026-11-23T07:00:00[Europe/Berlin]".to_owned(), OccurrenceStatus::Done),
            ("2026-11-30T07:00:00[Europe/Berlin]".to_owned(), OccurrenceStatus::Open),
        ]
    );
    assert_eq!(fixture.count("inbox"), 1);
}

#[test]
fn a_lost_event_is_made_up_for_by_the_sweep() {
    let (mut fixture, user, task, _) = completed(WEEKLY);
    assert_eq!(sweep_at(&mut fixture, NOON).planned, 1);
    assert_eq!(sweep_at(&mut fixture, NOON).planned, 0);
    // The event that comes late after all finds nothing left to do.
    let event = event_of_completion(&fixture, &user);
    assert!(!handle(&mut fixture, &event));
    assert_eq!(names(&fixture, &user, &task).len(), 2);
}

#[test]
fn the_next_event_of_a_stream_makes_up_for_a_lost_one() {
    let (mut fixture, user, lost, _) = completed(WEEKLY);
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    let stranger = fixture.user("bea");
    let (theirs, open) = fixture.task(&stranger, WEEKLY);
    fixture.complete(&stranger, &theirs, &open).unwrap();
    fixture.complete(&user, &task, &occurrence).unwrap();
    let event = event_of_completion(&fixture, &user);
    assert!(handle(&mut fixture, &event));
    let filled = fill_gaps(&fixture.store, &event, NOON, &mut fixture.ids).unwrap();
    assert!(matches!(filled.as_slice(), [Handled::Now(..)]), "{filled:?}");
    assert!(fill_gaps(&fixture.store, &event, NOON, &mut fixture.ids).unwrap().is_empty());
    assert_eq!(names(&fixture, &user, &lost).len(), 2);
    assert_eq!(names(&fixture, &user, &task).len(), 2);
    assert_eq!(names(&fixture, &stranger, &theirs).len(), 1, "that is no gap of this stream");
}

/// Events that are about no work of this consumer cost nothing: not a statement.
#[test]
fn an_event_of_no_concern_reads_nothing() {
    let (mut fixture, user, ..) = completed(WEEKLY);
    fixture.task(&user, WEEKLY);
    let events = fixture.store.events(&user, 0, 10).unwrap().events;
    let made = events.into_iter().map(CloudEvent::from).rfind(|event| event.kind == "task.created").unwrap();
    assert!(made.previous.is_some());
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    recorded.statements.borrow_mut().clear();
    assert!(matches!(handle_event(&store, &made, NOON, &mut fixture.ids), Ok(Handled::Before)));
    assert!(fill_gaps(&store, &made, NOON, &mut fixture.ids).unwrap().is_empty());
    assert_eq!(*recorded.statements.borrow(), Vec::<String>::new());
}

#[test]
fn a_series_from_completion_counts_from_the_day_it_was_done() {
    let document = r#"{"title": "Filter", "due": {"local": "2026-11-10T18:00:00", "tz": "Europe/Berlin"},
        "recurrence": {"rrule": "FREQ=DAILY;INTERVAL=10", "anchor": "completion"}}"#;
    let (mut fixture, user, task, _) = completed(document);
    sweep_at(&mut fixture, NOON);
    // Due on the 10th, done on the 21st: the next is ten days after the 21st, at the series' own time.
    assert_eq!(names(&fixture, &user, &task)[1].0, "2026-12-01T18:00:00[Europe/Berlin]");
}

#[test]
fn a_series_from_completion_done_early_does_not_repeat_its_own_day() {
    let document = r#"{"title": "Walk", "due": {"local": "2026-11-22T09:00:00", "tz": "Europe/Berlin"},
        "recurrence": {"rrule": "FREQ=DAILY", "anchor": "completion"}}"#;
    let (mut fixture, user, task, _) = completed(document);
    sweep_at(&mut fixture, NOON);
    assert_eq!(names(&fixture, &user, &task)[1].0, "2026-11-23T09:00:00[Europe/Berlin]");
}

#[test]
fn a_series_from_completion_done_long_before_counts_from_then_all_the_same() {
    let document = r#"{"title": "Plants", "due": {"local": "2026-12-05T09:00:00", "tz": "Europe/Berlin"},
        "recurrence": {"rrule": "FREQ=DAILY;INTERVAL=10", "anchor": "completion"}}"#;
    let (mut fixture, user, task, _) = completed(document);
    let mut all = Vec::new();
    for _ in 0..3 {
        sweep_at(&mut fixture, NOON);
        let (task, open) = fixture.open(&user, &task);
        let open = open.unwrap();
        all.push(open.recurrence_id.as_str().get(..10).unwrap().to_owned());
        fixture.complete(&user, &task, &open).unwrap();
    }
    // Done three times on the same day: no name is given twice.
    assert_eq!(all, ["2026-12-01", "2026-12-11", "2026-12-21"]);
}

#[test]
fn a_series_ends_with_its_last_occurrence() {
    for rule in
        [r#"{"rrule": "FREQ=DAILY;COUNT=2"}"#, r#"{"rrule": "FREQ=DAILY;COUNT=2", "anchor": "completion"}"#]
    {
        let document =
            format!(r#"{{"title": "Pills", "due": {{"local": "2026-11-22"}}, "recurrence": {rule}}}"#);
        let (mut fixture, user, task, _) = completed(&document);
        sweep_at(&mut fixture, NOON);
        let (task, open) = fixture.open(&user, &task);
        fixture.complete(&user, &task, &open.unwrap()).unwrap();
        sweep_at(&mut fixture, NOON);
        let (task, open) = fixture.open(&user, &task);
        assert_eq!((task.status, open), (TaskStatus::Done, None), "{rule}");
        assert_eq!(fixture.count("outbox WHERE type = 'series.ended'"), 1);
    }
}

#[test]
fn a_reminder_fires_when_it_is_due_and_not_before() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    // Monday 07:00 in Berlin is 06:00 UTC; the reminder is half an hour earlier.
    let due = Timestamp::from_millis(1_795_413_600_000 - HOUR / 2);
    assert_eq!(sweep_at(&mut fixture, due.plus_millis(-1)).fired, 0);
    assert_eq!(sweep_at(&mut fixture, due).fired, 1);
    assert_eq!(sweep_at(&mut fixture, due.plus_millis(DAY)).fired, 0);
    let page = Page { after: None, limit: 10 };
    let notifications = fixture.store.notifications(&user, None, &page).unwrap();
    assert_eq!(notifications.len(), 1);
    assert_eq!(notifications[0].channel_id.as_str(), "inbox");
}

#[test]
fn a_reminder_missed_while_nothing_ran_fires_once_afterwards() {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    fixture.task(&user, WEEKLY);
    let weeks_later = NOON.plus_millis(30 * DAY);
    assert_eq!(sweep_at(&mut fixture, weeks_later).fired, 1);
    assert_eq!(fixture.count("notification_v2"), 1);
}

#[test]
fn a_completed_occurrence_reminds_no_more() {
    let (mut fixture, ..) = completed(WEEKLY);
    assert_eq!(sweep_at(&mut fixture, NOON.plus_millis(2 * DAY)).fired, 0);
}

#[test]
fn what_an_event_does_not_say_is_no_reason_to_try_again() {
    let (mut fixture, user, ..) = completed(WEEKLY);
    let event = event_of_completion(&fixture, &user);
    let unknown = CloudEvent { kind: "task.painted".to_owned(), ..event.clone() };
    assert!(!handle(&mut fixture, &unknown));
    let empty = CloudEvent { data: serde_json::json!({}), ..event };
    let refused = handle_event(&fixture.store, &empty, NOON, &mut fixture.ids);
    assert!(matches!(refused, Err(HandleError::Unusable { member: "data.recurrence_id", .. })));
}
