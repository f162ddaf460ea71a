//! HOURLY, MINUTELY and SECONDLY rules: elapsed time, with the BY parts tested on the wall clock.
//!
//! A period is 3 600, 60 or 1 elapsed seconds; periods are counted from the one the start lies in, whatever the
//! zone does meanwhile. Parts that limit (BYMONTH to BYHOUR, …) and parts that expand (BYMINUTE in an HOURLY
//! rule, …) ask the same thing of an instant in the period: what its wall clock shows. Without a part that
//! expands, the one candidate of a period is as far into it as the start is into its own.
//!
//! No period is looked at for itself where that can be helped. Time is cut into stretches in which the zone's offset
//! stays the same, those into months of the wall clock, and a month is one step: of its days that pass, the phase
//! against the periods tells whether they have an occurrence, and which (`day`). Only periods from which BYSETPOS
//! chooses and which do not lie within one hour (or minute) of the wall clock are listed (`choose`).
#![expect(
    clippy::arithmetic_side_effects,
    reason = "instants up to the year 10 000; INTERVAL at most 2^32 hours"
)]

mod choose;
mod count;
mod day;
mod plan;
mod sorted;
mod walk;

pub(crate) use plan::ElapsedPlan;

use super::mapped::Hit;
use crate::calendar::{DAY, day_number};
use crate::limits::{Exhausted, MAX_YEAR, Steps};
use crate::zone::Clock;
use day::Days;
use walk::First;

/// The instants of a plan from some point on.
#[derive(Clone, Debug)]
pub(crate) struct Elapsed<'a> {
    plan: &'a ElapsedPlan,
    clock: Clock,
    /// Nothing before this is given, nothing after that is looked for.
    from: i64,
    until: i64,
    /// Days of stretches in which each period is as good as another.
    days: Days<'a>,
    /// Days of stretches in which periods have to be listed.
    listed: Days<'a>,
    /// The month last looked at, as its first day, and its days that pass.
    month: (i64, u32),
    /// Of a period that was listed: the chosen instants still to come, last first.
    chosen: Vec<i64>,
}

impl<'a> Elapsed<'a> {
    /// All instants from `from` to `until`, and not before the plan's start.
    pub(crate) fn new(plan: &'a ElapsedPlan, clock: Clock, from: i64, until: i64) -> Elapsed<'a> {
        let mut clock = clock;
        let end = day_number(i64::from(MAX_YEAR) + 1, 1, 1) * DAY;
        // Neither the instant nor the wall clock leaves the years.
        let until = if until < end - DAY { until } else { until.min(end - 1).min(clock.instant(end) - 1) };
        let wall = plan.chosen.as_ref().unwrap_or(&plan.wall);
        Elapsed {
            plan,
            clock,
            from: from.max(plan.start),
            until,
            days: Days::new(plan, wall),
            listed: Days::new(plan, &plan.wall),
            month: (i64::MIN, 0),
            chosen: Vec::new(),
        }
    }

    pub(crate) fn next(&mut self, steps: &mut Steps) -> Result<Option<Hit>, Exhausted> {
        if self.plan.empty {
            return Ok(None);
        }
        Ok(self.search(steps)?.filter(|&at| at <= self.until).map(|at| {
            self.from = at + 1;
            let span = self.clock.span(at);
            let fold = span.before > span.offset && at < span.start.saturating_add(span.before - span.offset);
            Hit { at, local: at + span.offset, fold }
        }))
    }

    fn search(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        if self.plan.plain {
            steps.take()?;
            return Ok(Some(self.next_period(self.from)));
        }
        self.walk(&mut First, steps)
    }
}
