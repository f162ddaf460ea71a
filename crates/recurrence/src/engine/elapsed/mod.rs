//! HOURLY, MINUTELY and SECONDLY rules: elapsed time, with the BY parts tested on the wall clock.
//!
//! A period is 3 600, 60 or 1 elapsed seconds; periods are counted from the one the start lies in, whatever the
//! zone does meanwhile. Parts that limit (BYMONTH to BYHOUR, …) and parts that expand (BYMINUTE in an HOURLY
//! rule, …) ask the same thing of an instant in the period: what its wall clock shows. Without a part that
//! expands, the one candidate of a period is as far into it as the start is into its own.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "instants up to the year 10 000; INTERVAL at most 2^32 hours"
)]

mod plan;

pub(crate) use plan::ElapsedPlan;

use super::mapped::Hit;
use crate::calendar::{DAY, day_number, split};
use crate::limits::{Exhausted, MAX_YEAR, Steps};
use crate::zone::Clock;

/// The instants of a plan from some point on.
#[derive(Clone, Debug)]
pub(crate) struct Elapsed<'a> {
    plan: &'a ElapsedPlan,
    clock: Clock,
    /// The period looked at, from 0.
    period: i64,
    /// Nothing before this is given, nothing after that is looked for.
    from: i64,
    until: i64,
    /// A day that passes.
    open_day: i64,
    /// With BYSETPOS: the chosen instants of the period still to come, last first.
    chosen: Vec<i64>,
}

impl<'a> Elapsed<'a> {
    /// All instants from `from` to `until`, and not before the plan's start.
    pub(crate) fn new(plan: &'a ElapsedPlan, clock: Clock, from: i64, until: i64) -> Elapsed<'a> {
        let from = from.max(plan.start);
        let until = until.min(day_number(i64::from(MAX_YEAR) + 1, 1, 1) * DAY - 1);
        Elapsed {
            plan,
            clock,
            period: (from - plan.base) / plan.step,
            from,
            until,
            open_day: i64::MIN,
            chosen: Vec::new(),
        }
    }

    pub(crate) fn next(&mut self, steps: &mut Steps) -> Result<Option<Hit>, Exhausted> {
        if self.plan.empty {
            return Ok(None);
        }
        let found = if !self.plan.positions.is_empty() {
            self.next_chosen(steps)?
        } else if self.plan.single {
            self.next_single(steps)?
        } else {
            self.next_within(steps)?
        };
        Ok(found.filter(|&at| at <= self.until).map(|at| {
            self.from = at + 1;
            let span = self.clock.span(at);
            let fold = span.before > span.offset && at < span.start.saturating_add(span.before - span.offset);
            Hit { at, local: at + span.offset, fold }
        }))
    }

    /// Whether an instant's wall time passes; the day that passed last is remembered.
    fn passes(&mut self, at: i64) -> bool {
        let (day, second) = split(self.clock.local(at));
        if !self.plan.wall.time_passes(second) {
            return false;
        }
        if day != self.open_day && self.plan.wall.day_passes(day) {
            self.open_day = day;
        }
        day == self.open_day
    }

    fn next_single(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        loop {
            steps.take()?;
            let at = self.plan.start + self.period * self.plan.step;
            if at > self.until {
                return Ok(None);
            }
            if at < self.from {
                self.period += 1;
                continue;
            }
            if self.passes(at) {
                self.period += 1;
                return Ok(Some(at));
            }
            let Some(passing) = self.plan.wall.next(at, self.until, &mut self.clock, steps)? else {
                return Ok(None);
            };
            self.period = (passing - self.plan.start + self.plan.step - 1) / self.plan.step;
        }
    }

    /// The next passing instant inside a period.
    fn next_within(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        loop {
            let begin = self.plan.base + self.period * self.plan.step;
            let from = begin.max(self.from);
            if from > self.until {
                return Ok(None);
            }
            let Some(passing) = self.plan.wall.next(from, self.until, &mut self.clock, steps)? else {
                return Ok(None);
            };
            if passing < begin + self.plan.unit {
                return Ok(Some(passing));
            }
            let ahead = passing - self.plan.base;
            let late = i64::from(ahead % self.plan.step >= self.plan.unit);
            self.period = (ahead / self.plan.step + late).max(self.period + 1);
        }
    }

    fn next_chosen(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        loop {
            steps.take()?;
            match self.chosen.pop() {
                Some(at) if at >= self.from => return Ok(Some(at)),
                Some(_) => continue,
                None => {}
            }
            if !self.choose(steps)? {
                return Ok(None);
            }
        }
    }

    /// Lists the next period that has any candidate and picks from it; whether there is one.
    fn choose(&mut self, steps: &mut Steps) -> Result<bool, Exhausted> {
        let mut scout = Elapsed { chosen: Vec::new(), from: i64::MIN, ..self.clone() };
        let first = if self.plan.single { scout.next_single(steps)? } else { scout.next_within(steps)? };
        let Some(first) = first else { return Ok(false) };
        let period = (first - self.plan.base) / self.plan.step;
        let end = self.plan.base + period * self.plan.step + self.plan.unit;
        let mut all = vec![first];
        while !self.plan.single {
            let last = all.last().copied().unwrap_or(end);
            match self.plan.wall.next(last + 1, end, &mut self.clock, steps)? {
                Some(at) if at < end => all.push(at),
                _ => break,
            }
        }
        let size = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let places =
            self.plan.positions.iter().map(|&place| if place > 0 { place - 1 } else { size + place });
        self.chosen = places.filter_map(|place| all.get(usize::try_from(place).ok()?).copied()).collect();
        self.chosen.sort_unstable_by(|a, b| b.cmp(a));
        self.chosen.dedup();
        self.period = period + 1;
        Ok(true)
    }
}
