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

pub(crate) use plan::ElapsedPlan;

use super::mapped::Hit;
use crate::calendar::{DAY, civil, day_number, month_length, split};
use crate::limits::{Exhausted, MAX_YEAR, Steps};
use crate::zone::Clock;
use day::Days;

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

/// Months searched for one step.
const MONTHS: u32 = 2;

/// A stretch of time in which days can be told by their phase.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// It ends before this instant.
    end: i64,
    offset: i64,
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
        loop {
            if let Some(at) = self.chosen.pop() {
                return Ok(Some(at));
            }
            if self.from > self.until {
                return Ok(None);
            }
            steps.take()?;
            match self.stretch() {
                Some(stretch) => {
                    if let Some(at) = self.search_days(stretch, steps)? {
                        return Ok(Some(at));
                    }
                    self.from = stretch.end;
                }
                None => self.choose(steps)?,
            }
        }
    }

    /// The stretch that begins at `from`; `None` if a period has to be listed there.
    fn stretch(&mut self) -> Option<Stretch> {
        let (plan, at) = (self.plan, self.from);
        let span = self.clock.span(at);
        let last = self.until + 1;
        if plan.chosen.is_none() {
            return Some(Stretch { end: span.end.min(last), offset: span.offset });
        }
        if !plan.is_aligned(span.offset) {
            return None;
        }
        let unit = |at: i64| at - (at - plan.base).rem_euclid(plan.unit);
        if unit(at) < span.start {
            return None;
        }
        let end = if span.end >= last { last } else { unit(span.end) };
        (at < end).then_some(Stretch { end, offset: span.offset })
    }

    /// The first instant from `from` on in a stretch that passes.
    fn search_days(&mut self, stretch: Stretch, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        let mut at = self.next_period(self.from);
        let mut months = 0;
        while at < stretch.end {
            let (first, mut rest) = self.month(at, stretch);
            while rest != 0 {
                let day = first + i64::from(rest.trailing_zeros());
                let begin = day * DAY - stretch.offset;
                if begin >= stretch.end {
                    break;
                }
                let phase = self.days.phase(day, stretch.offset);
                if let Some(second) = self.days.on_or_after(phase, (at - begin).max(0), steps)? {
                    let found = begin + second;
                    return Ok((found < stretch.end).then_some(found));
                }
                rest &= rest - 1;
            }
            months += 1;
            if months == MONTHS {
                months = 0;
                steps.take()?;
            }
            at = self.next_period(next_month(first) * DAY - stretch.offset);
        }
        Ok(None)
    }

    /// The first day of the month an instant lies in on the wall clock, and the days that pass from its own on.
    fn month(&mut self, at: i64, stretch: Stretch) -> (i64, u32) {
        let (day, _) = split(at + stretch.offset);
        if day < self.month.0 || day >= self.month.0.saturating_add(28) {
            let (year, month, of_month) = civil(day);
            // A day carried into the next month (SKIP=FORWARD) is none of this one's: there is none to be moved, since
            // BYMONTHDAY only limits here.
            let inside = (1_u64 << month_length(year, month)) - 1;
            let passing = u64::from(self.plan.days.month(year, month)) & inside;
            self.month = (day - of_month + 1, u32::try_from(passing).unwrap_or(0));
        }
        let (first, mask) = self.month;
        (first, mask & (u32::MAX << (day - first)))
    }

    /// The first instant from one on that lies in a period (for one candidate a period: that is one).
    fn next_period(&self, at: i64) -> i64 {
        let (origin, length) = match self.plan.single {
            true => (self.plan.start, 1),
            false => (self.plan.base, self.plan.unit),
        };
        let into = (at - origin).rem_euclid(self.plan.step);
        if into < length { at } else { at + self.plan.step - into }
    }
}

fn next_month(first: i64) -> i64 {
    let (year, month, _) = civil(first);
    day_number(year + month / 12, month % 12 + 1, 1)
}
