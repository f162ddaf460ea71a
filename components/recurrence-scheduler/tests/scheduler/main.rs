//! What the scheduler does of itself and for events, without a host. One program, since each of its parts would take as long to
//! compile as all of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

mod burst;
mod fairness;
mod first_look;
mod letters;
mod liveness;
mod moved;
mod parts;
mod promises;
mod sealing;
mod series;
mod spoilt;
mod ticks;

use perennial_domain::UserId;
use perennial_events::CloudEvent;
use perennial_fixture::{Fixture, WEEKLY};

/// A user whose series has a done occurrence that is owed its successor, and the event of it.
fn owed() -> (Fixture, UserId, CloudEvent) {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (task, occurrence) = fixture.task(&user, WEEKLY);
    fixture.complete(&user, &task, &occurrence).unwrap();
    let event = fixture.last_event(&user, "task.completed").into();
    (fixture, user, event)
}

fn text(event: &CloudEvent) -> Vec<u8> {
    serde_json::to_vec(event).unwrap()
}
