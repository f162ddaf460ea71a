//! Recurrence sets (RFC 5545 §3.8.5): a start, a rule, dates added and dates taken away.

mod answerable;
mod backwards;
mod build;
mod end;
mod error;
mod moment;
mod query;
mod questions;
mod stream;

pub use answerable::Unanswerable;
pub use error::SetError;
pub use moment::{Moment, Occurrence, Page, Start};
pub use questions::Questions;

use crate::engine::{ElapsedPlan, Hit, Plan};
use crate::rule::Rule;
use crate::zone::Clock;
use std::sync::OnceLock;

/// A series, ready to be asked.
#[derive(Clone, Debug)]
pub struct RuleSet {
    start: Start,
    rule: Option<Rule>,
    plan: Expansion,
    clock: Clock,
    /// The last instant of the rule, inclusive.
    until: i64,
    /// The last nominal wall time of the rule, inclusive.
    until_local: i64,
    /// COUNT; `u32::MAX` if there is none to count.
    left: u32,
    /// Where COUNT ends the rule, found when it is first needed.
    counted: OnceLock<end::Resolved>,
    rdate: Vec<Hit>,
    exdate: Vec<i64>,
}

/// How the rule is expanded.
#[derive(Clone, Debug)]
enum Expansion {
    /// No rule: the start alone.
    Start(Hit),
    /// DAILY and longer: wall times, laid on the zone.
    Nominal(Plan),
    /// HOURLY and shorter: elapsed time.
    Elapsed(ElapsedPlan),
}

impl RuleSet {
    /// DTSTART.
    pub fn start(&self) -> Start {
        self.start
    }

    /// How many RDATE and EXDATE values there are, each counted once.
    pub(crate) fn exceptions(&self) -> (usize, usize) {
        (self.rdate.len(), self.exdate.len())
    }

    /// RRULE.
    pub fn rule(&self) -> Option<&Rule> {
        self.rule.as_ref()
    }
}
