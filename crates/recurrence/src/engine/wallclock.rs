//! The wall-clock test of sub-daily rules: which days, hours, minutes and seconds their BY parts let through.
#![expect(clippy::arithmetic_side_effects, reason = "instants up to the year 10 000, bits of small numbers")]

use super::filter::Filter;
use crate::calendar::{DAY, civil, day_number, split};
use crate::limits::{Exhausted, Steps};
use crate::zone::Clock;

/// What a wall time must show. Unused parts let everything through.
#[derive(Clone, Debug)]
pub(in crate::engine) struct WallClock {
    pub(in crate::engine) days: Filter,
    pub(in crate::engine) hours: u64,
    pub(in crate::engine) minutes: u64,
    pub(in crate::engine) seconds: u64,
}

/// A list as bits; all 60 if empty.
pub(in crate::engine) fn bits(values: &[u8]) -> u64 {
    if values.is_empty() {
        return u64::MAX;
    }
    values.iter().fold(0, |bits, &value| bits | 1 << value)
}

impl WallClock {
    /// Whether everything passes.
    pub(in crate::engine) fn is_open(&self) -> bool {
        let every = u64::MAX;
        self.hours == every && self.minutes == every && self.seconds == every && self.days.names_every_day()
    }

    /// Whether a day passes.
    pub(in crate::engine) fn day_passes(&self, day: i64) -> bool {
        self.day_on_or_after(day, day) == Some(day)
    }

    /// Whether a second of the day passes.
    pub(in crate::engine) fn time_passes(&self, second: i64) -> bool {
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        self.hours >> hour & self.minutes >> minute & self.seconds >> second & 1 == 1
    }

    /// The first instant from `at` to about `until` whose wall time passes.
    pub(in crate::engine) fn next(
        &self,
        at: i64,
        until: i64,
        clock: &mut Clock,
        steps: &mut Steps,
    ) -> Result<Option<i64>, Exhausted> {
        let mut at = at;
        loop {
            steps.take()?;
            let span = clock.span(at);
            let (day, second) = split(at + span.offset);
            if at > until {
                return Ok(None);
            }
            let (year, month, _) = civil(day);
            let end_of_month = day_number(year, month, crate::calendar::month_length(year, month));
            let local = match self.day_on_or_after(day, end_of_month) {
                Some(found) if found == day => match self.time_on_or_after(second) {
                    Some(time) if day * DAY + time - span.offset < span.end => {
                        return Ok(Some(day * DAY + time - span.offset));
                    }
                    _ => (day + 1) * DAY,
                },
                Some(found) => found * DAY,
                None => (end_of_month + 1) * DAY,
            };
            at = (local - span.offset).min(span.end);
        }
    }

    /// The first passing day from `day` to `last`, both in one month.
    fn day_on_or_after(&self, day: i64, last: i64) -> Option<i64> {
        let (year, month, of_month) = civil(day);
        let rest = u64::from(self.days.month(year, month)) >> (of_month - 1);
        let found = day + i64::from(rest.trailing_zeros());
        (found <= last).then_some(found)
    }

    /// The first passing second of a day at or after `second`.
    pub(in crate::engine) fn time_on_or_after(&self, second: i64) -> Option<i64> {
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let from = |bits: u64, low: i64, end: i64| {
            let place = if low < end { i64::from((bits & (u64::MAX << low)).trailing_zeros()) } else { end };
            (place < end).then_some(place)
        };
        let (first_minute, first_second) = (from(self.minutes, 0, 60)?, from(self.seconds, 0, 60)?);
        if from(self.hours, hour, 24) == Some(hour) {
            if from(self.minutes, minute, 60) == Some(minute)
                && let Some(second) = from(self.seconds, second, 60)
            {
                return Some(hour * 3_600 + minute * 60 + second);
            }
            if let Some(minute) = from(self.minutes, minute + 1, 60) {
                return Some(hour * 3_600 + minute * 60 + first_second);
            }
        }
        from(self.hours, hour + 1, 24).map(|hour| hour * 3_600 + first_minute * 60 + first_second)
    }
}
