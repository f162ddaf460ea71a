//! What passes on one day of the wall clock, while its offset stays the same.
#![expect(clippy::arithmetic_side_effects, reason = "seconds of a day; INTERVAL at most 2^32 hours")]

use super::plan::ElapsedPlan;
use crate::calendar::DAY;
use crate::engine::wallclock::WallClock;
use crate::limits::{Exhausted, Steps};

/// Rounds a search may take before the day's times are sorted by the period they fall in.
const ROUNDS: u32 = 12;
/// Times sorted for one step.
const SORTED: usize = 16;

/// Finds the passing times of days. A day is given by its phase: the second of it at which the next period begins (for
/// a rule with one candidate a period, at which that is), below [`ElapsedPlan::step`].
#[derive(Clone, Debug)]
pub(super) struct Days<'a> {
    plan: &'a ElapsedPlan,
    pub(super) wall: &'a WallClock,
    sorted: Vec<Sorted>,
}

/// The passing times of a day, by the period they fall in; for days of one phase modulo the period's length.
#[derive(Clone, Debug)]
struct Sorted {
    into: i64,
    /// Where each class begins in `times`.
    starts: Vec<usize>,
    times: Vec<i32>,
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
            let sorted = self.sort(into);
            (0..sorted.times.len() / SORTED).try_for_each(|_| steps.take())?;
            self.sorted.push(sorted);
        }
        let class = usize::try_from((phase - into) / self.plan.unit).unwrap_or(0);
        let sorted = self.sorted.iter().find(|sorted| sorted.into == into);
        let range = sorted.and_then(|sorted| {
            let (from, to) = (*sorted.starts.get(class)?, *sorted.starts.get(class + 1)?);
            sorted.times.get(from..to)
        });
        Ok(range.unwrap_or(&[]))
    }

    fn sort(&self, into: i64) -> Sorted {
        let unit = self.plan.unit;
        let classes = self.plan.step / unit;
        let class = |time: i64| (time - into).div_euclid(unit).rem_euclid(classes);
        let all = || {
            let mut second = 0;
            std::iter::from_fn(move || {
                if self.plan.single {
                    // One candidate a period, so far into it.
                    second += (into - second).rem_euclid(unit);
                }
                while second < DAY {
                    let found = self.wall.on_or_after(second)?;
                    second = found + 1;
                    if !self.plan.single || (found - into).rem_euclid(unit) == 0 {
                        return Some(found);
                    }
                    second += (into - second).rem_euclid(unit);
                }
                None
            })
        };
        let place = |time: i64| usize::try_from(class(time)).unwrap_or(0);
        let mut starts = vec![0_usize; usize::try_from(classes).unwrap_or(0) + 2];
        for time in all() {
            if let Some(count) = starts.get_mut(place(time) + 2) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut times = vec![0_i32; sum];
        for time in all() {
            if let Some(start) = starts.get_mut(place(time) + 1) {
                if let Some(slot) = times.get_mut(*start) {
                    *slot = i32::try_from(time).unwrap_or(0);
                }
                *start += 1;
            }
        }
        Sorted { into, starts, times }
    }
}
