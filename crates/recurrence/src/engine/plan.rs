//! A rule together with its start: every part that was not given filled in from the start.
#![expect(clippy::arithmetic_side_effects, reason = "bits of small numbers")]

use super::filter::{EVERY_MONTH, Every, Filter, week_of};
use super::grid::Unit;
use super::positions::{places, positions};
use super::times::Times;
use super::yeardays::YearDays;
use crate::calendar::{civil, split, weekday};
use crate::rule::{Frequency, Parts};

/// What the engine runs.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The period to walk by, and how many of them are one step.
    pub(in crate::engine) unit: Unit,
    pub(in crate::engine) interval: i64,
    pub(in crate::engine) week_start: i64,
    /// The start's day.
    pub(in crate::engine) start_day: i64,
    /// The start in seconds of its wall clock.
    pub(in crate::engine) start: i64,
    pub(in crate::engine) filter: Filter,
    pub(in crate::engine) times: Times,
    /// BYSETPOS, sorted, without repetition.
    pub(in crate::engine) positions: Vec<i64>,
    /// Whether it is certain that no day is named.
    pub(in crate::engine) empty: bool,
}

impl Plan {
    /// Whether it is certain that no day is named: no period is large enough for any of the places BYSETPOS asks for,
    /// or the interval never comes to one of the weekdays.
    fn names_nothing(&self) -> bool {
        let most_days = match self.unit {
            Unit::Day => 1,
            Unit::Week => i64::from(self.filter.weekdays.count_ones()),
            Unit::Month => 31,
            Unit::Year | Unit::WeekYear => 371,
        };
        let most = most_days * self.times.count();
        let no_place = !self.positions.is_empty() && self.positions.iter().all(|place| place.abs() > most);
        let step = match (self.unit, self.filter.every) {
            (Unit::Day, _) => self.interval,
            (_, Some(every)) if every.length == 1 => every.step,
            _ => 1,
        };
        // Every seven days is the same weekday for ever.
        let whole_weeks = step % 7 == 0 && self.filter.weekdays != 0;
        let no_weekday = whole_weeks && self.filter.weekdays & 1 << weekday(self.start_day) == 0;
        no_place || no_weekday || self.times.count() == 0
    }

    /// `start` in seconds of its wall clock. A series of dates ignores BYHOUR, BYMINUTE and BYSECOND, as
    /// RFC 5545 §3.3.10 wants.
    pub(crate) fn new(parts: &Parts, start: i64, dates: bool) -> Plan {
        let (start_day, second) = split(start);
        let week_start = parts.week_start.map_or(0, |day| i64::from(day.num_days_from_monday()));
        let mut positions = positions(parts);
        let mut times = if dates {
            Times::new(&[], &[], &[], 0)
        } else {
            Times::new(&parts.by_hour, &parts.by_minute, &parts.by_second, second)
        };
        if parts.frequency == Frequency::Daily && !positions.is_empty() {
            // A day's times are always the same, and so are those chosen of them.
            let chosen = places(&positions, times.count());
            times = times.only(&chosen);
            positions.clear();
        }
        let mut filter = filter(parts, start_day, week_start);
        let interval = i64::from(parts.interval);
        let mut unit = period(parts);
        // Days and weeks not chosen by place are quicker to walk a month at a time, every so many days marked.
        let (first, step, length) = match unit {
            Unit::Day => (start_day, interval, 1),
            Unit::Week => (week_of(start_day, week_start), interval.saturating_mul(7), 7),
            _ => (0, i64::MAX, 0),
        };
        let by_month = positions.is_empty() && (interval == 1 || step <= MONTH);
        if by_month {
            unit = Unit::Month;
            filter.every = (step <= MONTH && step > length).then_some(Every { first, step, length });
        }
        let interval = if by_month { 1 } else { interval };
        let empty = false;
        let plan = Plan { unit, interval, week_start, start_day, start, filter, times, positions, empty };
        Plan { empty: plan.names_nothing(), ..plan }
    }
}

/// Days of the longest month.
const MONTH: i64 = 31;

/// The period that BYSETPOS chooses from and INTERVAL counts.
fn period(parts: &Parts) -> Unit {
    match parts.frequency {
        Frequency::Yearly if parts.by_week_no.is_empty() => Unit::Year,
        Frequency::Yearly => Unit::WeekYear,
        Frequency::Monthly => Unit::Month,
        Frequency::Weekly => Unit::Week,
        _ => Unit::Day,
    }
}

/// The day filter of a rule that starts on a day.
pub(in crate::engine) fn filter(parts: &Parts, start_day: i64, week_start: i64) -> Filter {
    let (_, month, day) = civil(start_day);
    let mut filter = Filter {
        months: parts.by_month.iter().fold(0, |bits, &month| bits | 1 << month),
        month_days: parts.by_month_day.iter().fold((0, 0), |(start, end), &day| {
            let bit = 1 << (day.unsigned_abs() - 1);
            if day > 0 { (start | bit, end) } else { (start, end | bit) }
        }),
        year_days: (!parts.by_year_day.is_empty()).then(|| Box::new(YearDays::new(&parts.by_year_day))),
        weeks: parts.by_week_no.iter().fold((0, 0), |(start, end), &week| {
            let bit = 1 << week.unsigned_abs();
            if week > 0 { (start | bit, end) } else { (start, end | bit) }
        }),
        weekdays: 0,
        ordinals: Vec::new(),
        of_year: parts.frequency == Frequency::Yearly && parts.by_month.is_empty(),
        week_start,
        skip: parts.skip,
        every: None,
    };
    for value in &parts.by_day {
        let weekday = i64::from(value.weekday.num_days_from_monday());
        match value.ordinal {
            Some(ordinal) => filter.ordinals.push((i64::from(ordinal), weekday)),
            None => filter.weekdays |= 1 << weekday,
        }
    }
    let names_days =
        !(parts.by_day.is_empty() && parts.by_month_day.is_empty() && parts.by_year_day.is_empty());
    if !names_days {
        match parts.frequency {
            Frequency::Yearly if !parts.by_week_no.is_empty() => filter.weekdays = 1 << weekday(start_day),
            Frequency::Yearly | Frequency::Monthly => filter.month_days.0 = 1 << (day - 1),
            Frequency::Weekly => filter.weekdays = 1 << weekday(start_day),
            _ => {}
        }
        if parts.frequency == Frequency::Yearly && parts.by_week_no.is_empty() && filter.months == 0 {
            filter.months = 1 << month;
        }
    }
    if filter.months == 0 {
        filter.months = EVERY_MONTH;
    }
    filter
}
