//! Where COUNT ends a DAILY, WEEKLY, MONTHLY or YEARLY rule: the instant of its n-th occurrence.
//!
//! Wall times are counted by period (`ranks`). Where a zone skips an hour, the wall times in it are moved on, and may
//! become one with others: those are taken from the count, gap by gap.
#![expect(clippy::arithmetic_side_effects, reason = "instants up to the year 10 000")]

use super::mapped::Mapped;
use super::nominal::Nominal;
use super::plan::Plan;
use super::ranks::Ranks;
use crate::calendar::{DAY, day_number, split};
use crate::limits::{Exhausted, MAX_YEAR, Steps};
use crate::zone::Clock;

/// The last occurrence that COUNT admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Its instant.
    Last(i64),
    /// There are not as many up to the year 9999.
    Never,
    /// They can only be counted one after the other.
    OneByOne,
}

impl Plan {
    /// The `count`-th occurrence, found without listing those before it.
    pub(crate) fn last(&self, clock: Clock, count: u32, steps: &mut Steps) -> Result<Counted, Exhausted> {
        last(self, clock, count, steps)
    }
}

fn last(plan: &Plan, clock: Clock, count: u32, steps: &mut Steps) -> Result<Counted, Exhausted> {
    let count = i64::from(count);
    let days = day_number(i64::from(MAX_YEAR) + 1, 1, 1) - plan.start_day;
    if count > days * plan.times.count() {
        return Ok(Counted::Never);
    }
    let Some(mut ranks) = Ranks::new(plan) else { return Ok(Counted::OneByOne) };
    let mut clock = clock;
    // The start itself may lie in a gap.
    let at = clock.instant(plan.start - 2 * DAY);
    let mut gaps = Gaps { plan, clock, at, merged: 0, memory: None };
    let mut merged = 0;
    let local = loop {
        let Some(local) = ranks.nth(count + merged, steps)? else { return Ok(Counted::Never) };
        let found = gaps.up_to(local, steps)?;
        if found == merged {
            break local;
        }
        merged = found;
    };
    let at = clock.instant(local);
    let span = clock.span(at);
    let gap = span.start.saturating_add(span.before);
    let near_gap = span.offset > span.before && local < gap + 2 * (span.offset - span.before);
    if !near_gap || local < gap {
        return Ok(Counted::Last(at));
    }
    // Around a gap, instants and wall times come in different orders: this gap is walked through.
    let before = count + merged - 1 - count_between(plan, gap, local, steps)?;
    let mut left = count - (before - merged);
    let mut mapped = Mapped::new(Nominal::new(plan, gap, i64::MAX), clock);
    let mut last = at;
    while left > 0 {
        let Some(hit) = mapped.next(steps)? else { return Ok(Counted::Never) };
        last = hit.at;
        left -= 1;
    }
    Ok(Counted::Last(last))
}

fn count_between(plan: &Plan, from: i64, to: i64, steps: &mut Steps) -> Result<i64, Exhausted> {
    let mut nominal = Nominal::new(plan, from, to - 1);
    let mut count = 0;
    while nominal.next(steps)?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// The gaps of a zone from the start on, in order.
struct Gaps<'a> {
    plan: &'a Plan,
    clock: Clock,
    /// A stretch begins here; the gaps up to it are counted.
    at: i64,
    /// Wall times that became one with others.
    merged: i64,
    /// A gap's second of the day and length, and how many merge in it on a day that is named.
    memory: Option<(i64, i64, i64)>,
}

impl Gaps<'_> {
    /// How many wall times merge in the gaps that are over, and what moved out of them too, before a wall time.
    fn up_to(&mut self, local: i64, steps: &mut Steps) -> Result<i64, Exhausted> {
        loop {
            let end = self.clock.span(self.at).end;
            if end.saturating_sub(2 * DAY) > local {
                return Ok(self.merged);
            }
            steps.take()?;
            let span = self.clock.span(end);
            let (gap, length) = (span.start + span.before, span.offset - span.before);
            if gap + 2 * length.max(0) > local {
                return Ok(self.merged);
            }
            if length > 0 {
                self.merged += self.merging(gap, length, steps)?;
            }
            self.at = end;
        }
    }

    fn merging(&mut self, gap: i64, length: i64, steps: &mut Steps) -> Result<i64, Exhausted> {
        let times = &self.plan.times;
        if times.count() == 1 && length % DAY != 0 {
            return Ok(0);
        }
        let (day, second) = split(gap);
        let plain = self.plan.positions.is_empty() && second + 2 * length <= DAY && day > self.plan.start_day;
        if !plain {
            return self.merging_listed(gap, length, steps);
        }
        if Nominal::new(self.plan, day * DAY, day * DAY + DAY - 1).next(steps)?.is_none() {
            return Ok(0);
        }
        if let Some((_, _, merging)) = self.memory.filter(|&(at, long, _)| (at, long) == (second, length)) {
            return Ok(merging);
        }
        let mut merging = 0;
        for place in times.on_or_after(second)..times.on_or_after(second + length) {
            steps.take()?;
            let moved = times.nth(place) + length;
            let there = times.on_or_after(moved);
            merging += i64::from(there < times.count() && times.nth(there) == moved);
        }
        self.memory = Some((second, length, merging));
        Ok(merging)
    }

    /// The same, by listing what is in the gap and what is as long behind it.
    fn merging_listed(&self, gap: i64, length: i64, steps: &mut Steps) -> Result<i64, Exhausted> {
        let mut inside = Nominal::new(self.plan, gap, gap + length - 1);
        let mut behind = Nominal::new(self.plan, gap + length, gap + 2 * length - 1);
        let (mut merging, mut there) = (0, None);
        while let Some(local) = inside.next(steps)? {
            let moved = local + length;
            while there.is_none_or(|there| there < moved) {
                there = behind.next(steps)?;
                if there.is_none() {
                    return Ok(merging);
                }
            }
            merging += i64::from(there == Some(moved));
        }
        Ok(merging)
    }
}
