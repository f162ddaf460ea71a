//! Wall times of DAILY, WEEKLY, MONTHLY and YEARLY rules, in order, without regard to any zone.
//!
//! The `rrule` crate computes the rules it gets right (see `by_rrule`), our own expansion the others, and the
//! rest of a rule at which the crate has given up.
#![expect(clippy::arithmetic_side_effects, reason = "seconds up to the year 10 000")]

use super::grid::Period;
use super::own::Own;
use super::plan::Plan;
use crate::calendar::split;
use crate::limits::{Exhausted, Steps};
use rrule::RRuleSetIter;

/// The wall times of a plan from some point on, each strictly later than the one before.
#[derive(Clone, Debug)]
pub(crate) struct Nominal<'a> {
    plan: &'a Plan,
    /// Only later times are given.
    after: i64,
    /// None later is wanted.
    until: i64,
    engine: Engine<'a>,
}

#[derive(Clone, Debug)]
enum Engine<'a> {
    Rrule(Box<RRuleSetIter>),
    Own(Box<Own<'a>>),
}

impl<'a> Nominal<'a> {
    /// All wall times from `from` to `until`, and not before the plan's start.
    pub(crate) fn new(plan: &'a Plan, from: i64, until: i64) -> Nominal<'a> {
        let from = from.max(plan.start);
        let by_rrule = plan.by_rrule.as_ref().and_then(|rule| {
            let (day, _) = split(from);
            let period = Period::on(plan.period, plan.interval, plan.week_start, plan.start_day, day);
            rule.from(period.first_day())
        });
        let engine = match by_rrule {
            Some(dates) => Engine::Rrule(Box::new(dates)),
            None => Engine::Own(Box::new(Own::new(plan, from, until))),
        };
        Nominal { plan, after: from - 1, until, engine }
    }

    /// The next wall time, or `None` when the years have run out.
    pub(crate) fn next(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        Ok(self.search(steps)?.filter(|&local| local <= self.until))
    }

    fn search(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        loop {
            let dates = match &mut self.engine {
                Engine::Own(own) => return own.next(steps),
                Engine::Rrule(dates) => dates,
            };
            steps.take()?;
            match dates.next().map(|date| date.timestamp()) {
                Some(local) if local > self.after => {
                    self.after = local;
                    return Ok(Some(local));
                }
                Some(_) => {}
                None => self.engine = Engine::Own(Box::new(Own::new(self.plan, self.after + 1, self.until))),
            }
        }
    }
}
