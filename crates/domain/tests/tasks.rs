//! What commands on tasks decide.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use perennial_domain::{
    Actor, AlarmState, Commit, Completion, Context, Ids, Invalid, Occurrence, OccurrenceStatus, Succession,
    Task, TaskInput, TaskStatus, Timestamp, UserId, complete, create_task, delete_task, update_task,
};
use perennial_recurrence::Zone;
use serde_json::{Value, json};
use uuid::Uuid;

/// Noon of 21 November 2026, UTC.
const NOON: Timestamp = Timestamp::from_millis(1_795_262_400_000);

#[derive(Default)]
struct Counting(u64);

impl Ids for Counting {
    fn next(&mut self) -> Uuid {
        self.0 = self.0.saturating_add(1);
        Uuid::from_u64_pair(self.0, 0)
    }
}

fn context(ids: &mut Counting) -> Context<'_> {
    Context {
        user: UserId::new("ada"),
        zone: Zone::parse("America/New_York").unwrap(),
        now: NOON,
        ids,
        actor: Actor::component("test"),
        correlation_id: "test".to_owned(),
        causation_id: None,
        traceparent: None,
    }
}

fn input(document: &Value) -> TaskInput {
    serde_json::from_value(document.clone()).unwrap()
}

fn create(ids: &mut Counting, document: &Value) -> Result<(Commit, Task, Occurrence), Invalid> {
    create_task(&mut context(ids), &input(document))
}

fn due_at(document: &Value) -> String {
    let (_, _, occurrence) = create(&mut Counting::default(), document).unwrap();
    occurrence.due_at.unwrap().to_string()
}

#[test]
fn a_due_date_falls_on_the_instant_of_its_own_zone_or_of_its_users() {
    for (due, instant) in [
        (json!({ "local": "2026-12-01T09:00:00", "tz": "Europe/Berlin" }), "2026-12-01T08:00:00Z"),
        (json!({ "local": "2026-12-01T09:00", "tz": "UTC" }), "2026-12-01T09:00:00Z"),
        // Floating and all-day: the user lives in New York.
        (json!({ "local": "2026-12-01T09:00:00" }), "2026-12-01T14:00:00Z"),
        (json!({ "local": "2026-12-01" }), "2026-12-01T05:00:00Z"),
        // A wall time that the clocks skip takes the offset before the gap; one that comes twice is the first.
        (json!({ "local": "2027-03-28T02:30:00", "tz": "Europe/Berlin" }), "2027-03-28T01:30:00Z"),
        (json!({ "local": "2026-10-25T02:30:00", "tz": "Europe/Berlin" }), "2026-10-25T00:30:00Z"),
    ] {
        assert_eq!(due_at(&json!({ "title": "x", "due": due })), instant, "{due}");
    }
}

#[test]
fn what_is_wrong_is_said_where_it_is_and_all_at_once() {
    let berlin = json!({ "local": "2026-12-01T09:00:00", "tz": "Europe/Berlin" });
    let long = "x".repeat(501);
    for (document, pointers) in [
        (json!({ "title": " " }), vec!["/title"]),
        (json!({ "title": long, "tags": ["a", ""] }), vec!["/title", "/tags/1"]),
        (json!({ "title": "a\u{7}b" }), vec!["/title"]),
        (json!({ "title": "x", "due": { "local": "2026-02-30" } }), vec!["/due/local"]),
        (json!({ "title": "x", "due": { "local": "2026-02-28T09:00:00Z" } }), vec!["/due/local"]),
        (json!({ "title": "x", "due": { "local": "0999-01-01" } }), vec!["/due/local"]),
        (
            json!({ "title": "x", "due": { "local": "2026-12-01T09:00", "tz": "Mars/Olympus" } }),
            vec!["/due/tz"],
        ),
        (json!({ "title": "x", "due": { "local": "2026-12-01T09:00", "tz": "+02:00" } }), vec!["/due/tz"]),
        (json!({ "title": "x", "due": { "local": "2026-12-01", "tz": "UTC" } }), vec!["/due/tz"]),
        (json!({ "title": "x", "recurrence": { "rrule": "FREQ=DAILY" } }), vec!["/due"]),
        (
            json!({ "title": "x", "due": berlin, "recurrence": { "rrule": "FREQ=OFTEN" } }),
            vec!["/recurrence/rrule"],
        ),
        (
            json!({ "title": "x", "due": berlin, "recurrence": { "rrule": "FREQ=SECONDLY" } }),
            vec!["/recurrence/rrule"],
        ),
        (
            json!({ "title": "x", "due": berlin, "recurrence": { "rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30" } }),
            vec!["/recurrence/rrule"],
        ),
        (json!({ "title": "x", "reminders": [{ "trigger": "-PT5M" }] }), vec!["/reminders/0/trigger"]),
        (
            json!({ "title": "x", "due": berlin, "reminders": [{ "trigger": "PT0S" }, { "trigger": "5 minutes" }] }),
            vec!["/reminders/1/trigger"],
        ),
        (
            json!({ "title": "x", "due": berlin, "reminders": [{ "trigger": "PT0S" }, { "trigger": "PT0S" }] }),
            vec!["/reminders/1/trigger"],
        ),
        (
            json!({ "title": "x", "due": berlin, "reminders": [{ "trigger": "-P400D" }] }),
            vec!["/reminders/0/trigger"],
        ),
    ] {
        let wrong = create(&mut Counting::default(), &document).unwrap_err();
        let found: Vec<&str> = wrong.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(found, pointers, "{document}");
    }
}

#[test]
fn reminders_are_set_for_the_wall_clock() {
    // The clocks in Berlin go forward in the night to 28 March 2027.
    let document = |trigger: &str| {
        json!({ "title": "x", "due": { "local": "2027-03-28T09:00:00", "tz": "Europe/Berlin" },
            "reminders": [{ "trigger": trigger }] })
    };
    for (trigger, fires) in [
        ("PT0S", "2027-03-28T07:00:00Z"),
        ("-PT30M", "2027-03-28T06:30:00Z"),
        // A day before is the same wall time the day before; 24 hours before are 24 hours.
        ("-P1D", "2027-03-27T08:00:00Z"),
        ("-PT24H", "2027-03-27T07:00:00Z"),
        ("-P1W", "2027-03-21T08:00:00Z"),
        ("+P1DT1H", "2027-03-29T08:00:00Z"),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ] {
        let (commit, ..) = create(&mut Counting::default(), &document(trigger)).unwrap();
        assert_eq!(commit.alarms.first().unwrap().fire_at.to_string(), fires, "{trigger}");
    }
}

#[test]
fn a_reminder_whose_time_has_long_passed_is_missed_at_once() {
    let document = json!({ "title": "x", "due": { "local": "2026-11-21T12:05:00", "tz": "UTC" },
        "reminders": [{ "trigger": "-PT10M" }, { "trigger": "PT0S" }] });
    let (commit, ..) = create(&mut Counting::default(), &document).unwrap();
    let states: Vec<AlarmState> = commit.alarms.iter().map(|alarm| alarm.state).collect();
    assert_eq!(states, [AlarmState::Missed, AlarmState::Armed]);
}

fn weekly() -> Value {
    json!({ "title": "Bins", "due": { "local": "2026-11-23T07:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=WEEKLY" }, "reminders": [{ "trigger": "-PT30M" }] })
}

fn patched(document: &Value, change: Value) -> Value {
    let mut patched = document.clone();
    let members = patched.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    patched
}

#[test]
fn a_change_of_words_leaves_the_occurrence_and_its_alarms_alone() {
    let mut ids = Counting::default();
    let (_, task, open) = create(&mut ids, &weekly()).unwrap();
    let change = input(&patched(&weekly(), json!({ "title": "Bins!", "priority": "high" })));
    let (commit, after, still) =
        update_task(&mut context(&mut ids), &task, std::slice::from_ref(&open), None, &[], &change).unwrap();
    assert_eq!((after.version, still), (2, Some(open)));
    assert!(commit.occurrences.is_empty());
    assert_eq!(after.spec.reminders, task.spec.reminders);
}

#[test]
fn a_new_rule_replaces_what_is_open_and_nothing_that_is_done() {
    let mut ids = Counting::default();
    let (_, task, first) = create(&mut ids, &weekly()).unwrap();
    let Completion::Closes(_, closed) =
        complete(&mut context(&mut ids), &task, &first, std::slice::from_ref(&first), false)
    else {
        panic!("was open")
    };
    let open = Occurrence {
        recurrence_id: perennial_domain::RecurrenceId::from_text("2026-11-30T07:00:00[Europe/Berlin]"),
        predecessor: Some(closed.recurrence_id.clone()),
        ordinal: 2,
        ..first
    };
    let closed = Occurrence { succession: Succession::Planned, ..*closed };
    let change = input(&patched(&weekly(), json!({ "recurrence": { "rrule": "FREQ=DAILY" } })));
    let (commit, _, now_open) =
        update_task(&mut context(&mut ids), &task, std::slice::from_ref(&open), Some(&closed), &[], &change)
            .unwrap();
    let now_open = now_open.unwrap();
    assert_eq!(now_open.recurrence_id.as_str(), "2026-11-24T07:00:00[Europe/Berlin]");
    assert_eq!(now_open.predecessor, Some(closed.recurrence_id));
    let written: Vec<_> =
        commit.occurrences.iter().map(|row| (row.recurrence_id.as_str(), row.status)).collect();
    assert_eq!(
        written,
        [
            ("2026-11-30T07:00:00[Europe/Berlin]", OccurrenceStatus::Cancelled),
            ("2026-11-24T07:00:00[Europe/Berlin]", OccurrenceStatus::Open),
        ]
    );
    // The alarm of what was replaced is cancelled, and the new one has an alarm of its own.
    let states: Vec<AlarmState> = commit.alarms.iter().map(|alarm| alarm.state).collect();
    assert_eq!(states, [AlarmState::Cancelled, AlarmState::Armed]);
}

#[test]
fn a_rule_changed_before_the_successor_was_planned_plans_it() {
    let mut ids = Counting::default();
    let (_, task, first) = create(&mut ids, &weekly()).unwrap();
    let Completion::Closes(_, closed) =
        complete(&mut context(&mut ids), &task, &first, std::slice::from_ref(&first), false)
    else {
        panic!("was open")
    };
    let change = input(&patched(&weekly(), json!({ "recurrence": { "rrule": "FREQ=DAILY" } })));
    let (commit, _, _) =
        update_task(&mut context(&mut ids), &task, &[], Some(&closed), &[], &change).unwrap();
    let succession: Vec<_> = commit.occurrences.iter().map(|row| (row.status, row.succession)).collect();
    assert_eq!(
        succession,
        [(OccurrenceStatus::Done, Succession::Planned), (OccurrenceStatus::Open, Succession::None)]
    );
}

#[test]
fn a_single_task_is_done_when_it_is_completed_and_its_due_date_is_history() {
    let mut ids = Counting::default();
    let document = json!({ "title": "x", "due": { "local": "2026-11-23" } });
    let (_, task, only) = create(&mut ids, &document).unwrap();
    let Completion::Closes(commit, closed) = complete(&mut context(&mut ids), &task, &only, &[], false)
    else {
        panic!("was open")
    };
    assert_eq!(commit.tasks.first().unwrap().status, TaskStatus::Done);
    assert_eq!(complete(&mut context(&mut ids), &task, &closed, &[], false), Completion::AlreadyClosed);
    let done = Task { status: TaskStatus::Done, ..task };
    let change = input(&json!({ "title": "x", "due": { "local": "2026-11-24" } }));
    let refused = update_task(&mut context(&mut ids), &done, &[], Some(&closed), &[], &change).unwrap_err();
    assert_eq!(refused.errors.first().unwrap().pointer, "/due");
}

#[test]
fn a_deleted_task_reminds_no_more() {
    let mut ids = Counting::default();
    let (_, task, open) = create(&mut ids, &weekly()).unwrap();
    let commit = delete_task(&mut context(&mut ids), &task, &[open]);
    assert!(
        commit.alarms.iter().all(|alarm| alarm.state == AlarmState::Cancelled) && !commit.alarms.is_empty()
    );
    assert_eq!(commit.occurrences.first().unwrap().status, OccurrenceStatus::Cancelled);
}
