//! What a task is made of, and what is wrong with it.

use perennial_domain::{
    Actor, AlarmState, Commit, Context, Ids, Invalid, Occurrence, Task, TaskInput, Timestamp, UserId,
    create_task,
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
