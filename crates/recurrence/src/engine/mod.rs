//! The expansion: from a rule and its start to occurrences.

mod by_rrule;
mod days;
mod elapsed;
mod filter;
mod grid;
mod mapped;
mod nominal;
mod own;
mod plan;
mod times;
mod wallclock;
mod yeardays;

pub(crate) use elapsed::{Elapsed, ElapsedPlan};
pub(crate) use mapped::{Hit, Mapped};
pub(crate) use nominal::Nominal;
pub(crate) use plan::Plan;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a generator for tests")]
#[path = "../../tests/differential/random.rs"]
mod random;
