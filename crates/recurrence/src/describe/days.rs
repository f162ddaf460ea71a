//! Which days, in words.

use super::words::{and, month, numeral, ordinal, weekday};
use crate::rule::{Frequency, Parts, Skip, WeekdayNum};
use chrono::Weekday;

/// A set of plain weekdays that has a name of its own.
fn kind_of_day(days: &[WeekdayNum]) -> Option<&'static str> {
    let bits = days.iter().try_fold(0_u8, |bits, day| match day.ordinal {
        None => Some(bits | 1 << day.weekday.num_days_from_monday()),
        Some(_) => None,
    })?;
    match bits {
        0b111_1111 => Some("day"),
        0b001_1111 => Some("workday"),
        0b110_0000 => Some("weekend day"),
        _ => None,
    }
}

/// `workday`; `Monday and Friday`; `first Monday and last Friday`; `every Monday and the second Tuesday`.
fn by_day(days: &[WeekdayNum]) -> String {
    if let Some(kind) = kind_of_day(days) {
        return kind.to_owned();
    }
    let mut sorted = days.to_vec();
    let from_end = |day: &WeekdayNum| day.ordinal.is_some_and(|number| number < 0);
    sorted.sort_by_key(|day| (from_end(day), day.ordinal, day.weekday.num_days_from_monday()));
    sorted.dedup();
    let mixed =
        sorted.iter().any(|day| day.ordinal.is_none()) && sorted.iter().any(|day| day.ordinal.is_some());
    let items: Vec<String> = sorted
        .iter()
        .map(|day| match day.ordinal {
            None if mixed => format!("every {}", weekday(day.weekday)),
            None => weekday(day.weekday).to_owned(),
            Some(number) if mixed => format!("the {} {}", ordinal(i16::from(number)), weekday(day.weekday)),
            Some(number) => format!("{} {}", ordinal(i16::from(number)), weekday(day.weekday)),
        })
        .collect();
    and(&items)
}

fn month_days(parts: &Parts) -> String {
    let items: Vec<String> = parts
        .by_month_day
        .iter()
        .map(|&day| {
            if day > 0 { numeral(day.unsigned_abs().into()) } else { format!("{} day", ordinal(day.into())) }
        })
        .collect();
    and(&items)
}

fn months(parts: &Parts) -> String {
    and(&parts.by_month.iter().map(|&number| month(number)).collect::<Vec<_>>())
}

/// The places BYSETPOS names: `last`, `first and third`.
fn places(parts: &Parts) -> String {
    and(&parts.by_set_pos.iter().map(|&place| ordinal(place)).collect::<Vec<_>>())
}

/// "Every …": the period and the days in it.
pub(super) fn days(parts: &Parts, times_of_day: usize) -> String {
    let plain = parts.by_week_no.is_empty() && parts.by_year_day.is_empty();
    let numbered = !parts.by_month_day.is_empty();
    let named = !parts.by_day.is_empty();
    let kind = kind_of_day(&parts.by_day);
    // "the last workday": a place among days that share a name, where times of day do not multiply them.
    let chosen =
        kind.filter(|&kind| kind != "day" && !parts.by_set_pos.is_empty() && !numbered && times_of_day == 1);
    let noun = if numbered && !named && parts.by_set_pos.is_empty() {
        Some(month_days(parts))
    } else if let Some(kind) = chosen {
        Some(format!("{} {kind}", places(parts)))
    } else if named && !numbered && parts.by_set_pos.is_empty() {
        Some(by_day(&parts.by_day))
    } else {
        None
    };
    let has_ordinal = parts.by_day.iter().any(|day| day.ordinal.is_some());
    let mixed = has_ordinal && parts.by_day.iter().any(|day| day.ordinal.is_none());
    let fine = plain && !mixed;
    match (parts.frequency, parts.interval, noun) {
        (Frequency::Weekly, 1, Some(noun)) if fine && parts.by_set_pos.is_empty() => {
            format!("every {noun}{}", in_months(parts))
        }
        (Frequency::Daily, 1, Some(noun)) if fine && !numbered && parts.by_set_pos.is_empty() => {
            format!("every {noun}{}", in_months(parts))
        }
        (Frequency::Monthly, 1, Some(noun))
            if fine && parts.by_month.is_empty() && (numbered || has_ordinal || chosen.is_some()) =>
        {
            format!("every {noun} of the month{}", skip(parts))
        }
        (Frequency::Yearly, _, Some(noun)) if fine && parts.by_month.len() == 1 => {
            let period = period(parts);
            match parts.by_month_day.as_slice() {
                [day] if *day > 0 => format!("{period} on {day} {}{}", months(parts), skip(parts)),
                _ if has_ordinal || numbered => {
                    format!("{period} on the {noun} of {}{}", months(parts), skip(parts))
                }
                _ => general(parts, None),
            }
        }
        (_, _, Some(noun)) if chosen.is_some() => {
            general(&Parts { by_set_pos: Vec::new(), ..parts.clone() }, Some(&noun))
        }
        _ => general(parts, None),
    }
}

fn period(parts: &Parts) -> String {
    let name = match parts.frequency {
        Frequency::Secondly => "second",
        Frequency::Minutely => "minute",
        Frequency::Hourly => "hour",
        Frequency::Daily => "day",
        Frequency::Weekly => "week",
        Frequency::Monthly => "month",
        Frequency::Yearly => "year",
    };
    match parts.interval {
        1 => format!("every {name}"),
        count => format!("every {count} {name}s"),
    }
}

fn in_months(parts: &Parts) -> String {
    if parts.by_month.is_empty() { String::new() } else { format!(" in {}", months(parts)) }
}

/// Part after part, for rules without a shorter way to say them; `chosen` stands for BYDAY and BYSETPOS together.
fn general(parts: &Parts, chosen: Option<&str>) -> String {
    let mut text = period(parts) + &in_months(parts);
    if !parts.by_week_no.is_empty() {
        let week = |&week: &i8| from_end("week", week.into());
        text += &format!(" in {}", and(&parts.by_week_no.iter().map(week).collect::<Vec<_>>()));
    }
    if !parts.by_year_day.is_empty() {
        let day = |&day: &i16| from_end("day", day);
        text += &format!(" on {} of the year", and(&parts.by_year_day.iter().map(day).collect::<Vec<_>>()));
    }
    if !parts.by_month_day.is_empty() {
        let only = if parts.by_year_day.is_empty() { " on" } else { ", only on" };
        text += &format!("{only} the {}{}", month_days(parts), skip(parts));
    }
    if !parts.by_day.is_empty() {
        let article = match kind_of_day(&parts.by_day) {
            _ if chosen.is_some() || parts.by_day.iter().all(|day| day.ordinal.is_some()) => "the ",
            Some(_) => "every ",
            None => "",
        };
        let only =
            if parts.by_month_day.is_empty() && parts.by_year_day.is_empty() { " on " } else { ", only on " };
        text += &format!("{only}{article}{}", chosen.map_or_else(|| by_day(&parts.by_day), str::to_owned));
    }
    if !parts.by_set_pos.is_empty() {
        text += &format!(", only the {} of them", places(parts));
    }
    text
}

/// `week 20`, `week 2 from the end`.
fn from_end(noun: &str, number: i16) -> String {
    let size = number.unsigned_abs();
    if number > 0 { format!("{noun} {size}") } else { format!("{noun} {size} from the end") }
}

fn skip(parts: &Parts) -> &'static str {
    if parts.by_month_day.iter().all(|&day| day <= 28) {
        return "";
    }
    match parts.skip {
        Skip::Omit => "",
        Skip::Backward => ", else the last day",
        Skip::Forward => ", else the next day",
    }
}

/// Whether WKST makes a difference to a rule (RFC 5545 §3.3.10): with INTERVAL or BYSETPOS over weeks, or BYWEEKNO.
pub(super) fn week_start(parts: &Parts) -> Option<String> {
    let day = parts.week_start.filter(|&day| day != Weekday::Mon)?;
    let counts_weeks =
        parts.frequency == Frequency::Weekly && (parts.interval > 1 || !parts.by_set_pos.is_empty());
    (counts_weeks || !parts.by_week_no.is_empty()).then(|| format!(", weeks from {}", weekday(day)))
}
