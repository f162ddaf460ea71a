//! Wall times of DAILY, WEEKLY, MONTHLY and YEARLY rules, in order, without regard to any zone: every part the RFC
//! has, on bits.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "years are at most 10 000; a period has under 2^25 times"
)]

use super::days::DaySet;
use super::grid::Period;
use super::plan::Plan;
use super::positions::places;
use crate::calendar::{DAY, split};
use crate::limits::{Exhausted, Steps};
use crate::rule::Skip;

/// The wall times of a plan from some point on, each strictly later than the one before.
#[derive(Clone, Debug)]
pub(crate) struct Nominal<'a> {
    plan: &'a Plan,
    period: Period,
    /// The named days of the period; `None` once the years have run out.
    days: Option<DaySet>,
    /// With BYSETPOS: the chosen places in the period still to come, last first.
    chosen: Vec<i64>,
    /// Without BYSETPOS: the day being listed, and the place of its next time.
    day: Option<i64>,
    time: i64,
    /// Only later times are given.
    after: i64,
    /// None later is wanted.
    until: i64,
}

impl<'a> Nominal<'a> {
    /// All wall times from `from` to `until`, and not before the plan's start.
    pub(crate) fn new(plan: &'a Plan, from: i64, until: i64) -> Nominal<'a> {
        let from = from.max(plan.start);
        let (day, _) = split(from);
        let mut period = Period::on(plan.unit, plan.interval, plan.week_start, plan.start_day, day);
        if plan.filter.skip == Skip::Forward {
            period = period.back();
        }
        let mut nominal = Nominal {
            plan,
            period,
            days: None,
            chosen: Vec::new(),
            day: None,
            time: 0,
            after: from - 1,
            until,
        };
        nominal.enter();
        nominal
    }

    /// The next wall time, or `None` when the years have run out.
    pub(crate) fn next(&mut self, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        loop {
            steps.take()?;
            let found = if self.plan.positions.is_empty() { self.next_time() } else { self.next_chosen() };
            match found {
                Some(local) if local > self.until => return Ok(None),
                Some(local) if local > self.after => {
                    self.after = local;
                    return Ok(Some(local));
                }
                Some(_) => {}
                None => {
                    if self.days.is_none() {
                        return Ok(None);
                    }
                    self.period.advance(&self.plan.filter);
                    self.enter();
                }
            }
        }
    }

    /// Takes up the period moved to, at its first time later than `after`.
    fn enter(&mut self) {
        let wanted = !self.plan.empty && self.period.first_day() <= split(self.until).0;
        self.days = if wanted { self.period.days(&self.plan.filter) } else { None };
        let Some(days) = &self.days else { return };
        if self.plan.positions.is_empty() {
            let (day, second) = split(self.after + 1);
            self.day = days.on_or_after(day);
            self.time = if self.day == Some(day) { self.plan.times.on_or_after(second) } else { 0 };
            return;
        }
        let size = days.count() * self.plan.times.count();
        self.chosen = places(&self.plan.positions, size);
        self.chosen.reverse();
    }

    fn next_time(&mut self) -> Option<i64> {
        let day = self.day?;
        let times = &self.plan.times;
        let count = times.count();
        if self.time >= count {
            self.day = self.days.as_ref()?.on_or_after(day + 1);
            self.time = 0;
            return self.next_time();
        }
        let local = day * DAY + times.nth(self.time);
        self.time += 1;
        Some(local)
    }

    fn next_chosen(&mut self) -> Option<i64> {
        let place = self.chosen.pop()?;
        let count = self.plan.times.count();
        let day = self.days.as_ref()?.nth(place / count)?;
        Some(day * DAY + self.plan.times.nth(place % count))
    }
}
