//! How series go on, stop, and go on again.

use crate::world::{DAY, HOUR, World, world};
use perennial_domain::{EventType, Plan, Succession, TaskStatus};
use serde_json::{Value, json};

/// Every day at nine, UTC, from the day after noon of the 21st on.
fn daily(recurrence: &Value) -> Value {
    let mut document = json!({ "title": "Walk", "due": { "local": "2026-11-22T09:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY" } });
    for (name, value) in recurrence.as_object().unwrap() {
        document["recurrence"][name] = value.clone();
    }
    document
}

fn at(day: u32) -> String {
    format!("2026-11-{day}T09:00:00[UTC]")
}

fn close_all(world: &mut World) {
    while let Some(name) = world.open().first().cloned() {
        world.complete(&name).unwrap();
        world.sweep();
    }
}

#[test]
fn a_series_that_stacks_goes_on_when_there_is_room_again() {
    for close in ["complete", "cancel"] {
        let mut world = world(&daily(&json!({ "overlap": "stack" })));
        world.wait(200 * DAY);
        world.sweep();
        assert_eq!(world.open().len(), 100, "it waits at its cap");
        for name in world.open().into_iter().take(60) {
            match close {
                "complete" => assert!(world.complete(&name).unwrap()),
                _ => world.change(&json!({ "recurrence_id": name, "cancelled": true })).unwrap(),
            }
        }
        world.sweep();
        assert_eq!(world.open().len(), 100, "{close}: sixty more");
        let newest = world.open().pop().unwrap();
        assert!(world.complete(&newest).unwrap());
        world.sweep();
        assert_eq!(world.open().len(), 100, "{close}: one more");
    }
}

#[test]
fn a_stack_counts_a_reopened_occurrence() {
    let mut world = world(&daily(&json!({ "overlap": "stack" })));
    world.wait(200 * DAY);
    world.sweep();
    let first = world.open()[0].clone();
    world.complete(&first).unwrap();
    world.reopen(&first).unwrap();
    assert!(matches!(world.plan(&world.open()[99].clone()).unwrap(), Plan::WaitsForRoom(_)));
    world.sweep();
    assert_eq!(world.open().len(), 100);
    world.complete(&first).unwrap();
    world.sweep();
    let wrong = world.reopen(&first).unwrap_err();
    assert!(wrong.errors[0].detail.contains("100"), "{wrong}");
}

#[test]
fn a_new_time_of_day_does_not_bring_back_a_day_that_is_done() {
    for (recurrence, due, open) in [
        (json!({}), "2026-11-22T18:00:00", vec!["2026-11-23T18:00:00[UTC]"]),
        (json!({}), "2026-11-22T07:00:00", vec!["2026-11-23T07:00:00[UTC]"]),
        (json!({ "rrule": "FREQ=DAILY;COUNT=2" }), "2026-11-22T18:00:00", vec!["2026-11-23T18:00:00[UTC]"]),
        // The last day is done: there is nothing beyond COUNT.
        (json!({ "rrule": "FREQ=DAILY;COUNT=1" }), "2026-11-22T18:00:00", vec![]),
    ] {
        for planned in [true, false] {
            let mut world = world(&daily(&recurrence));
            world.complete(&at(22)).unwrap();
            if planned {
                world.sweep();
            }
            world.patch(&json!({ "due": { "local": due, "tz": "UTC" } })).unwrap();
            assert_eq!(world.open(), open, "{recurrence} {due} {planned}");
            let status = if open.is_empty() { TaskStatus::Done } else { TaskStatus::Open };
            assert_eq!(world.the_task().status, status);
        }
    }
    // Of several on one day, those that are later than the one done are still to come.
    let mut world = world(&daily(&json!({ "rrule": "FREQ=DAILY;BYHOUR=9,17" })));
    world.complete(&at(22)).unwrap();
    world.sweep();
    world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY;BYHOUR=9,19" } })).unwrap();
    assert_eq!(world.open(), ["2026-11-22T19:00:00[UTC]"]);
}

#[test]
fn a_series_counted_from_completion_never_gives_out_a_name_twice() {
    let mut world = world(&daily(&json!({ "anchor": "completion" })));
    // Done days ahead of their dates: what follows is counted from today, and meets what is done.
    for day in [22, 23, 24] {
        assert_eq!(world.open(), [at(day)]);
        world.complete(&at(day)).unwrap();
        world.sweep();
    }
    world
        .patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY;INTERVAL=1", "anchor": "completion" } }))
        .unwrap();
    assert_eq!(world.open(), [at(25)]);
    let (task, open) =
        world.patch(&json!({ "due": { "local": "2026-11-20T09:00:00", "tz": "UTC" } })).unwrap();
    assert_eq!((task.status, open.unwrap().recurrence_id.as_str().to_owned()), (TaskStatus::Open, at(25)));
    world.change(&json!({ "recurrence_id": at(25), "cancelled": true })).unwrap();
    world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY", "anchor": "completion" } })).unwrap();
    assert_eq!(world.open(), [at(26)]);
}

#[test]
fn a_series_that_has_ended_can_be_extended() {
    let mut world = world(&daily(&json!({ "rrule": "FREQ=DAILY;COUNT=2" })));
    close_all(&mut world);
    assert_eq!(
        (world.the_task().status, world.row(&at(23)).succession),
        (TaskStatus::Done, Succession::Ended)
    );
    // Nothing follows: it stays done.
    let (task, open) =
        world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY;UNTIL=20261123T235959Z" } })).unwrap();
    assert_eq!((task.status, open), (TaskStatus::Done, None));
    assert_eq!(world.row(&at(23)).succession, Succession::Ended);
    let (task, _) = world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY;COUNT=3" } })).unwrap();
    assert_eq!((task.status, task.completed_at), (TaskStatus::Open, None));
    assert_eq!((world.open(), world.row(&at(23)).succession), (vec![at(24)], Succession::Planned));
    world.complete(&at(24)).unwrap();
    world.sweep();
    assert_eq!(world.the_task().status, TaskStatus::Done);
}

#[test]
fn a_series_ends_whatever_closes_its_last() {
    for cancel in [false, true] {
        let mut world = world(&daily(&json!({ "rrule": "FREQ=DAILY;COUNT=2", "overlap": "stack" })));
        world.wait(5 * DAY);
        world.sweep();
        assert_eq!(world.row(&at(23)).succession, Succession::Ended);
        world.complete(&at(23)).unwrap();
        assert_eq!(world.the_task().status, TaskStatus::Open);
        if cancel {
            world.change(&json!({ "recurrence_id": at(22), "cancelled": true })).unwrap();
        } else {
            world.complete(&at(22)).unwrap();
        }
        assert_eq!(world.the_task().status, TaskStatus::Done, "cancelled: {cancel}");
        assert!(world.last.unwrap().events.iter().any(|event| event.kind == EventType::SeriesEnded));
    }
}

#[test]
fn any_number_of_cancelled_dates_is_passed_over() {
    let mut world = world(&daily(&json!({})));
    for day in 1..=500 {
        let date = chrono_day(day);
        world.change(&json!({ "recurrence_id": date, "cancelled": true })).unwrap();
    }
    world.complete(&at(22)).unwrap();
    world.sweep();
    assert_eq!(world.open(), [chrono_day(501)]);
}

/// The occurrence so many days after the first.
fn chrono_day(days: i64) -> String {
    let at = crate::world::NOON.plus_millis(21 * HOUR + days * DAY).to_string();
    format!("{}[UTC]", at.trim_end_matches('Z'))
}

#[test]
fn what_was_missed_is_treated_as_the_policy_says_beside_cancelled_dates() {
    for (policy, open) in [
        (json!({ "misfire": "all" }), at(23)),
        (json!({ "misfire": "once" }), at(25)),
        (json!({ "misfire": "skip" }), at(28)),
        (json!({ "overlap": "skip" }), at(28)),
    ] {
        let mut world = world(&daily(&policy));
        for day in [26, 27] {
            world.change(&json!({ "recurrence_id": at(day), "cancelled": true })).unwrap();
        }
        world.wait(5 * DAY);
        world.complete(&at(22)).unwrap();
        world.sweep();
        assert_eq!(world.open(), [open], "{policy}");
    }
}

#[test]
fn what_is_open_cannot_be_left_without_a_date() {
    let mut world = world(&daily(&json!({})));
    world.complete(&at(22)).unwrap();
    world.sweep();
    let wrong = world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY;COUNT=1" } })).unwrap_err();
    assert_eq!(wrong.errors[0].pointer, "/recurrence/rrule");
    assert_eq!(world.open(), [at(23)]);
}

#[test]
fn policies_alone_replace_nothing() {
    let mut world = world(&daily(&json!({ "overlap": "stack" })));
    world.wait(2 * DAY);
    world.sweep();
    assert_eq!(world.open(), [at(22), at(23), at(24)]);
    world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY", "overlap": "wait" } })).unwrap();
    world.wait(5 * DAY);
    world.sweep();
    assert_eq!(world.open(), [at(22), at(23), at(24)]);
    world.patch(&json!({ "recurrence": { "rrule": "FREQ=DAILY", "overlap": "stack" } })).unwrap();
    world.sweep();
    assert_eq!(world.open().len(), 8);
}

#[test]
fn the_old_part_of_a_split_series_ends_when_what_is_left_of_it_is_closed() {
    let mut world = world(&daily(&json!({ "overlap": "stack" })));
    world.wait(3 * DAY);
    world.sweep();
    let old = world.split(&at(24)).unwrap();
    assert_eq!(world.open(), [at(24)]);
    world.task = old;
    assert_eq!(world.open(), [at(22), at(23)]);
    world.complete(&at(23)).unwrap();
    world.complete(&at(22)).unwrap();
    assert_eq!(world.the_task().status, TaskStatus::Done);
}

#[test]
fn what_is_owed_no_longer_is_not_planned_and_what_cannot_follow_ends() {
    let mut world = world(&daily(&json!({ "overlap": "stack" })));
    assert_eq!(world.plan(&at(22)).unwrap(), Plan::NotOwed, "it is not due yet");
    assert_eq!(world.plan("nothing").unwrap(), Plan::NotOwed);
    world.complete(&at(22)).unwrap();
    assert!(matches!(world.plan(&at(22)).unwrap(), Plan::Opens(..)));
    assert_eq!(world.plan(&at(22)).unwrap(), Plan::NotOwed, "another was faster");
    // A row of another build that owes a successor to a task that does not recur.
    world.patch(&json!({ "recurrence": null })).unwrap();
    world.occurrences.get_mut(&(world.task, at(22))).unwrap().succession = Succession::Pending;
    assert!(matches!(world.plan(&at(22)).unwrap(), Plan::Ends(_)));
    assert_eq!((world.open(), world.the_task().status), (vec![String::new()], TaskStatus::Open));
}

#[test]
fn what_follows_is_found_however_far_the_start_lies_back() {
    for (policy, open) in [
        (json!({ "misfire": "once" }), "2026-11-21T01:59:00[UTC]"),
        (json!({ "misfire": "skip" }), "2026-11-22T01:00:00[UTC]"),
        (json!({ "overlap": "skip" }), "2026-11-22T01:00:00[UTC]"),
    ] {
        let mut document = daily(&policy);
        document["due"]["local"] = json!("1970-01-01T01:00:00");
        document["recurrence"]["rrule"] = json!("FREQ=MINUTELY;COUNT=2000000000;BYHOUR=1");
        let mut world = world(&document);
        world.complete("1970-01-01T01:00:00[UTC]").unwrap();
        world.sweep();
        assert_eq!(world.open(), [open], "{policy}");
    }
}
