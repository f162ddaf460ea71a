//! New zone data, as an older build's rows meet it.

use perennial_domain::{AlarmState, EventType, Succession};
use serde_json::{Value, json};

use crate::world::{HOUR, World, world};

const SUN: &str = "2026-11-22T09:00:00[UTC]";

fn daily() -> Value {
    json!({ "title": "Walk", "due": { "local": "2026-11-22T09:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=DAILY", "overlap": "stack" }, "reminders": [{ "trigger": "PT0S" }] })
}

/// An occurrence and its alarm as a build computed them whose zone was an hour behind.
fn make_stale(world: &mut World, name: &str) {
    let row = world.occurrences.get_mut(&(world.task, name.to_owned())).unwrap();
    row.due_at = row.due_at.map(|at| at.plus_millis(-HOUR));
    for alarm in world.alarms.values_mut().filter(|alarm| alarm.recurrence_id.as_str() == name) {
        alarm.fire_at = alarm.fire_at.plus_millis(-HOUR);
    }
}

fn fires_at(world: &World, name: &str) -> (String, AlarmState) {
    let alarm = world.alarms.values().find(|alarm| alarm.recurrence_id.as_str() == name).unwrap();
    (alarm.fire_at.to_string(), alarm.state)
}

#[test]
fn an_open_occurrence_and_its_reminders_are_laid_on_them_once() {
    let mut world = world(&daily());
    make_stale(&mut world, SUN);
    let commit = world.refresh(SUN).unwrap();
    assert_eq!(commit.events.first().unwrap().kind, EventType::OccurrenceChanged);
    assert_eq!(world.row(SUN).due_at.unwrap().to_string(), "2026-11-22T09:00:00Z");
    assert_eq!(fires_at(&world, SUN), ("2026-11-22T09:00:00Z".to_owned(), AlarmState::Armed));
    let again = world.refresh(SUN).unwrap();
    assert_eq!((again.events, again.alarms, again.tasks), (vec![], vec![], vec![]));
}

#[test]
fn what_is_closed_or_gone_is_left_alone() {
    let mut world = world(&daily());
    let state = world.state(SUN);
    world.complete(SUN).unwrap();
    assert_eq!(world.refresh(SUN), None);
    assert_eq!(world.refresh("nothing"), None);
    let mut gone = state;
    gone.task.deleted_at = Some(world.now);
    assert_eq!(world.decide(|ctx| perennial_domain::refresh_zone(ctx, &gone)), None);
}

#[test]
fn a_row_that_is_written_for_another_reason_is_laid_on_them_too() {
    // The newest of a stack waits for room, and was computed by an older build.
    let mut world = world(&daily());
    world.wait(30 * HOUR);
    world.sweep();
    let newest = "2026-11-23T09:00:00[UTC]";
    world.occurrences.get_mut(&(world.task, newest.to_owned())).unwrap().succession = Succession::None;
    make_stale(&mut world, newest);
    world.complete(SUN).unwrap();
    assert_eq!(world.row(newest).succession, Succession::Due);
    assert_eq!(world.row(newest).due_at.unwrap().to_string(), "2026-11-23T09:00:00Z");
    assert_eq!(fires_at(&world, newest), ("2026-11-23T09:00:00Z".to_owned(), AlarmState::Armed));
}
