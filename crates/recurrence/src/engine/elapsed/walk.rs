//! Going through time: stretches of one offset, the months in them, and the days in those.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "instants up to the year 10 000; INTERVAL at most 2^32 hours"
)]

use super::Elapsed;
use super::day::Days;
use crate::calendar::{DAY, civil, day_number, month_length, split};
use crate::limits::{Exhausted, Steps};

/// A stretch of time in which days can be told by their phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// It ends before this instant.
    pub(super) end: i64,
    pub(super) offset: i64,
}

/// A day that passes, or the part of it that lies in a stretch.
pub(super) struct Part {
    pub(super) phase: i64,
    /// Its first second, and the one after its last.
    pub(super) from: i64,
    pub(super) to: i64,
}

/// What is looked for on the way.
pub(super) trait Look {
    /// Months looked at for one step.
    const MONTHS: u32;

    /// Whether an instant that passes is the one.
    fn is_it(&mut self) -> bool;

    /// The second of a day at which it is found.
    fn on(&mut self, days: &mut Days<'_>, part: &Part, steps: &mut Steps) -> Result<Option<i64>, Exhausted>;
}

/// The first instant that passes.
pub(super) struct First;

impl Look for First {
    const MONTHS: u32 = 2;

    fn is_it(&mut self) -> bool {
        true
    }

    fn on(&mut self, days: &mut Days<'_>, part: &Part, steps: &mut Steps) -> Result<Option<i64>, Exhausted> {
        days.on_or_after(part.phase, part.from, steps)
    }
}

impl Elapsed<'_> {
    /// The instant looked for, from `from` on.
    pub(super) fn walk<L: Look>(
        &mut self,
        look: &mut L,
        steps: &mut Steps,
    ) -> Result<Option<i64>, Exhausted> {
        loop {
            while let Some(at) = self.chosen.pop() {
                if look.is_it() {
                    return Ok(Some(at));
                }
            }
            if self.from > self.until {
                return Ok(None);
            }
            steps.take()?;
            match self.stretch() {
                Some(stretch) => {
                    if let Some(at) = self.walk_days(stretch, look, steps)? {
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

    /// The instant looked for, from `from` on in a stretch.
    pub(super) fn walk_days<L: Look>(
        &mut self,
        stretch: Stretch,
        look: &mut L,
        steps: &mut Steps,
    ) -> Result<Option<i64>, Exhausted> {
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
                let part = Part { phase, from: (at - begin).max(0), to: DAY.min(stretch.end - begin) };
                if let Some(second) = look.on(&mut self.days, &part, steps)? {
                    let found = begin + second;
                    return Ok((found < stretch.end).then_some(found));
                }
                rest &= rest - 1;
            }
            months += 1;
            if months == L::MONTHS {
                months = 0;
                steps.take()?;
            }
            at = self.next_period(next_month(first) * DAY - stretch.offset);
        }
        Ok(None)
    }

    /// The first day of the month an instant lies in on the wall clock, and the days that pass from its own on.
    pub(super) fn month(&mut self, at: i64, stretch: Stretch) -> (i64, u32) {
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
    pub(super) fn next_period(&self, at: i64) -> i64 {
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
