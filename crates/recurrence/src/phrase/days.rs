//! The days a phrase names: "Monday and Friday", "the last workday", "the 1st and the 15th", "day 100 of the year".

use super::names::{kind_of_day, ordinal, weekday};
use super::tokens::Reader;
use crate::rule::{Parts, WeekdayNum};
use chrono::Weekday;

/// One thing a phrase may name a day by.
enum Day {
    Named(WeekdayNum),
    /// A kind of day, such as workdays.
    Kind(&'static [Weekday]),
    /// A place among a kind of day: "last workday".
    Place(i16, &'static [Weekday]),
    /// A day of the month.
    Number(i8),
}

fn day(reader: &mut Reader<'_>) -> Option<Day> {
    reader.take(&["on"]);
    if !reader.take(&["the"]) {
        reader.take(&["every", "each"]);
    }
    let mut ahead = *reader;
    if let Some(place) = ordinal(&mut ahead) {
        *reader = ahead;
        if let Some(weekday) = weekday(reader) {
            return Some(Day::Named(WeekdayNum { ordinal: Some(i8::try_from(place).ok()?), weekday }));
        }
        let whole_month = reader.peek(0) == "day" || reader.peek(0) == "days";
        match kind_of_day(reader) {
            Some(kind) if !whole_month => return Some(Day::Place(place, kind)),
            _ => return Some(Day::Number(i8::try_from(place).ok()?)),
        }
    }
    match weekday(reader) {
        Some(weekday) => Some(Day::Named(WeekdayNum { ordinal: None, weekday })),
        None => kind_of_day(reader).map(Day::Kind),
    }
}

/// Reads a list of days into the parts; whether there was one. An ordinal that stands before a list of its kind
/// ("first and third Monday") counts for the kind that follows.
pub(super) fn days(reader: &mut Reader<'_>, parts: &mut Parts) -> bool {
    let found = reader.list(day);
    let some = !found.is_empty();
    let place_kind = found.iter().rev().find_map(|day| match day {
        Day::Place(_, kind) => Some(*kind),
        _ => None,
    });
    let named = found.iter().rev().find_map(|day| match day {
        Day::Named(WeekdayNum { ordinal: Some(_), weekday }) => Some(*weekday),
        _ => None,
    });
    for day in found {
        match day {
            Day::Named(day) => parts.by_day.push(day),
            Day::Kind(kind) => parts.by_day.extend(plain(kind)),
            Day::Place(place, _) => parts.by_set_pos.push(place),
            Day::Number(place) if place_kind.is_some() => parts.by_set_pos.push(place.into()),
            Day::Number(number) => match named {
                Some(weekday) => parts.by_day.push(WeekdayNum { ordinal: Some(number), weekday }),
                None => parts.by_month_day.push(number),
            },
        }
    }
    if let Some(kind) = place_kind {
        parts.by_day.extend(plain(kind));
    }
    some
}

/// Whether numbered days that name neither month nor year can only be meant of each month: "every last workday", "every 1st
/// and 15th". "Every third Friday" may count Fridays as well, and "every 3rd" wants a noun where another word follows.
pub(super) fn is_of_the_month(reader: &Reader<'_>, parts: &Parts) -> bool {
    let numbers = parts.by_day.iter().filter_map(|day| day.ordinal).map(i16::from);
    let places: Vec<i16> = numbers.chain(parts.by_set_pos.iter().copied()).collect();
    match (places.as_slice(), parts.by_month_day.as_slice()) {
        ([place], []) => *place < 2,
        ([], [-1]) if reader.before() == "day" => true,
        ([], _) => {
            let next = reader.peek(0);
            let goes_on = ["at", "until", "till", "for", "from", "starting", "beginning"].contains(&next);
            goes_on || !next.starts_with(char::is_alphabetic)
        }
        _ => true,
    }
}

fn plain(kind: &[Weekday]) -> impl Iterator<Item = WeekdayNum> {
    kind.iter().map(|&weekday| WeekdayNum { ordinal: None, weekday })
}
