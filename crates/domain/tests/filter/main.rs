//! How a filter is read, and which tasks it is of.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod algebra;
mod bounds;
mod examples;
#[path = "../held/mod.rs"]
mod held;
mod laws;
mod meaning;
#[path = "../mutated/mod.rs"]
mod mutated;
mod times;
mod trees;

use perennial_domain::filter::{Clock, Facts};
use perennial_domain::{Priority, TaskStatus, Timestamp};
use perennial_recurrence::Zone;
use perennial_recurrence::chrono::Weekday;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn clock(zone: &str, now: &str, week_start: Weekday) -> Clock {
    Clock { now: at(now), zone: Zone::parse(zone).unwrap(), week_start }
}

/// Noon of Saturday, 21 November 2026, in Berlin.
fn berlin() -> Clock {
    clock("Europe/Berlin", "2026-11-21T11:00:00Z", Weekday::Mon)
}

/// A task that has nothing it can be without.
fn bare() -> Facts {
    Facts {
        title: "Pay rent".to_owned(),
        status: TaskStatus::Open,
        priority: Priority::None,
        due: None,
        start: None,
        created: at("2026-11-01T08:00:00Z"),
        updated: at("2026-11-02T08:00:00Z"),
        completed: None,
        duration: None,
        tags: Vec::new(),
        project: None,
        parent: None,
        has_reminders: false,
        recurs: false,
    }
}
