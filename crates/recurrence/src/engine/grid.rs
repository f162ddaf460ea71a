//! The periods of a rule, every INTERVAL-th counted from the start's own, and the days named in each.
#![expect(clippy::arithmetic_side_effects, reason = "years are at most 10 000, INTERVAL at most 2^32")]

use super::days::DaySet;
use super::filter::{Filter, week_number, week_of, week_year_start};
use crate::calendar::{civil, day_number, year_length};
use crate::limits::MAX_YEAR;
use crate::rule::Skip;

/// The kind of period. Months are counted from year 0, weeks and days by their first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Week,
    Month,
    Year,
    /// The weeks of a year instead of its days, for BYWEEKNO.
    WeekYear,
}

/// One period among the rule's, movable forwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    unit: Unit,
    /// The period's number in its unit (for weeks and days: its first day).
    at: i64,
    step: i64,
}

impl Period {
    /// The last period of the grid through `start` that begins on or before `day`, or the start's own.
    pub(super) fn on(unit: Unit, interval: i64, week_start: i64, start: i64, day: i64) -> Period {
        let number = |day: i64| {
            let (year, month, _) = civil(day);
            match unit {
                Unit::Day => day,
                Unit::Week => week_of(day, week_start),
                Unit::Month => year * 12 + month - 1,
                Unit::Year => year,
                Unit::WeekYear => week_number(week_of(day, week_start)).0,
            }
        };
        let step = if unit == Unit::Week { interval * 7 } else { interval };
        let own = number(start);
        let at = own + (number(day.max(start)) - own) / step * step;
        Period { unit, at, step }
    }

    /// The first day of a period of days, weeks or months; of a year, its January.
    pub(super) fn first_day(self) -> i64 {
        match self.unit {
            Unit::Day | Unit::Week => self.at,
            Unit::Month => day_number(self.at.div_euclid(12), self.at.rem_euclid(12) + 1, 1),
            Unit::Year | Unit::WeekYear => day_number(self.at, 1, 1),
        }
    }

    /// The period so many steps later.
    pub(super) fn later(self, steps: i64) -> Period {
        Period { at: self.at + self.step * steps, ..self }
    }

    /// One period earlier, for days that SKIP=FORWARD carries over; harmless before the start.
    pub(super) fn back(self) -> Period {
        Period { at: self.at - self.step, ..self }
    }

    /// The period's named days, or `None` after [`MAX_YEAR`].
    pub(super) fn days(self, filter: &Filter) -> Option<DaySet> {
        let last_year = i64::from(MAX_YEAR);
        match self.unit {
            Unit::Month => {
                let (year, month) = (self.at.div_euclid(12), self.at.rem_euclid(12) + 1);
                if year > last_year {
                    return None;
                }
                let mask = filter.month(year, month);
                let mut set = DaySet::empty(if mask == 0 { 0 } else { day_number(year, month, 1) });
                set.add(mask, 0);
                Some(set)
            }
            Unit::Day => fill(filter, self.at, 1),
            Unit::Week => fill(filter, self.at, 7),
            Unit::Year if self.at > last_year => None,
            Unit::Year => fill(filter, day_number(self.at, 1, 1), year_length(self.at)),
            Unit::WeekYear if self.at > last_year => None,
            Unit::WeekYear => {
                let first = week_year_start(self.at, filter.week_start);
                fill(filter, first, week_year_start(self.at + 1, filter.week_start) - first)
            }
        }
    }

    /// The next period. Months that BYMONTH leaves out, and days in months that any part leaves empty, are passed over at once.
    pub(super) fn advance(&mut self, filter: &Filter) {
        self.at += self.step;
        match self.unit {
            Unit::Month if self.step == 1 => {
                // Two years of bits, January first: after December comes January.
                let year = u32::from(filter.months) >> 1;
                self.at += i64::from(((year | year << 12) >> self.at.rem_euclid(12)).trailing_zeros());
            }
            Unit::Day => {
                let (year, month, day) = civil(self.at);
                // With SKIP=FORWARD the month before may name the first day.
                let carried = filter.skip == Skip::Forward && day == 1;
                if !carried && filter.month(year, month) == 0 {
                    let next = day_number(year + month / 12, month % 12 + 1, 1);
                    self.at += (next - self.at + self.step - 1) / self.step * self.step;
                }
            }
            _ => {}
        }
    }
}

/// The named days among `length` days from `first` on.
fn fill(filter: &Filter, first: i64, length: i64) -> Option<DaySet> {
    let (mut year, mut month, day) = civil(first);
    if year > i64::from(MAX_YEAR) {
        return None;
    }
    let mut set = DaySet::empty(first);
    let mut at = 1 - day;
    if filter.skip == Skip::Forward && day == 1 && month > 1 {
        // December carries nothing over.
        at -= crate::calendar::month_length(year, month - 1);
        month -= 1;
    }
    while at < length {
        set.add(filter.month(year, month), at);
        at += crate::calendar::month_length(year, month);
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    set.truncate(length);
    Some(set)
}
