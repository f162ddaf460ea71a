//! Whether a wall time satisfies a rule's BY parts, written from RFC 5545 §3.3.10 with chrono alone and sharing
//! nothing with the engine.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, Timelike, Weekday};
use perennial_recurrence::{Frequency, Parts, WeekdayNum};

/// Whether the day passes BYMONTH, BYWEEKNO, BYYEARDAY, BYMONTHDAY and BYDAY as given.
pub fn day_passes(parts: &Parts, day: NaiveDate) -> bool {
    let last_of_month = i64::from(day.num_days_in_month());
    let last_of_year = i64::from(if day.leap_year() { 366 } else { 365 });
    let counted = |list: &[i64], value: i64, size: i64| {
        list.is_empty() || list.iter().any(|&wanted| wanted == value || wanted == value - size - 1)
    };
    let longs = |list: &[i8]| list.iter().map(|&value| i64::from(value)).collect::<Vec<_>>();
    let year_days: Vec<i64> = parts.by_year_day.iter().map(|&value| i64::from(value)).collect();
    let (week, weeks) = week_of_year(day, parts.week_start.unwrap_or(Weekday::Mon));
    (parts.by_month.is_empty() || parts.by_month.iter().any(|&month| u32::from(month) == day.month()))
        && counted(&longs(&parts.by_week_no), week, weeks)
        && counted(&year_days, i64::from(day.ordinal()), last_of_year)
        && counted(&longs(&parts.by_month_day), i64::from(day.day()), last_of_month)
        && (parts.by_day.is_empty() || parts.by_day.iter().any(|wanted| is_weekday(parts, wanted, day)))
}

fn is_weekday(parts: &Parts, wanted: &WeekdayNum, day: NaiveDate) -> bool {
    if day.weekday() != wanted.weekday {
        return false;
    }
    let Some(ordinal) = wanted.ordinal else { return true };
    let of_year = parts.frequency == Frequency::Yearly && parts.by_month.is_empty();
    let (place, size) = match of_year {
        true => (day.ordinal0(), if day.leap_year() { 366 } else { 365 }),
        false => (day.day0(), u32::from(day.num_days_in_month())),
    };
    let before = i64::from(place / 7) + 1;
    let behind = -(i64::from((size - 1 - place) / 7) + 1);
    i64::from(ordinal) == before || i64::from(ordinal) == behind
}

/// The number of the week a day lies in, and how many weeks its year has. Week 1 is the first with four days.
fn week_of_year(day: NaiveDate, start: Weekday) -> (i64, i64) {
    let monday_of = |day: NaiveDate| day - Days::new(u64::from(day.weekday().days_since(start)));
    let first_week = |year: i32| monday_of(NaiveDate::from_ymd_opt(year, 1, 4).unwrap());
    let week = monday_of(day);
    let year = (week + Days::new(3)).year();
    let number = (week - first_week(year)).num_days() / 7 + 1;
    (number, (first_week(year + 1) - first_week(year)).num_days() / 7)
}

/// Whether the time passes BYHOUR, BYMINUTE and BYSECOND as given.
pub fn time_passes(parts: &Parts, local: NaiveDateTime) -> bool {
    let listed =
        |list: &[u8], value: u32| list.is_empty() || list.iter().any(|&wanted| u32::from(wanted) == value);
    listed(&parts.by_hour, local.hour())
        && listed(&parts.by_minute, local.minute())
        && listed(&parts.by_second, local.second())
}
