//! The passing times of a day, sorted by the period they fall in.
#![expect(clippy::arithmetic_side_effects, reason = "seconds of a day; INTERVAL at most 2^32 hours")]

use super::plan::ElapsedPlan;
use crate::calendar::DAY;
use crate::engine::wallclock::WallClock;
use crate::limits::{Exhausted, Steps};

/// Times sorted for one step.
const SORTED: usize = 16;

/// The passing times of a day, by the period they fall in; for days of one phase modulo the period's length.
#[derive(Clone, Debug)]
pub(super) struct Sorted {
    pub(super) into: i64,
    /// Where each class begins in `times`.
    starts: Vec<usize>,
    times: Vec<i32>,
}

impl Sorted {
    /// Sorts them.
    pub(super) fn new(
        plan: &ElapsedPlan,
        wall: &WallClock,
        into: i64,
        steps: &mut Steps,
    ) -> Result<Sorted, Exhausted> {
        let unit = plan.unit;
        let classes = plan.step / unit;
        let class = |time: i64| (time - into).div_euclid(unit).rem_euclid(classes);
        let all = || {
            let mut second = 0;
            std::iter::from_fn(move || {
                if plan.single {
                    // One candidate a period, so far into it.
                    second += (into - second).rem_euclid(unit);
                }
                while second < DAY {
                    let found = wall.on_or_after(second)?;
                    second = found + 1;
                    if !plan.single || (found - into).rem_euclid(unit) == 0 {
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
        (0..times.len() / SORTED).try_for_each(|_| steps.take())?;
        Ok(Sorted { into, starts, times })
    }

    /// The times that fall in one of the periods that come round in a step.
    pub(super) fn of_class(&self, class: usize) -> &[i32] {
        let range = self.starts.get(class).zip(self.starts.get(class + 1));
        range.and_then(|(from, to)| self.times.get(*from..*to)).unwrap_or(&[])
    }
}
