//! The n-th wall time of a rule without walking to it: periods are counted, not listed, and no further than until the
//! calendar repeats.
//!
//! The Gregorian calendar repeats every 400 years, which are whole weeks. So the counts of a rule's periods repeat when
//! both those years and the rule's interval come round together.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "COUNT is below 2^32; all times up to the year 9999 are below 2^39"
)]

use super::grid::{Period, Unit};
use super::plan::Plan;
use super::positions::places;
use crate::calendar::{DAY, gcd, split};
use crate::limits::{Exhausted, Steps};
use crate::rule::Skip;

/// How many wall times there are up to the end of each period, as far as it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Ranks<'a> {
    plan: &'a Plan,
    first: Period,
    /// Wall times up to the end of each period.
    up_to: Vec<i64>,
    /// Periods until the counts repeat, those of the first period left out.
    cycle: usize,
    /// Whether the years have run out.
    ended: bool,
    /// How many places are chosen of so many times.
    chosen: Option<(i64, i64)>,
}

impl<'a> Ranks<'a> {
    /// `None` if periods cannot be counted one by one: with SKIP=FORWARD one may take a day from the next, and then
    /// BYSETPOS chooses the same day in both.
    pub(crate) fn new(plan: &'a Plan) -> Option<Ranks<'a>> {
        let first = Period::on(plan.unit, plan.interval, plan.week_start, plan.start_day, plan.start_day);
        let carries = plan.filter.skip == Skip::Forward;
        if carries && !plan.positions.is_empty() {
            return None;
        }
        let first = if carries { first.back() } else { first };
        let (length, step) = match plan.unit {
            Unit::Day => (146_097, plan.interval),
            Unit::Week => (20_871, plan.interval),
            Unit::Month => {
                let days = plan.filter.every.map_or(1, |every| every.step);
                (4_800 * (days / gcd(146_097, days)), plan.interval)
            }
            Unit::Year | Unit::WeekYear => (400, plan.interval),
        };
        let cycle = usize::try_from(length / gcd(length, step)).unwrap_or(usize::MAX);
        Some(Ranks { plan, first, up_to: Vec::new(), cycle, ended: false, chosen: None })
    }

    /// The n-th wall time, from 1; `None` if there are fewer up to the year 9999.
    pub(crate) fn nth(&mut self, n: i64, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        if self.plan.empty {
            return Ok(None);
        }
        // The first two periods are cut by the start, the second with SKIP=FORWARD only.
        const CUT: usize = 2;
        while self.up_to.last().is_none_or(|&last| last < n) && !self.ended {
            if self.up_to.len() >= self.cycle.saturating_add(CUT) {
                break;
            }
            steps.take()?;
            self.count_period();
        }
        let at = |index: usize| self.up_to.get(index).copied().unwrap_or(0);
        let whole = self.up_to.last().copied().unwrap_or(0);
        let (mut n, mut later) = (n, 0_i64);
        if whole < n {
            if self.ended {
                return Ok(None);
            }
            let of_cycle = whole - at(CUT - 1);
            if of_cycle == 0 {
                return Ok(None);
            }
            let cycles = (n - whole + of_cycle - 1) / of_cycle;
            n -= cycles * of_cycle;
            later = cycles.saturating_mul(i64::try_from(self.cycle).unwrap_or(i64::MAX));
        }
        let index = self.up_to.partition_point(|&count| count < n);
        let before = if index == 0 { 0 } else { at(index - 1) };
        let into = n - before - 1;
        let Some(later) = i64::try_from(index).ok().and_then(|index| index.checked_add(later)) else {
            return Ok(None);
        };
        Ok(self.within(later, into))
    }

    /// Counts the next period.
    fn count_period(&mut self) {
        let index = i64::try_from(self.up_to.len()).unwrap_or(i64::MAX);
        let Some((size, skipped)) = self.size(index) else {
            self.ended = true;
            return;
        };
        let last = self.up_to.last().copied().unwrap_or(0);
        self.up_to.push(last + size - skipped);
    }

    /// How many times a period has (chosen ones, with BYSETPOS), and how many of them come before the rule's start or
    /// were carried there already by the period before.
    fn size(&mut self, index: i64) -> Option<(i64, i64)> {
        let days = self.period(index)?.days(&self.plan.filter)?;
        let times = self.plan.times.count();
        let size = days.count() * times;
        if !self.plan.positions.is_empty() {
            let count = match self.chosen {
                Some((of, count)) if of == size => count,
                _ => i64::try_from(places(&self.plan.positions, size).len()).unwrap_or(0),
            };
            self.chosen = Some((size, count));
            let skipped = if index == 0 { self.list(0).0 } else { 0 };
            return Some((count, skipped));
        }
        let mut skipped = if index < 2 { self.before_start(&days) } else { 0 };
        if self.plan.filter.skip == Skip::Forward && index > 0 && self.carried(index - 1, &days) {
            // Of the start's own month, all that comes before the start is left out already.
            if index >= 2 || days.first == self.plan.start_day {
                skipped = times;
            }
        }
        Some((size, skipped))
    }

    fn before_start(&self, days: &super::days::DaySet) -> i64 {
        let (day, second) = split(self.plan.start);
        let times = self.plan.times.count();
        let whole = days.before(day) * times;
        let own = if days.on_or_after(day) == Some(day) { self.plan.times.on_or_after(second) } else { 0 };
        whole + own
    }

    /// Whether a period carries a day over to the first day of the next, which has it by itself.
    fn carried(&self, index: i64, next: &super::days::DaySet) -> bool {
        let Some(days) = self.period(index).and_then(|period| period.days(&self.plan.filter)) else {
            return false;
        };
        [next, &days].iter().all(|days| days.count() > 0 && days.on_or_after(next.first) == Some(next.first))
    }

    fn period(&self, index: i64) -> Option<Period> {
        // No period is longer than 372 days, and none is looked at beyond the year 9999.
        (index < 4_000_000).then(|| self.first.later(index))
    }

    /// With BYSETPOS: how many chosen times of a period come before the start, and the chosen times.
    fn list(&self, index: i64) -> (i64, Vec<i64>) {
        let Some(days) = self.period(index).and_then(|period| period.days(&self.plan.filter)) else {
            return (0, Vec::new());
        };
        let times = self.plan.times.count();
        let local = |place: i64| Some(days.nth(place / times)? * DAY + self.plan.times.nth(place % times));
        let all: Vec<i64> =
            places(&self.plan.positions, days.count() * times).into_iter().filter_map(local).collect();
        let before = all.partition_point(|&local| local < self.plan.start);
        (i64::try_from(before).unwrap_or(0), all)
    }

    /// The time so many places into a period, those skipped left out.
    fn within(&mut self, index: i64, into: i64) -> Option<i64> {
        let (_, skipped) = self.size(index)?;
        let place = into + skipped;
        if !self.plan.positions.is_empty() {
            return usize::try_from(place).ok().and_then(|place| self.list(index).1.get(place).copied());
        }
        let days = self.period(index)?.days(&self.plan.filter)?;
        let times = self.plan.times.count();
        Some(days.nth(place / times)? * DAY + self.plan.times.nth(place % times))
    }
}
