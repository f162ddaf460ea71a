//! Which days a rule's BYMONTH, BYWEEKNO, BYYEARDAY, BYMONTHDAY and BYDAY name, a month at a time.
//!
//! A day is in the set of its period if every part given names it; parts not given are filled in from the start
//! (`plan`). That is RFC 5545 §3.3.10's table read as sets: "expand" and "limit" both intersect.
#![expect(clippy::arithmetic_side_effects, reason = "years are at most 10 000, all else is smaller")]

use super::yeardays::YearDays;
use crate::calendar::{day_number, month_length, weekday, year_length};
use crate::rule::Skip;

/// Bits 1 to 12.
pub(in crate::engine) const EVERY_MONTH: u16 = 0b1_1111_1111_1110;

/// Every `step` days from `first` on, `length` days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Every {
    pub(in crate::engine) first: i64,
    pub(in crate::engine) step: i64,
    pub(in crate::engine) length: i64,
}

impl Every {
    /// The days marked from a day on: bit n = n days later.
    fn mask(self, from: i64) -> u32 {
        let mut bits = 0_u64;
        let mut at = (self.first - from).rem_euclid(self.step) - self.step;
        while at < 32 {
            // Seven bits above an offset of 31, so that a week begun before `from` keeps its tail.
            let block = (1_u64 << self.length) - 1;
            bits |= if at + 31 >= 0 { block << (at + 31) } else { 0 };
            at += self.step;
        }
        u32::try_from(bits >> 31 & 0xffff_ffff).unwrap_or(0)
    }
}

/// Days by number, weekday, week and month. An unused filter is `None` or 0 as its field says.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Filter {
    /// Bit n = month n; all of 1–12 if unused.
    pub(in crate::engine) months: u16,
    /// Bit n = day n + 1 of the month; counted from its end in the second mask. 0 if unused.
    pub(in crate::engine) month_days: (u32, u32),
    /// BYYEARDAY.
    pub(in crate::engine) year_days: Option<Box<YearDays>>,
    /// Bit n = week n of the year; counted from its end in the second mask. 0 if unused.
    pub(in crate::engine) weeks: (u64, u64),
    /// Bit n = weekday n, Monday = 0. Both 0 and empty if BYDAY is unused.
    pub(in crate::engine) weekdays: u8,
    /// Numbered weekdays: (±n, weekday).
    pub(in crate::engine) ordinals: Vec<(i64, i64)>,
    /// Whether numbered weekdays count within the year instead of the month.
    pub(in crate::engine) of_year: bool,
    pub(in crate::engine) week_start: i64,
    pub(in crate::engine) skip: Skip,
    /// INTERVAL of days or weeks, where periods are not walked one by one.
    pub(in crate::engine) every: Option<Every>,
}

impl Filter {
    /// Whether no part limits the days.
    pub(in crate::engine) fn names_every_day(&self) -> bool {
        let by_number = self.month_days == (0, 0) && self.year_days.is_none() && self.weeks == (0, 0);
        by_number && self.months == EVERY_MONTH && self.weekdays == 0 && self.ordinals.is_empty()
    }

    /// The named days of a month: bit n = day n + 1. With SKIP=FORWARD, the bit after the last is the first of
    /// the next month.
    pub(in crate::engine) fn month(&self, year: i64, month: i64) -> u32 {
        if self.months & (1 << month) == 0 {
            return 0;
        }
        let length = month_length(year, month);
        let inside = !(u32::MAX.checked_shl(u32::try_from(length).unwrap_or(31)).unwrap_or(0));
        let mut days = if self.month_days == (0, 0) { inside } else { self.numbered_days(length, inside) };
        if days != 0 && (self.weekdays != 0 || !self.ordinals.is_empty()) {
            days &= self.named_days(year, month, length);
        }
        if days != 0
            && let Some(year_days) = &self.year_days
        {
            days &= year_days.month(year, month);
        }
        if days != 0 && self.weeks != (0, 0) {
            days &= self.in_weeks(year, month, length);
        }
        if days != 0
            && let Some(every) = self.every
        {
            days &= every.mask(day_number(year, month, 1));
        }
        days
    }

    fn numbered_days(&self, length: i64, inside: u32) -> u32 {
        let (from_start, from_end) = self.month_days;
        // Bit n of `from_end` is the (n + 1)-th day from the end.
        let mut days = from_start | (from_end.reverse_bits() >> (32 - length));
        let outside = days & !inside;
        days &= inside;
        if outside != 0 {
            match self.skip {
                Skip::Omit => {}
                Skip::Backward => days |= 1 << (length - 1),
                Skip::Forward => days |= 1 << length,
            }
        }
        days
    }

    fn named_days(&self, year: i64, month: i64, length: i64) -> u32 {
        let first = day_number(year, month, 1);
        let first_weekday = weekday(first);
        let mut days = 0;
        if self.weekdays != 0 {
            let week = u64::from(self.weekdays);
            let from_first = ((week | week << 7) >> first_weekday) & 0x7f;
            let all = from_first | from_first << 7 | from_first << 14 | from_first << 21 | from_first << 28;
            days = u32::try_from(all & 0xffff_ffff).unwrap_or(0);
        }
        if self.ordinals.is_empty() {
            return days;
        }
        // Numbered weekdays count in a stretch of `size` days that starts `before` days before the month.
        let (before, size) = match self.of_year {
            true => (first - day_number(year, 1, 1), year_length(year)),
            false => (0, length),
        };
        let stretch_weekday = (first_weekday - before).rem_euclid(7);
        for &(ordinal, wanted) in &self.ordinals {
            let ahead = (wanted - stretch_weekday).rem_euclid(7);
            let place = if ordinal > 0 {
                ahead + (ordinal - 1) * 7
            } else {
                let last = ahead + (size - 1 - ahead) / 7 * 7;
                last + (ordinal + 1) * 7
            };
            let day = place - before;
            if (0..size).contains(&place) && (0..length).contains(&day) {
                days |= 1 << day;
            }
        }
        days
    }

    fn in_weeks(&self, year: i64, month: i64, length: i64) -> u32 {
        let first = day_number(year, month, 1);
        let mut start = week_of(first, self.week_start);
        let mut days = 0_u64;
        while start < first + length {
            let (_, number, total) = week_number(start);
            let from_end = total + 1 - number;
            if self.weeks.0 & (1 << number) != 0 || self.weeks.1 & (1 << from_end) != 0 {
                // Seven days above an offset of 7, so that a week begun in the month before keeps its tail.
                days |= 0x7f << (start - first + 7);
            }
            start += 7;
        }
        u32::try_from((days >> 7) & 0xffff_ffff).unwrap_or(0)
    }
}

/// The first day of the week a day lies in.
pub(in crate::engine) fn week_of(day: i64, week_start: i64) -> i64 {
    day - (weekday(day) - week_start).rem_euclid(7)
}

/// The year a week belongs to (that of its fourth day), its number, and that year's number of weeks.
pub(in crate::engine) fn week_number(week: i64) -> (i64, i64, i64) {
    let fourth = week + 3;
    let (year, _, _) = crate::calendar::civil(fourth);
    let of_year = fourth - day_number(year, 1, 1);
    let first_fourth = of_year % 7;
    (year, of_year / 7 + 1, (year_length(year) - 1 - first_fourth) / 7 + 1)
}

/// The first day of week 1 of a year: the week with at least four days in it (RFC 5545 §3.3.10).
pub(in crate::engine) fn week_year_start(year: i64, week_start: i64) -> i64 {
    week_of(day_number(year, 1, 4), week_start)
}
