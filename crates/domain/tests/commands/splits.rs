//! "This and following", at an occurrence that is open, done or still to come.

use crate::world::{DAY, World, world};
use perennial_domain::{EventType, OccurrenceStatus, TaskId, TaskStatus};
use serde_json::{Value, json};

/// Every day at nine, UTC, from the day after noon of the 21st on.
fn daily(recurrence: &Value) -> World {
    let mut document = json!({ "title": "Walk", "due": { "local": "2026-11-22T09:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY" } });
    for (name, value) in recurrence.as_object().unwrap() {
        document["recurrence"][name] = value.clone();
    }
    world(&document)
}

fn at(day: u32) -> String {
    format!("2026-11-{day}T09:00:00[UTC]")
}

fn complete(world: &mut World, days: impl IntoIterator<Item = u32>) {
    for day in days {
        world.complete(&at(day)).unwrap();
        world.sweep();
    }
}

/// The task as it is, looked at from another one.
fn of(world: &World, task: TaskId) -> World {
    World { task, ..world.clone() }
}

/// `last` of the events that tell of the end of a series.
fn ended(world: &World) -> Vec<Value> {
    let events = world.last.as_ref().unwrap().events.iter();
    events
        .filter(|event| event.kind == EventType::SeriesEnded)
        .map(|event| event.data["last"].clone())
        .collect()
}

#[test]
fn a_split_at_a_done_occurrence_leaves_it_done_and_goes_on_after_it() {
    let mut world = daily(&json!({}));
    complete(&mut world, [22, 23]);
    let old = world.split_with(&at(23), &json!({ "title": "Run" })).unwrap();
    assert_eq!(world.open(), [at(24)], "the following one, and not the done one again");
    assert_eq!(world.rows().len(), 1);
    let before = of(&world, old);
    assert_eq!(before.open(), [""; 0]);
    assert_eq!(before.row(&at(23)).status, OccurrenceStatus::Done, "it stays where it was done");
    assert_eq!(before.the_task().status, TaskStatus::Done);
    assert_eq!(ended(&world), [json!(at(23))]);
    complete(&mut world, [24]);
    assert_eq!(world.open(), [at(25)]);
}

#[test]
fn a_split_at_a_done_occurrence_goes_on_by_the_new_rule() {
    for (change, open) in [
        // A day that is done stays done, whatever the time of day is now.
        (json!({ "due": { "local": "2026-11-22T18:00:00", "tz": "UTC" } }), "2026-11-25T18:00:00[UTC]"),
        (json!({ "due": { "local": "2026-11-27T07:00:00", "tz": "UTC" } }), "2026-11-27T07:00:00[UTC]"),
        (json!({ "recurrence": { "rrule": "FREQ=WEEKLY" } }), "2026-11-30T09:00:00[UTC]"),
        (json!({ "due": { "local": "2026-11-28T07:00:00", "tz": "UTC" }, "recurrence": null }), ""),
    ] {
        let mut world = daily(&json!({}));
        complete(&mut world, [22, 23, 24]);
        world.split_with(&at(23), &change).unwrap();
        assert_eq!(world.open(), [open], "{change}");
        world.sweep();
        assert_eq!(world.open(), [open], "{change}");
    }
}

#[test]
fn a_count_is_divided_and_what_is_done_counts() {
    for anchor in ["due", "completion"] {
        let mut world = daily(&json!({ "rrule": "FREQ=DAILY;COUNT=5", "anchor": anchor }));
        for day in 22..=26 {
            world.wait(DAY);
            complete(&mut world, [day]);
            if day == 23 {
                world.split(&at(23)).unwrap();
            }
        }
        assert_eq!(world.the_task().status, TaskStatus::Done, "{anchor}: {:?}", world.open());
    }
}

#[test]
fn where_nothing_follows_what_is_done_there_is_nothing_to_split() {
    let mut world = daily(&json!({ "rrule": "FREQ=DAILY;COUNT=2" }));
    complete(&mut world, [22, 23]);
    for change in [json!({}), json!({ "recurrence": null })] {
        let wrong = world.split_with(&at(23), &change).unwrap_err();
        assert_eq!(wrong.errors[0].pointer, "/recurrence_id", "{wrong}");
        assert!(wrong.errors[0].detail.contains("nothing follows"), "{wrong}");
    }
    // With a rule that goes on, something does.
    world.split_with(&at(23), &json!({ "recurrence": { "rrule": "FREQ=DAILY;COUNT=2" } })).unwrap();
    assert_eq!(world.open(), [at(24)]);
    assert_eq!(ended(&world), [] as [Value; 0], "the old series had ended before");
}

#[test]
fn a_successor_that_is_still_owed_ends_the_old_series_when_it_is_planned() {
    let mut world = daily(&json!({}));
    complete(&mut world, [22]);
    world.complete(&at(23)).unwrap();
    let old = world.split(&at(23)).unwrap();
    assert_eq!((world.open(), ended(&world)), (vec![at(24)], vec![]));
    world.sweep();
    assert_eq!(ended(&world), [json!(at(23))]);
    assert_eq!(of(&world, old).the_task().status, TaskStatus::Done);
    assert_eq!(world.open(), [at(24)]);
}

#[test]
fn what_is_done_among_the_following_ones_is_not_done_again() {
    let mut world = daily(&json!({ "overlap": "stack" }));
    world.wait(4 * DAY);
    world.sweep();
    assert_eq!(world.open(), [22, 23, 24, 25, 26].map(at));
    world.complete(&at(24)).unwrap();
    let old = world.split(&at(23)).unwrap();
    assert_eq!(world.open(), [at(23)]);
    world.sweep();
    assert_eq!(world.open(), [at(23), at(25), at(26)], "the 24th is done");
    assert_eq!(of(&world, old).open(), [at(22)]);
    // Split at what is done, what was open after it is open in the new series.
    let mut world = daily(&json!({ "overlap": "stack" }));
    world.wait(4 * DAY);
    world.sweep();
    world.complete(&at(23)).unwrap();
    world.complete(&at(25)).unwrap();
    world.split(&at(23)).unwrap();
    world.sweep();
    assert_eq!(world.open(), [at(24), at(26)], "the 25th is done");
}

#[test]
fn following_occurrences_that_differ_go_on_differing_where_they_still_are() {
    for (change, first, later) in [
        (json!({}), at(24), vec![at(26)]),
        (
            json!({ "due": { "local": "2026-11-23T10:00:00", "tz": "UTC" } }),
            "2026-11-23T10:00:00[UTC]".to_owned(),
            vec![],
        ),
    ] {
        let mut world = daily(&json!({}));
        complete(&mut world, [22]);
        world.change(&json!({ "recurrence_id": at(23), "title": "First" })).unwrap();
        world.change(&json!({ "recurrence_id": at(25), "cancelled": true })).unwrap();
        world.change(&json!({ "recurrence_id": at(26), "title": "Long walk" })).unwrap();
        world.split_with(&at(23), &change).unwrap();
        if change == json!({}) {
            assert_eq!(world.row(&at(23)).title, None, "the one split at is as the series says now");
            complete(&mut world, [23]);
        }
        assert_eq!(world.open(), [first]);
        if !later.is_empty() {
            complete(&mut world, [24]);
            assert_eq!(world.open(), later, "the 25th is cancelled still");
            assert_eq!(world.row(&at(26)).title.as_deref(), Some("Long walk"));
        }
    }
}

#[test]
fn a_series_of_which_something_is_left_has_not_ended() {
    let mut world = daily(&json!({}));
    world.split(&at(25)).unwrap();
    assert_eq!(ended(&world), [] as [Value; 0]);
    let mut world = daily(&json!({}));
    complete(&mut world, [22, 23]);
    world.split(&at(24)).unwrap();
    assert_eq!(ended(&world), [json!(at(23))]);
}
