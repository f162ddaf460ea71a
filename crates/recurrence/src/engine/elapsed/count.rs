//! Where COUNT ends a sub-daily rule: the instant of its n-th occurrence, days counted whole.
#![expect(clippy::arithmetic_side_effects, reason = "COUNT is below 2^32; instants up to the year 10 000")]

use super::{Elapsed, ElapsedPlan, Stretch, next_month};
use crate::calendar::DAY;
use crate::engine::counted::Counted;
use crate::limits::{Exhausted, Steps};
use crate::zone::Clock;

/// Occurrences listed one by one before days are counted whole.
const LISTED: i64 = 200;
/// Months counted for one step.
const MONTHS: u32 = 4;

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
    let found = elapsed.skip(left, steps)?;
    Ok(found.map_or(Counted::Never, Counted::Last))
}

impl Elapsed<'_> {
    /// The n-th instant from `from` on, from 1.
    fn skip(&mut self, n: i64, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        let mut left = n;
        loop {
            while let Some(at) = self.chosen.pop() {
                left -= 1;
                if left == 0 {
                    return Ok(Some(at));
                }
            }
            if self.from > self.until {
                return Ok(None);
            }
            steps.take()?;
            match self.stretch() {
                Some(stretch) => {
                    if let Some(at) = self.skip_days(stretch, &mut left, steps)? {
                        return Ok(Some(at));
                    }
                    self.from = stretch.end;
                }
                None => self.choose(steps)?,
            }
        }
    }

    /// Counts the instants of a stretch off `left`; the one at which nothing is left, if it is among them.
    fn skip_days(
        &mut self,
        stretch: Stretch,
        left: &mut i64,
        steps: &mut Steps,
    ) -> Result<Option<i64>, Exhausted> {
        let mut at = self.next_period(self.from);
        let mut months = 0;
        // Of the day last counted whole: its phase, and how many passed.
        let mut whole = (i64::MIN, 0);
        while at < stretch.end {
            let (first, mut rest) = self.month(at, stretch);
            while rest != 0 {
                let day = first + i64::from(rest.trailing_zeros());
                let begin = day * DAY - stretch.offset;
                if begin >= stretch.end {
                    break;
                }
                let phase = self.days.phase(day, stretch.offset);
                let (from, to) = ((at - begin).max(0), DAY.min(stretch.end - begin));
                let is_whole = from == 0 && to == DAY;
                let count = match whole {
                    (of, count) if is_whole && of == phase => count,
                    _ => self.days.count(phase, from, to, steps)?,
                };
                if is_whole {
                    whole = (phase, count);
                }
                if count >= *left {
                    let second = self.days.nth(phase, from, *left - 1, steps)?;
                    return Ok(Some(begin + second));
                }
                *left -= count;
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
}
