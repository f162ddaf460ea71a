//! Where COUNT ends a sub-daily rule: the instant of its n-th occurrence, days counted whole.
#![expect(clippy::arithmetic_side_effects, reason = "COUNT is below 2^32; instants up to the year 10 000")]

use super::day::Days;
use super::walk::{Look, Part};
use super::{Elapsed, ElapsedPlan};
use crate::calendar::DAY;
use crate::engine::counted::Counted;
use crate::limits::{Exhausted, Steps};
use crate::zone::Clock;

/// Occurrences listed one by one before days are counted whole.
const LISTED: i64 = 200;

impl ElapsedPlan {
    /// The `count`-th occurrence, found without listing those before it.
    pub(crate) fn last(&self, clock: Clock, count: u32, steps: &mut Steps) -> Result<Counted, Exhausted> {
        last(self, clock, count, steps)
    }
}

fn last(plan: &ElapsedPlan, clock: Clock, count: u32, steps: &mut Steps) -> Result<Counted, Exhausted> {
    if let Some(at) = plan.nth(count) {
        return Ok(Counted::Last(at));
    }
    if plan.straddles(&clock) {
        return Ok(Counted::OneByOne);
    }
    let mut left = i64::from(count);
    let mut elapsed = Elapsed::new(plan, clock, i64::MIN, i64::MAX);
    // A day has no more seconds that pass than its clock shows, and its clock shows each at most twice.
    let days = (elapsed.until - elapsed.from) / DAY + 2;
    let of_second = elapsed.days.wall.before(DAY);
    let of_day = 2 * if plan.single { of_second / plan.unit + 1 } else { of_second };
    let periods = (elapsed.until - elapsed.from) / plan.step + 2;
    let most = (days * of_day).min(if plan.single { periods } else { i64::MAX });
    if plan.empty || left > most {
        return Ok(Counted::Never);
    }
    let mut last = i64::MIN;
    for _ in 0..left.min(LISTED) {
        // Where a rule ends before its COUNT is known too, so that nothing is looked for behind it.
        let Some(hit) = elapsed.next(steps)? else { return Ok(Counted::Last(last)) };
        last = hit.at;
        left -= 1;
    }
    if left == 0 {
        return Ok(Counted::Last(last));
    }
    let found = elapsed.walk(&mut Nth { left, whole: (i64::MIN, 0) }, steps)?;
    Ok(found.map_or(Counted::Never, Counted::Last))
}

/// The n-th instant that passes, from 1: days are counted whole.
struct Nth {
    left: i64,
    /// Of the day last counted whole: its phase, and how many passed.
    whole: (i64, i64),
}

impl Look for Nth {
    const MONTHS: u32 = 4;

    fn is_it(&mut self) -> bool {
        self.left -= 1;
        self.left == 0
    }

    fn on(&mut self, days: &mut Days<'_>, part: &Part, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        let Part { phase, from, to } = *part;
        let is_whole = from == 0 && to == DAY;
        let count = match self.whole {
            (of, count) if is_whole && of == phase => count,
            _ => days.count(phase, from, to, steps)?,
        };
        if is_whole {
            self.whole = (phase, count);
        }
        if count >= self.left {
            return days.nth(phase, from, self.left - 1, steps).map(Some);
        }
        self.left -= count;
        Ok(None)
    }
}
