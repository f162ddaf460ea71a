//! The `rrule` crate as the engine of the rules it gets right, cheaply and within bounds.
//!
//! Measured (`make bench`): the crate is right about DAILY, WEEKLY and MONTHLY rules in floating time, so those
//! are its work. What is kept from it, and why:
//! - zones: it drops times in gaps at midnight, refuses a start in an overlap and ends its tables in 2099. It
//!   sees UTC only; `mapped` lays its wall times on the zone.
//! - text: its parser panics on non-ASCII weekdays and compiles regular expressions at first use. Rules are
//!   built field by field from what our parser accepted.
//! - COUNT, UNTIL, EXDATE and the start: it has no seek. It is started at the beginning of the period asked
//!   about; earlier times are dropped here.
//! - BYSETPOS: for WEEKLY it takes the week from the start on instead of the whole one, it narrows the range of
//!   places, and it makes every date of a period to choose one.
//! - BYDAY mixing `MO` and `2TU` (it intersects), ordinals below -4 (it refuses), SKIP (unknown to it), long
//!   lists of times (it multiplies them out in memory).
//! - HOURLY and shorter: wrong phase and lost days with BY parts, wall-clock steps over clock changes.
//! - YEARLY: BYWEEKNO is wrong without BYDAY, at the year's edges and with INTERVAL; the rest is right but costs
//!   1.4 ms for a thousand occurrences, half of what libical takes, because it rebuilds a year of masks for each.
//! - WEEKLY on several days and MONTHLY by day of the month: right too, but at 4 times the pace of the fastest
//!   other engine, where `own` runs at 17 to 38 times.
//! - sparse rules: its only bound is 100 000 silent rounds for one answer. It gets a rule only if one in 60
//!   periods is sure to have an occurrence; should it stop all the same, `nominal` carries on where it stopped.
//!
//! What it does not get, `own` computes (`elapsed` below DAILY). A test holds the two engines against each other on
//! thousands of rules of the crate's class. It is 2 to 7 times slower than `own` and a megabyte of Wasm: the price
//! of a second, widely used implementation standing behind the rules nearly everybody writes.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers: days of a month, INTERVAL up to 1 000")]

use super::filter::{EVERY_MONTH, Filter};
use super::times::Times;
use crate::calendar::{DAY, day_number};
use crate::rule::{Frequency, Parts, Skip};
use chrono::{DateTime, Weekday};
use rrule::{NWeekday, RRule, RRuleSet, RRuleSetIter, Tz};
use std::ops::RangeInclusive;

/// The years in which the crate may be started; it ends after the year 10 000 and is not used near it.
const YEARS: RangeInclusive<i64> = 1970..=9_000;

/// A rule the crate computes, without start and end.
#[derive(Clone, Debug)]
pub(super) struct ByRrule(Box<RRule>);

impl ByRrule {
    /// The crate's form of a rule, if the crate is right about it. `filter` and `times` have the start's own day
    /// and time filled in, so the crate has nothing left to take from the start it is given.
    pub(super) fn new(parts: &Parts, filter: &Filter, times: &Times) -> Option<ByRrule> {
        if !suits(parts, filter, times) {
            return None;
        }
        let frequency = match parts.frequency {
            Frequency::Daily => rrule::Frequency::Daily,
            Frequency::Weekly => rrule::Frequency::Weekly,
            Frequency::Monthly => rrule::Frequency::Monthly,
            _ => return None,
        };
        let (hours, minutes, seconds) = times.lists();
        let mut rule = RRule::new(frequency)
            .interval(u16::try_from(parts.interval).ok()?)
            .week_start(parts.week_start.unwrap_or(Weekday::Mon))
            .by_hour(hours.to_vec())
            .by_minute(minutes.to_vec())
            .by_second(seconds.to_vec())
            .by_set_pos(parts.by_set_pos.iter().copied().map(i32::from).collect())
            .by_weekday(weekdays(filter));
        if filter.months != EVERY_MONTH {
            let months = (1_u8..=12).filter(|month| filter.months & 1 << month != 0);
            rule = rule.by_month(
                &months.filter_map(|month| chrono::Month::try_from(month).ok()).collect::<Vec<_>>(),
            );
        }
        let validated = rule.validate(utc(0)?).ok()?;
        Some(ByRrule(Box::new(validated)))
    }

    /// The rule's wall times from the start of a period on (its first day), in order. `None` outside the years
    /// in which the crate is used.
    pub(super) fn from(&self, first_day: i64) -> Option<RRuleSetIter> {
        let years = day_number(*YEARS.start(), 1, 1)..day_number(*YEARS.end(), 1, 1);
        if !years.contains(&first_day) {
            return None;
        }
        let set = RRuleSet::new(utc(first_day * DAY)?).rrule(RRule::clone(&self.0)).limit();
        Some((&set).into_iter())
    }
}

fn utc(seconds: i64) -> Option<DateTime<Tz>> {
    Some(DateTime::from_timestamp(seconds, 0)?.with_timezone(&Tz::UTC))
}

fn weekdays(filter: &Filter) -> Vec<NWeekday> {
    let weekday = |day: i64| u8::try_from(day).ok().and_then(|day| Weekday::try_from(day).ok());
    let plain = (0_i64..7)
        .filter(|day| filter.weekdays & 1 << day != 0)
        .filter_map(|day| Some((None, weekday(day)?)));
    let numbered =
        filter.ordinals.iter().filter_map(|&(n, day)| Some((Some(i16::try_from(n).ok()?), weekday(day)?)));
    plain.chain(numbered).map(|(n, day)| NWeekday::new(n, day)).collect()
}

/// Whether the crate is right about a rule, and sure to have an occurrence in one of any 60 periods.
fn suits(parts: &Parts, filter: &Filter, times: &Times) -> bool {
    let every_period = parts.interval == 1;
    let every_month = filter.months == EVERY_MONTH;
    let by_number = filter.month_days != (0, 0);
    let by_name = filter.weekdays != 0 || !filter.ordinals.is_empty();
    let common_ordinals = filter.ordinals.iter().all(|(n, _)| n.abs() <= 4);
    let right = parts.interval <= 1_000
        && parts.skip == Skip::Omit
        && times.count() <= 24
        && (filter.weekdays == 0 || filter.ordinals.is_empty())
        && filter.ordinals.iter().all(|&(n, _)| (-4..=5).contains(&n))
        && parts.by_set_pos.is_empty();
    let dense = match parts.frequency {
        Frequency::Daily => every_month && !by_number && (!by_name || !parts.interval.is_multiple_of(7)),
        Frequency::Weekly => filter.weekdays.count_ones() <= 1 && (every_month || every_period),
        Frequency::Monthly if by_number => false,
        Frequency::Monthly if by_name && common_ordinals => every_month || every_period,
        Frequency::Monthly => every_month && every_period,
        _ => false,
    };
    right && dense
}
