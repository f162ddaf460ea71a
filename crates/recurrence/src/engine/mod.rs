//! The expansion: from a rule and its start to occurrences.

mod counted;
mod days;
mod elapsed;
mod filter;
mod grid;
mod mapped;
mod nominal;
mod plan;
mod positions;
mod ranks;
mod times;
mod wallclock;
mod yeardays;

pub(crate) use counted::Counted;
pub(crate) use elapsed::{Elapsed, ElapsedPlan};
pub(crate) use mapped::{Hit, Mapped};
pub(crate) use nominal::Nominal;
pub(crate) use plan::Plan;
