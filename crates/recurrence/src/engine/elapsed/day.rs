//! What passes on one day of the wall clock, while its offset stays the same.
#![expect(clippy::arithmetic_side_effects, reason = "seconds of a day; INTERVAL at most 2^32 hours")]

use super::plan::ElapsedPlan;
use super::sorted::Sorted;
use crate::calendar::DAY;
use crate::engine::wallclock::WallClock;
use crate::limits::{Exhausted, Steps};

/// Rounds a search may take before the day's times are sorted by the period they fall in.
const ROUNDS: u32 = 12;

/// Finds the passing times of days. A day is given by its phase: the second of it at which the next period begins (for
/// a rule with one candidate a period, at which that is), below [`ElapsedPlan::step`].
#[derive(Clone, Debug)]
pub(super) struct Days<'a> {
    plan: &'a ElapsedPlan,
    pub(super) wall: &'a WallClock,
    sorted: Vec<Sorted>,
}

impl<'a> Days<'a> {
    pub(super) fn new(plan: &'a ElapsedPlan, wall: &'a WallClock) -> Days<'a> {
        Days { plan, wall, sorted: Vec::new() }
    }

    /// The phase of a day under an offset.
    pub(super) fn phase(&self, day: i64, offset: i64) -> i64 {
        let origin = if self.plan.single { self.plan.start } else { self.plan.base };
        (origin + offset - day * DAY).rem_euclid(self.plan.step)
    }

    /// The first second from `from` on that passes, of a day of some phase.
    pub(super) fn on_or_after(
        &mut self,
        phase: i64,
        from: i64,
        steps: &mut Steps,
    ) -> Result<Option<i64>, Exhausted> {
        let length = if self.plan.single { 1 } else { self.plan.unit };
        let mut second = from;
        for _ in 0..if self.sorted.is_empty() { ROUNDS } else { 1 } {
            let into = (second - phase).rem_euclid(self.plan.step);
            if into >= length {
                second += self.plan.step - into;
            }
            if second >= DAY {
                return Ok(None);
            }
            match self.wall.on_or_after(second) {
                Some(found) if found > second => second = found,
                found => return Ok(found),
            }
        }
        if self.plan.step >= DAY {
            return Ok(None);
        }
        let times = self.of_phase(phase, steps)?;
        Ok(times.get(times.partition_point(|&time| i64::from(time) < from)).copied().map(i64::from))
    }

    /// How many seconds from `from` on and before `to` pass, of a day of some phase.
    pub(super) fn count(
        &mut self,
        phase: i64,
        from: i64,
        to: i64,
        steps: &mut Steps,
    ) -> Result<i64, Exhausted> {
        let (step, single) = (self.plan.step, self.plan.single);
        if single && self.wall.is_open() {
            let up_to = |end: i64| (end - phase + step - 1).div_euclid(step);
            return Ok(up_to(to) - up_to(from));
        }
        if step >= DAY {
            // At most one period begins on the day, and the tail of one lies before it.
            let length = if single { 1 } else { self.plan.unit };
            let mut count = 0;
            for begin in [phase - step, phase] {
                let (low, high) = (begin.max(from), (begin + length).min(to));
                count += if low < high { self.wall.before(high) - self.wall.before(low) } else { 0 };
            }
            return Ok(count);
        }
        let times = self.of_phase(phase, steps)?;
        let up_to = |end: i64| times.partition_point(|&time| i64::from(time) < end);
        Ok(i64::try_from(up_to(to) - up_to(from)).unwrap_or(0))
    }

    /// The n-th second from `from` on that passes, from 0, of a day of some phase that has as many.
    pub(super) fn nth(&mut self, phase: i64, from: i64, n: i64, steps: &mut Steps) -> Result<i64, Exhausted> {
        let (mut low, mut high) = (from, DAY - 1);
        while low < high {
            let middle = (low + high) / 2;
            if self.count(phase, from, middle + 1, steps)? > n { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }

    /// The passing times of a day of some phase; the period is shorter than a day.
    fn of_phase(&mut self, phase: i64, steps: &mut Steps) -> Result<&[i32], Exhausted> {
        let into = phase.rem_euclid(self.plan.unit);
        if !self.sorted.iter().any(|sorted| sorted.into == into) {
            self.sorted.push(Sorted::new(self.plan, self.wall, into, steps)?);
        }
        let class = usize::try_from((phase - into) / self.plan.unit).unwrap_or(0);
        let sorted = self.sorted.iter().find(|sorted| sorted.into == into);
        Ok(sorted.map_or(&[], |sorted| sorted.of_class(class)))
    }
}
