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

    /// All wall times up to `until`, by our own expansion: the quicker one where occurrences are only counted on the
    /// way to the one asked for.
    pub(crate) fn counting(plan: &'a Plan, until: i64) -> Nominal<'a> {
        let engine = Engine::Own(Box::new(Own::new(plan, plan.start, until)));
        Nominal { plan, after: plan.start - 1, until, engine }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::seconds;
    use crate::engine::random;
    use crate::rule::{Frequency, Rule};

    /// The wall times of a plan from one on.
    fn list(plan: &Plan, from: i64) -> Vec<i64> {
        let mut nominal = Nominal::new(plan, from, i64::MAX / 4);
        let mut steps = Steps::new(100_000);
        std::iter::from_fn(|| nominal.next(&mut steps).unwrap()).take(50).collect()
    }

    #[test]
    fn the_crate_and_our_own_expansion_agree_on_every_rule_given_to_the_crate() {
        let mut random = random::Random(5);
        let mut compared = 0;
        while compared < 3_000 {
            let case = random::case(&mut random);
            let rule = Rule::parse(&case.rrule).unwrap();
            let start = seconds(case.dtstart);
            let plan = Plan::new(rule.parts(), start, false);
            if plan.by_rrule.is_none() || rule.frequency() < Frequency::Daily {
                continue;
            }
            let own = Plan { by_rrule: None, ..plan.clone() };
            let later = start + i64::try_from(random.below(3_000_000_000)).unwrap();
            for from in [start, later] {
                assert_eq!(list(&plan, from), list(&own, from), "{} {} from {from}", case.dtstart, rule);
            }
            compared += 1;
        }
    }
}
