//! When an alarm is armed, moved, cancelled or left alone.

use crate::world::{DAY, HOUR, MINUTE, World, world};
use perennial_domain::AlarmState::{self, Armed, Cancelled, Fired, Missed};
use serde_json::{Value, json};

const SUN: &str = "2026-11-22T09:00:00[UTC]";

/// Every day at nine, UTC, from the day after noon of the 21st on; reminders at ten minutes before and at the time.
fn daily() -> Value {
    json!({ "title": "Walk", "due": { "local": "2026-11-22T09:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY", "overlap": "stack" },
        "reminders": [{ "trigger": "-PT10M" }, { "trigger": "PT0S" }] })
}

/// Times and states of an occurrence's alarms, earliest first.
fn alarms(world: &World, name: &str) -> Vec<(String, AlarmState)> {
    let mut rows: Vec<_> = world.alarms.values().filter(|row| row.recurrence_id.as_str() == name).collect();
    rows.sort_by_key(|row| row.fire_at);
    rows.iter().map(|row| (row.fire_at.to_string()[5..16].to_owned(), row.state)).collect()
}

fn expected(rows: &[(&str, AlarmState)]) -> Vec<(String, AlarmState)> {
    rows.iter().map(|(at, state)| ((*at).to_owned(), *state)).collect()
}

#[test]
fn an_occurrence_that_is_rescheduled_after_its_reminder_fired_reminds_again() {
    let mut world = world(&daily());
    world.wait(21 * HOUR);
    assert_eq!(world.fire().len(), 2);
    world
        .change(&json!({ "recurrence_id": SUN, "due": { "local": "2026-11-22T12:00:00", "tz": "UTC" } }))
        .unwrap();
    assert_eq!(alarms(&world, SUN), expected(&[("11-22T11:50", Armed), ("11-22T12:00", Armed)]));
    world.wait(3 * HOUR);
    assert_eq!(world.fire().len(), 2);
    // A title moves nothing.
    world.change(&json!({ "recurrence_id": SUN, "title": "Run", "due": { "local": "2026-11-22T12:00:00", "tz": "UTC" } })).unwrap();
    assert_eq!(alarms(&world, SUN), expected(&[("11-22T11:50", Fired), ("11-22T12:00", Fired)]));
    assert!(world.last.unwrap().alarms.is_empty());
}

#[test]
fn a_due_date_that_is_patched_moves_the_alarms_and_keeps_the_reminders() {
    let document = json!({ "title": "x", "due": { "local": "2026-11-22T09:00:00", "tz": "UTC" },
        "reminders": [{ "trigger": "PT0S" }] });
    let mut world = world(&document);
    let reminders = world.the_task().spec.reminders;
    world.wait(21 * HOUR);
    world.fire();
    let (task, _) = world.patch(&json!({ "due": { "local": "2026-11-22T10:00:00", "tz": "UTC" } })).unwrap();
    assert_eq!(task.spec.reminders, reminders);
    assert_eq!(alarms(&world, ""), expected(&[("11-22T10:00", Armed)]));
}

#[test]
fn a_due_reminder_is_not_missed_because_the_title_changes() {
    let mut world = world(&daily());
    // Nothing has fired yet, though it is an hour late.
    world.wait(22 * HOUR);
    world.patch(&json!({ "title": "Run" })).unwrap();
    assert_eq!(alarms(&world, SUN), expected(&[("11-22T08:50", Armed), ("11-22T09:00", Armed)]));
    assert_eq!(world.fire().len(), 2);
}

#[test]
fn a_reminder_that_is_added_is_armed_for_every_open_occurrence_and_one_removed_for_none() {
    let mut world = world(&daily());
    world.wait(2 * DAY);
    world.fire();
    world.sweep();
    let names = world.open();
    assert_eq!(names.len(), 3, "{names:?}");
    let kept =
        serde_json::to_value(perennial_domain::TaskInput::from(&world.the_task().spec)).unwrap()["reminders"]
            [1]
        .clone();
    world.patch(&json!({ "reminders": [kept, { "trigger": "PT4H" }] })).unwrap();
    // It is noon of the 23rd: four hours after nine are still to come today, and the one of yesterday is long past.
    assert_eq!(
        alarms(&world, &names[0]),
        expected(&[("11-22T08:50", Fired), ("11-22T09:00", Fired), ("11-22T13:00", Missed)])
    );
    assert_eq!(alarms(&world, &names[1])[2], ("11-23T13:00".to_owned(), Armed));
    assert_eq!(
        alarms(&world, &names[2]),
        expected(&[("11-24T08:50", Cancelled), ("11-24T09:00", Armed), ("11-24T13:00", Armed)])
    );
}

#[test]
fn what_is_closed_reminds_no_more_until_it_is_reopened() {
    let mut world = world(&daily());
    world.complete(SUN).unwrap();
    assert_eq!(alarms(&world, SUN), expected(&[("11-22T08:50", Cancelled), ("11-22T09:00", Cancelled)]));
    // Half a minute after the first of its times.
    world.wait(20 * HOUR + 50 * MINUTE + MINUTE / 2);
    world.reopen(SUN).unwrap();
    assert_eq!(alarms(&world, SUN), expected(&[("11-22T08:50", Armed), ("11-22T09:00", Armed)]));
    assert_eq!(world.fire().len(), 1);
    world.complete(SUN).unwrap();
    world.wait(DAY);
    world.reopen(SUN).unwrap();
    assert_eq!(alarms(&world, SUN), expected(&[("11-22T08:50", Fired), ("11-22T09:00", Missed)]));
}

#[test]
fn a_completion_that_meets_a_reminder_firing_is_decided_anew() {
    let mut world = world(&daily());
    world.wait(21 * HOUR);
    let state = world.state(SUN);
    world.fire();
    let done = world.decide(|ctx| perennial_domain::complete(ctx, &state)).unwrap();
    let perennial_domain::Completion::Closes(commit, _) = done else { panic!("was open") };
    assert_eq!(world.apply(&commit).unwrap_err(), "expect:alarm");
    assert!(world.complete(SUN).unwrap());
    assert_eq!(alarms(&world, SUN), expected(&[("11-22T08:50", Fired), ("11-22T09:00", Fired)]));
}

/// Neither a completion nor a change that takes the reminder away passes over that it was put off meanwhile.
#[test]
fn what_closes_an_occurrence_sees_that_its_reminder_was_put_off() {
    for fires in [false, true] {
        let mut world = world(&daily());
        world.wait(21 * HOUR);
        if fires {
            world.fire();
        }
        let state = world.state(SUN);
        let reminder = state.alarms.iter().map(|alarm| alarm.reminder).next().unwrap();
        let input = json!({ "recurrence_id": SUN, "reminder": reminder, "for": "PT1H" });
        let (snoozed, _) = world
            .decide(|ctx| {
                perennial_domain::snooze(ctx, &state, &serde_json::from_value(input.clone()).unwrap())
            })
            .unwrap();
        world.apply(&snoozed).unwrap();
        let done = world.decide(|ctx| perennial_domain::complete(ctx, &state)).unwrap();
        let perennial_domain::Completion::Closes(commit, _) = done else { panic!("was open") };
        assert_eq!(world.apply(&commit).unwrap_err(), "expect:alarm", "{fires}");
        let mut without = perennial_domain::TaskInput::from(&state.task.spec);
        without.reminders.clear();
        let (commit, ..) = world.decide(|ctx| perennial_domain::update_task(ctx, &state, &without)).unwrap();
        assert_eq!(world.apply(&commit).unwrap_err(), "expect:alarm", "{fires}");
        assert!(world.complete(SUN).unwrap());
        assert!(
            world
                .alarms
                .values()
                .filter(|alarm| alarm.recurrence_id.as_str() == SUN)
                .all(|alarm| alarm.state != Armed)
        );
    }
}

#[test]
fn a_reminder_firing_does_not_stand_in_the_way_of_what_does_not_depend_on_it() {
    let mut world = world(&daily());
    world.wait(21 * HOUR);
    let state = world.state(SUN);
    world.fire();
    let later = serde_json::from_value(
        json!({ "recurrence_id": SUN, "due": { "local": "2026-11-22T12:00:00", "tz": "UTC" } }),
    );
    let (commit, _) =
        world.decide(|ctx| perennial_domain::override_occurrence(ctx, &state, &later.unwrap())).unwrap();
    world.apply(&commit).unwrap();
    let state = world.state("");
    world.wait(3 * HOUR);
    world.fire();
    let commit = world.decide(|ctx| perennial_domain::delete_task(ctx, &state));
    world.apply(&commit).unwrap();
}

#[test]
fn a_name_that_is_used_again_does_not_fire_again_for_the_same_time() {
    let mut world = world(&daily());
    world.wait(21 * HOUR);
    assert_eq!(world.fire().len(), 2);
    let at = |hour: u32| json!({ "due": { "local": format!("2026-11-22T{hour:02}:00:00"), "tz": "UTC" } });
    world.patch(&at(12)).unwrap();
    world.patch(&at(9)).unwrap();
    assert_eq!(world.open(), [SUN]);
    let commit = world.last.as_ref().unwrap();
    let armed = commit.alarms.iter().filter(|row| row.recurrence_id.as_str() == SUN && row.state == Armed);
    assert_eq!(armed.count(), 0, "nor is that left to the store");
    assert_eq!(world.fire(), []);
    assert_eq!(world.refused, [], "nor was it tried");
}

#[test]
fn a_move_there_and_back_does_not_remind_twice_of_one_time() {
    let at = |hour: u32| json!({ "local": format!("2026-11-22T{hour:02}:00:00"), "tz": "UTC" });
    for seconds in [20, 90] {
        let mut world = world(&daily());
        world.wait(21 * HOUR);
        assert_eq!(world.fire().len(), 2);
        world.wait(seconds * 1_000);
        for hour in [12, 9] {
            world.change(&json!({ "recurrence_id": SUN, "due": at(hour) })).unwrap();
        }
        assert_eq!(alarms(&world, SUN), expected(&[("11-22T08:50", Fired), ("11-22T09:00", Fired)]));
        assert_eq!((world.fire(), &world.refused), (vec![], &vec![]), "nor is it tried");
        // Another time is another reminder.
        world.change(&json!({ "recurrence_id": SUN, "due": at(12) })).unwrap();
        world.wait(3 * HOUR);
        assert_eq!(world.fire().len(), 2);
    }
}

#[test]
fn a_single_task_is_notified_of_under_no_recurrence_id() {
    let document = json!({ "title": "x", "due": { "local": "2026-11-22T09:00:00", "tz": "UTC" },
        "reminders": [{ "trigger": "PT0S" }] });
    for (document, id) in [(document, Value::Null), (daily(), json!(SUN))] {
        let mut world = world(&document);
        world.wait(21 * HOUR);
        world.fire();
        let commit = world.last.unwrap();
        assert_eq!(commit.notifications[0].payload["data"]["recurrence_id"], id);
        assert!(commit.events[0].data["recurrence_id"].is_string());
    }
}
