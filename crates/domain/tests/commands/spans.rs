//! Spans of time: what they may cost.

use crate::world::{HOUR, World, world};
use perennial_domain::{
    Bound, Due, MAX_SPAN_STEPS, Override, Projection, RecurrenceId, SeriesState, TaskInput, project,
    split_series,
};
use perennial_recurrence::Zone;
use serde_json::json;

/// Every morning from the day after now on, or as a rule says.
fn mornings(rrule: &str, misfire: &str) -> World {
    world(&json!({ "title": "Walk", "due": { "local": "2026-11-22T09:00:00", "tz": "UTC" },
        "recurrence": { "rrule": rrule, "misfire": misfire } }))
}

/// Every minute for ten years until now.
fn minutes(misfire: &str) -> World {
    let mut world = world(&json!({ "title": "Look", "due": { "local": "2016-11-21T12:00:00", "tz": "UTC" },
        "recurrence": { "rrule": "FREQ=MINUTELY", "misfire": misfire } }));
    world.wait(1);
    world
}

/// So many occurrences, named by a day of each month from some year on, moved to the first day of the year 2200.
fn moved(from: u32, months: u32, day: u32) -> Vec<Override> {
    let there = Due::from_stored("2200-01-01T00:00:00", Some("UTC")).unwrap();
    (0..months)
        .map(|month| {
            let name = format!("{}-{:02}-{day}T09:00:00[UTC]", from + month / 12, month % 12 + 1);
            Override {
                recurrence_id: RecurrenceId::from_text(name),
                title: None,
                due: Some(there.clone()),
                cancelled: false,
            }
        })
        .collect()
}

fn span(world: &World, overrides: &[Override], (from, to): (&str, &str), limit: usize) -> Projection {
    let task = world.the_task();
    let last = RecurrenceId::from_text(world.open()[0].clone());
    let bounds = (Bound::parse(from, "from").unwrap(), Bound::parse(to, "to").unwrap());
    let found = project(&task, Some(&last), overrides, (&world.zone, world.now), bounds, limit).unwrap();
    assert!(found.steps <= MAX_SPAN_STEPS, "{} steps", found.steps);
    found
}

/// Of two days of each month the last, as long as there are so many: no way but to count them one by one.
const ONE_BY_ONE: &str = "FREQ=MONTHLY;BYMONTHDAY=14,15;BYSETPOS=-1;SKIP=FORWARD;COUNT=40000";

#[test]
fn a_span_costs_no_more_for_what_was_moved_into_it() {
    let there = ("2199-12-31", "2200-01-02");
    // Where COUNT ends these is found once.
    for (rrule, count) in [
        ("FREQ=DAILY;COUNT=1000000", 502),
        ("FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=9;BYMINUTE=0;COUNT=1000", 0),
        ("FREQ=HOURLY;BYDAY=FR;BYMONTHDAY=13;BYHOUR=9;COUNT=10000", 0),
    ] {
        let found = span(&mornings(rrule, "all"), &moved(4000, 500, 15), there, 600);
        assert!(found.steps <= 25_000 && found.complete, "{rrule}: {} steps", found.steps);
        assert_eq!(found.occurrences.len(), count, "{rrule}");
    }
    // What is beyond the budget is missing, and the rest is not.
    let world = mornings(ONE_BY_ONE, "all");
    let mut all = moved(2027, 100, 15);
    all.extend(moved(4000, 400, 15));
    let found = span(&world, &all, there, 600);
    assert!((100..500).contains(&found.occurrences.len()), "{}", found.occurrences.len());
    assert!(!found.complete);
    // Elsewhere they cost nothing.
    let found = span(&world, &all, ("2027-01-01", "2027-03-01"), 600);
    assert!(found.steps < 500 && found.complete && found.occurrences.is_empty(), "{found:?}");
}

/// Those that differ later are looked for within one budget when a series is split.
#[test]
fn a_split_costs_no_more_for_what_differs_later() {
    let split = |rrule: &str, overrides: Vec<Override>| {
        let mut world = mornings(rrule, "all");
        let id = RecurrenceId::from_text("2027-01-15T09:00:00[UTC]");
        let state = SeriesState { overrides, ..world.state(id.as_str()) };
        let titled = |input: TaskInput| Ok(TaskInput { title: "Another".to_owned(), ..input });
        world.decide(|ctx| split_series(ctx, &state, &id, titled)).map(|(commit, ..)| commit.overrides.len())
    };
    assert!(split("FREQ=DAILY;COUNT=1000000", moved(4000, 500, 15)).unwrap() >= 500);
    assert!(split(ONE_BY_ONE, moved(2027, 100, 15)).unwrap() >= 99);
    let mut all = moved(2027, 100, 15);
    all.extend(moved(4000, 400, 15));
    assert_eq!(split(ONE_BY_ONE, all).unwrap_err().errors[0].pointer, "/recurrence/rrule");
}

#[test]
fn what_is_dropped_costs_nothing_and_takes_no_place() {
    for (misfire, first) in [("once", "2026-11-21T12:00:00"), ("skip", "2026-11-21T12:01:00")] {
        let found = span(&minutes(misfire), &[], ("2016-01-01", "2026-11-22"), 5);
        assert_eq!((found.occurrences.len(), found.complete), (5, false));
        assert_eq!(found.occurrences[0].due.local(), first, "{misfire}");
        assert!(found.steps < 3_000, "{misfire}: {} steps", found.steps);
    }
}

#[test]
fn what_is_planned_first_is_what_is_opened_next() {
    let (mut looked, mut dropped) = (0, 0);
    for due in [
        json!({ "local": "2027-03-25T02:30:00", "tz": "Europe/Berlin" }),
        json!({ "local": "2027-10-28T02:30:00" }),
        json!({ "local": "2027-03-25" }),
    ] {
        for rule in
            ["FREQ=DAILY", "FREQ=DAILY;COUNT=6", "FREQ=WEEKLY;BYDAY=SA,SU,MO", "FREQ=DAILY;INTERVAL=3"]
        {
            for (misfire, overlap) in
                [("all", "wait"), ("once", "wait"), ("skip", "wait"), ("all", "skip"), ("once", "skip")]
            {
                let start = world(&json!({ "title": "Walk", "due": due,
                    "recurrence": { "rrule": rule, "misfire": misfire, "overlap": overlap,
                        "exdate": [if due["local"] == "2027-03-25" { "2027-03-27" } else { "2027-03-27T02:30:00" }] } }));
                let first = start.open()[0].clone();
                for hours in (0..9 * 24).step_by(11) {
                    let mut world = start.clone();
                    world.zone = Zone::parse("America/New_York").unwrap();
                    let at = &start.occurrences[&(start.task, first.clone())].due_at.unwrap();
                    world.now = at.plus_millis(hours * HOUR);
                    let planned = span(&world, &[], ("2027-01-01", "2029-01-01"), 200);
                    assert!(planned.complete || planned.occurrences.len() == 200);
                    world.complete(&first).unwrap();
                    world.sweep();
                    let names: Vec<_> =
                        planned.occurrences.iter().map(|one| one.recurrence_id.as_str()).collect();
                    let opened = world.open();
                    assert_eq!(
                        names.first().copied(),
                        opened.first().map(String::as_str),
                        "{due} {rule} {misfire} {overlap} {hours}"
                    );
                    looked += 1;
                    dropped += u32::from(names.is_empty());
                }
            }
        }
    }
    assert!(looked > 1_000 && dropped > 10, "{looked} {dropped}");
}
