//! A rule with the parts it takes from its start written out, so that words can be found for them.

use crate::rule::{Frequency, Parts, WeekdayNum};
use chrono::{Datelike, NaiveDateTime, Timelike};

/// The parts with those that RFC 5545 §3.3.10 takes from the start filled in.
pub(super) fn explicit(parts: &Parts, start: NaiveDateTime, dates: bool) -> Parts {
    let mut parts = parts.clone();
    let names_days =
        !(parts.by_day.is_empty() && parts.by_month_day.is_empty() && parts.by_year_day.is_empty());
    let weekday = WeekdayNum { ordinal: None, weekday: start.weekday() };
    let day = i8::try_from(start.day()).unwrap_or(1);
    match parts.frequency {
        Frequency::Weekly if !names_days => parts.by_day.push(weekday),
        Frequency::Monthly if !names_days => parts.by_month_day.push(day),
        Frequency::Yearly if !names_days && !parts.by_week_no.is_empty() => parts.by_day.push(weekday),
        Frequency::Yearly if !names_days => {
            parts.by_month_day.push(day);
            if parts.by_month.is_empty() {
                parts.by_month.push(u8::try_from(start.month()).unwrap_or(1));
            }
        }
        _ => {}
    }
    if dates {
        (parts.by_hour, parts.by_minute, parts.by_second) = (Vec::new(), Vec::new(), Vec::new());
    } else if parts.frequency >= Frequency::Daily {
        let own = |list: &mut Vec<u8>, value: u32| {
            if list.is_empty() {
                list.push(u8::try_from(value).unwrap_or(0));
            }
            list.sort_unstable();
            list.dedup();
        };
        own(&mut parts.by_hour, start.hour());
        own(&mut parts.by_minute, start.minute());
        own(&mut parts.by_second, start.second());
    }
    parts
}
