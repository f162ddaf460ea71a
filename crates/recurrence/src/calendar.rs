//! The proleptic Gregorian calendar on plain numbers: days since 1970-01-01 and seconds since its midnight.
//!
//! chrono's types are kept to the crate's boundary; the engine counts millions of days, and these functions
//! are total (no `Option` to explain away) and compile to a few instructions each.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "years stay within ±300 000 (chrono's range), so no i64 overflows"
)]

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;

/// Days from 1970-01-01 to a date; the day may lie outside the month.
pub(crate) fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month (1–12) and day of the month (1–31) of a day number.
pub(crate) fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day - era * 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

/// Day of the week, Monday = 0.
pub(crate) fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

/// Whether the year has a 29 February.
pub(crate) fn is_leap(year: i64) -> bool {
    year & 3 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days in a year.
pub(crate) fn year_length(year: i64) -> i64 {
    365 + i64::from(is_leap(year))
}

/// Days in a month (1–12).
pub(crate) fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Day number and second of the day.
pub(crate) fn split(seconds: i64) -> (i64, i64) {
    (seconds.div_euclid(DAY), seconds.rem_euclid(DAY))
}

/// A wall time as seconds since 1970-01-01T00:00:00 on the same clock.
pub(crate) fn seconds(local: NaiveDateTime) -> i64 {
    local.and_utc().timestamp()
}

/// The wall time of such a number of seconds; numbers outside chrono's range do not occur (see `limits`).
pub(crate) fn naive(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0).map(|at| at.naive_utc()).unwrap_or_default()
}

/// The greatest number that divides both; 1 if both are 0.
pub(crate) fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs().max(1)
}

/// Midnight of a date, as seconds.
pub(crate) fn midnight(date: NaiveDate) -> i64 {
    seconds(date.and_time(chrono::NaiveTime::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Datelike;

    #[test]
    fn agrees_with_chrono_over_sixteen_hundred_years() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        for day in -300_000..300_000 {
            let date = epoch + chrono::TimeDelta::days(day);
            let ours = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
            assert_eq!(civil(day), ours);
            assert_eq!(day_number(ours.0, ours.1, ours.2), day);
            assert_eq!(weekday(day), i64::from(date.weekday().num_days_from_monday()));
            assert_eq!(month_length(ours.0, ours.1), i64::from(date.num_days_in_month()));
        }
    }
}
