//! What commands on tasks decide.

use crate::world::{DAY, HOUR, world};
use perennial_domain::{OccurrenceStatus, Succession, TaskStatus};
use serde_json::{Value, json};

const MON: &str = "2026-11-23T07:00:00[Europe/Berlin]";

fn weekly() -> Value {
    json!({ "title": "Bins", "due": { "local": "2026-11-23T07:00:00", "tz": "Europe/Berlin" },
        "recurrence": { "rrule": "FREQ=WEEKLY" }, "reminders": [{ "trigger": "-PT30M" }] })
}

fn single() -> Value {
    json!({ "title": "x", "due": { "local": "2026-11-23T07:00:00", "tz": "UTC" }, "reminders": [{ "trigger": "PT0S" }] })
}

#[test]
fn a_change_of_words_leaves_the_occurrence_and_its_reminders_alone() {
    let mut world = world(&weekly());
    let before = (world.row(MON), world.the_task().spec.reminders);
    let (task, open) = world.patch(&json!({ "title": "Bins!", "priority": "high" })).unwrap();
    assert_eq!((task.version, open, task.spec.reminders), (2, Some(before.0), before.1));
    let commit = world.last.unwrap();
    assert!(commit.occurrences.is_empty() && commit.alarms.is_empty(), "{commit:?}");
}

#[test]
fn a_new_rule_replaces_what_is_open_and_nothing_that_is_done() {
    let mut world = world(&weekly());
    world.complete(MON).unwrap();
    world.sweep();
    assert_eq!(world.open(), ["2026-11-30T07:00:00[Europe/Berlin]"]);
    let (_, open) = world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY" } })).unwrap();
    let open = open.unwrap();
    assert_eq!(open.recurrence_id.as_str(), "2026-11-24T07:00:00[Europe/Berlin]");
    assert_eq!((open.ordinal, open.predecessor.unwrap().as_str()), (2, MON));
    assert_eq!(world.row(MON).status, OccurrenceStatus::Done);
    assert_eq!(world.row("2026-11-30T07:00:00[Europe/Berlin]").status, OccurrenceStatus::Cancelled);
}

#[test]
fn a_rule_changed_before_the_successor_was_planned_plans_it() {
    let mut world = world(&weekly());
    world.complete(MON).unwrap();
    world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY" } })).unwrap();
    assert_eq!(world.row(MON).succession, Succession::Planned);
    assert_eq!(world.open(), ["2026-11-24T07:00:00[Europe/Berlin]"]);
    world.sweep();
    assert_eq!(world.open().len(), 1);
}

#[test]
fn completing_twice_closes_once_and_what_is_cancelled_cannot_be_completed() {
    let mut world = world(&weekly());
    assert!(world.complete(MON).unwrap());
    assert!(!world.complete(MON).unwrap());
    world.sweep();
    world
        .change(&json!({ "recurrence_id": "2026-11-30T07:00:00[Europe/Berlin]", "cancelled": true }))
        .unwrap();
    let wrong = world.complete("2026-11-30T07:00:00[Europe/Berlin]").unwrap_err();
    assert_eq!(wrong.errors[0].pointer, "/recurrence_id");
    assert!(wrong.errors[0].detail.contains("is cancelled and cannot be completed"), "{wrong}");
    let wrong = world.complete("2026-11-24T07:00:00[Europe/Berlin]").unwrap_err();
    assert!(wrong.errors[0].detail.contains("is no occurrence of this task"), "{wrong}");
}

#[test]
fn of_two_commands_decided_on_one_state_the_second_is_decided_anew() {
    let mut world = world(&weekly());
    let state = world.state(MON);
    let completed = world.decide(|ctx| perennial_domain::complete(ctx, &state)).unwrap();
    let perennial_domain::Completion::Closes(second, _) = completed else { panic!("was open") };
    world.complete(MON).unwrap();
    assert_eq!(world.apply(&second).unwrap_err(), "expect:task");
    let state = world.state(MON);
    let reopened = world.decide(|ctx| perennial_domain::reopen(ctx, &state)).unwrap();
    let perennial_domain::Reopening::Opens(second, _) = reopened else { panic!("was done") };
    world.sweep();
    assert_eq!(world.apply(&second).unwrap_err(), "expect:task");
    assert_eq!(world.open(), ["2026-11-30T07:00:00[Europe/Berlin]"]);
}

#[test]
fn a_single_task_is_done_when_it_is_completed_and_keeps_a_due_date_that_is_changed_afterwards() {
    let mut world = world(&single());
    world.complete("").unwrap();
    assert_eq!(world.the_task().status, TaskStatus::Done);
    let (task, open) =
        world.patch(&json!({ "due": { "local": "2026-11-24T08:00:00", "tz": "UTC" } })).unwrap();
    assert_eq!((task.status, open), (TaskStatus::Done, None));
    assert_eq!(task.spec.due.unwrap().local(), "2026-11-24T08:00:00");
    // Reopened, it is due when the task says.
    assert!(world.reopen("").unwrap());
    assert_eq!(world.row("").due_at.unwrap().to_string(), "2026-11-24T08:00:00Z");
    assert_eq!((world.the_task().status, world.the_task().completed_at), (TaskStatus::Open, None));
}

#[test]
fn a_single_task_that_is_done_comes_back_when_it_gets_a_recurrence() {
    for (rrule, due, open) in [
        // The day done is not done again, at whatever time.
        ("FREQ=DAILY", "2026-11-23T07:00:00", "2026-11-24T07:00:00[UTC]"),
        ("FREQ=DAILY", "2026-11-23T19:00:00", "2026-11-24T19:00:00[UTC]"),
        ("FREQ=DAILY;BYHOUR=7,19", "2026-11-23T07:00:00", "2026-11-23T19:00:00[UTC]"),
        ("FREQ=DAILY", "2026-11-22T07:00:00", "2026-11-22T07:00:00[UTC]"),
    ] {
        let mut world = world(&single());
        world.complete("").unwrap();
        let change = json!({ "due": { "local": due, "tz": "UTC" }, "recurrence": { "rrule": rrule } });
        let (task, _) = world.patch(&change).unwrap();
        assert_eq!((task.status, task.completed_at), (TaskStatus::Open, None), "{rrule}");
        assert_eq!(world.open(), [open], "{rrule} {due}");
        world.complete(open).unwrap();
        world.sweep();
        assert_eq!(world.the_task().status, TaskStatus::Open);
        assert_eq!(world.open().len(), 1);
    }
    // Where nothing follows, it stays done.
    let mut world = world(&single());
    world.complete("").unwrap();
    let (task, open) = world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY;COUNT=1" } })).unwrap();
    assert_eq!((task.status, open), (TaskStatus::Done, None));
}

#[test]
fn a_task_that_was_done_before_it_recurred_can_stop_recurring() {
    let mut world = world(&single());
    world.complete("").unwrap();
    world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY" } })).unwrap();
    world
        .patch(&json!({ "recurrence": null, "due": { "local": "2026-11-25T07:00:00", "tz": "UTC" } }))
        .unwrap();
    assert_eq!(world.open(), [""]);
    assert_eq!(world.row("").due_at.unwrap().to_string(), "2026-11-25T07:00:00Z");
    world.complete("").unwrap();
    assert_eq!(world.the_task().status, TaskStatus::Done);
}

#[test]
fn a_completion_can_be_taken_back_before_and_after_its_successor_is_there() {
    let mut world = world(&weekly());
    world.complete(MON).unwrap();
    assert!(world.reopen(MON).unwrap());
    assert!(!world.reopen(MON).unwrap());
    assert_eq!((world.row(MON).succession, world.open()), (Succession::None, vec![MON.to_owned()]));
    world.sweep();
    assert_eq!(world.open().len(), 1);
    world.complete(MON).unwrap();
    world.sweep();
    world.reopen(MON).unwrap();
    assert_eq!(world.open().len(), 2);
    world.complete(MON).unwrap();
    world.sweep();
    assert_eq!(world.open(), ["2026-11-30T07:00:00[Europe/Berlin]"]);
    assert_eq!(world.the_task().status, TaskStatus::Open);
}

#[test]
fn the_last_of_a_series_can_be_reopened_and_closed_again() {
    let mut document = weekly();
    document["recurrence"]["rrule"] = json!("FREQ=WEEKLY;COUNT=1");
    let mut world = world(&document);
    world.complete(MON).unwrap();
    world.sweep();
    assert_eq!(world.the_task().status, TaskStatus::Done);
    world.reopen(MON).unwrap();
    assert_eq!(world.the_task().status, TaskStatus::Open);
    world.complete(MON).unwrap();
    assert_eq!(world.the_task().status, TaskStatus::Done);
    let wrong = world.reopen("nothing").unwrap_err();
    assert_eq!(wrong.errors[0].pointer, "/recurrence_id");
}

#[test]
fn a_deleted_task_owes_nothing() {
    let mut stack = weekly();
    stack["recurrence"]["overlap"] = json!("stack");
    for (document, complete) in [(weekly(), false), (weekly(), true), (stack.clone(), false), (stack, true)] {
        let mut world = world(&document);
        world.wait(3 * DAY - HOUR);
        world.fire();
        if complete {
            world.complete(MON).unwrap();
        }
        let owed = |world: &crate::world::World| {
            let rows = world.rows().into_iter();
            rows.filter(|o| matches!(o.succession, Succession::Pending | Succession::Due)).count()
        };
        let (open, owes) = (world.open(), owed(&world));
        world.delete();
        assert_eq!(owed(&world), 0);
        assert_eq!(world.plan(MON).unwrap(), perennial_domain::Plan::NotOwed);
        world.restore().unwrap();
        if open.is_empty() {
            assert_eq!(world.open().len(), 1, "what was owed is open at once");
        } else {
            assert_eq!((world.open(), owed(&world)), (open, owes), "all is as it was");
        }
    }
}
