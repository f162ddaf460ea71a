//! The recurrence scheduler: plans what follows a completed occurrence, fires reminders that come due, and relays events. It
//! keeps what brokers have given up, and says how all of it does.
//!
//! Three ways in (an event over HTTP, an event over Redis, the clock, which may be a sidecar's jobs), one piece of work behind them.
//! An event only says
//! where to look: what is owed is in the store, and a sweep finds it without being told.

mod batch;
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "spin-sdk and wit-bindgen generate the exported functions")]
mod entry;
mod handle;
mod job;
pub mod metrics;
mod sweep;
mod take;
mod tick;

pub use handle::{HandleError, Handled, fill_gaps, handle_event};
pub use job::Job;
pub use sweep::{Swept, Unfinished, sweep, sweep_fresh};
pub use take::{Taken, comes_to_nothing, take, take_given_up};
pub use tick::{Outlet, Ticked, tick};

use perennial_domain::{Actor, Context, EventId, Ids, Timestamp, User};

/// The name under which this consumer records what it has applied.
const CONSUMER: &str = "recurrence-scheduler";

/// The topic that it hears.
const TOPIC: &str = "task-events";

/// The circumstances of work done for a user, in nobody's request.
fn context<'a>(
    user: &User,
    now: Timestamp,
    ids: &'a mut dyn Ids,
    correlation_id: Option<String>,
    causation_id: Option<EventId>,
) -> Context<'a> {
    let correlation_id = correlation_id.unwrap_or_else(|| ids.next().to_string());
    Context {
        user: user.id.clone(),
        zone: user.zone,
        now,
        ids,
        actor: Actor::component(CONSUMER),
        correlation_id,
        causation_id,
        traceparent: None,
    }
}
