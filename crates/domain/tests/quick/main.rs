//! How a line of English is read as a task.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod examples;
mod laws;
#[path = "../mutated/mod.rs"]
mod mutated;
mod places;

use perennial_domain::{Actor, Context, Ids, Invalid, QuickInput, Reading, Timestamp, UserId, quick_task};
use perennial_recurrence::Zone;
use uuid::Uuid;

struct Counting(u64);

impl Ids for Counting {
    fn next(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u64_pair(self.0, 0)
    }
}

/// Reads a line at an instant in a zone, as a request would.
fn read_at(text: &str, zone: &str, now: &str) -> Result<Reading, Invalid> {
    let mut ids = Counting(0);
    let mut ctx = Context {
        user: UserId::new("ada".to_owned()),
        zone: Zone::parse(zone).unwrap(),
        now: Timestamp::parse(now).unwrap(),
        ids: &mut ids,
        actor: Actor::token("t"),
        correlation_id: "c".to_owned(),
        causation_id: None,
        traceparent: None,
    };
    let input = QuickInput { text: text.to_owned(), tz: None, dry_run: false };
    quick_task(&mut ctx, &input).map(|(reading, ..)| reading)
}

/// Noon of Saturday, 21 November 2026, in Berlin.
fn read(text: &str) -> Result<Reading, Invalid> {
    read_at(text, "Europe/Berlin", "2026-11-21T11:00:00Z")
}

/// What a task is, in one line.
fn told(reading: &Reading) -> String {
    let input = &reading.input;
    let mut told = vec![input.title.clone()];
    if let Some(due) = &input.due {
        let zone = due.tz.as_deref().filter(|zone| *zone != "Europe/Berlin");
        told.push(format!("due {}{}", due.local, zone.map(|zone| format!(" {zone}")).unwrap_or_default()));
    }
    told.extend(input.recurrence.iter().map(|recurrence| recurrence.rrule.clone()));
    told.extend(input.tags.iter().map(|tag| format!("#{tag}")));
    if input.priority != perennial_domain::Priority::None {
        told.push(format!("!{:?}", input.priority).to_lowercase());
    }
    told.extend(input.reminders.iter().map(|reminder| format!("remind {}", reminder.trigger)));
    told.join(" · ")
}
