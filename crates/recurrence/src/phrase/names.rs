//! Numbers, ordinals, weekdays, months and units as people write them.

use super::tokens::Reader;
use crate::describe::words::{MONTHS, ORDINALS, WEEKDAYS};
use crate::rule::Frequency;
use chrono::Weekday;

/// `3`, `three`.
pub(super) fn number(word: &str) -> Option<u32> {
    let words =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let spelt = words.iter().zip(1_u32..).find(|(name, _)| **name == word).map(|(_, number)| number);
    spelt.or_else(|| word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?)
}

/// `third`, `3rd`.
fn rank(word: &str) -> Option<i16> {
    let spelt = ORDINALS.iter().zip(1_i16..).find(|(name, _)| **name == word).map(|(_, number)| number);
    spelt.or_else(|| {
        let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| word.strip_suffix(ending))?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    })
}

/// `third`, `last`, `second last`, `second to last`; never 0.
pub(super) fn ordinal(reader: &mut Reader<'_>) -> Option<i16> {
    if reader.take(&["last"]) {
        return Some(-1);
    }
    let rank = rank(reader.peek(0)).filter(|&rank| rank != 0)?;
    reader.skip(1);
    let mut ahead = *reader;
    ahead.take(&["to"]);
    if ahead.take(&["last"]) {
        *reader = ahead;
        return rank.checked_neg();
    }
    Some(rank)
}

/// A name, its plural, or at least its first three letters, with or without a full stop.
fn named(word: &str, names: &[&str]) -> Option<usize> {
    let word = word.strip_suffix('.').unwrap_or(word);
    names.iter().position(|name| {
        let name = name.to_ascii_lowercase();
        word == name || word.strip_suffix('s') == Some(&name) || (word.len() >= 3 && name.starts_with(word))
    })
}

pub(super) fn weekday(reader: &mut Reader<'_>) -> Option<Weekday> {
    let index = named(reader.peek(0), &WEEKDAYS)?;
    reader.skip(1);
    Weekday::try_from(u8::try_from(index).ok()?).ok()
}

/// A month, 1 to 12.
pub(super) fn month(reader: &mut Reader<'_>) -> Option<u8> {
    let index = named(reader.peek(0), &MONTHS)?;
    reader.skip(1);
    u8::try_from(index).ok()?.checked_add(1)
}

/// `day`, `weeks`.
pub(super) fn unit(word: &str) -> Option<Frequency> {
    match word.strip_suffix('s').unwrap_or(word) {
        "second" | "sec" => Some(Frequency::Secondly),
        "minute" | "min" => Some(Frequency::Minutely),
        "hour" => Some(Frequency::Hourly),
        "day" => Some(Frequency::Daily),
        "week" => Some(Frequency::Weekly),
        "month" => Some(Frequency::Monthly),
        "year" => Some(Frequency::Yearly),
        _ => None,
    }
}

/// `daily`.
pub(super) fn adverb(word: &str) -> Option<Frequency> {
    match word {
        "hourly" => Some(Frequency::Hourly),
        "daily" => Some(Frequency::Daily),
        "weekly" => Some(Frequency::Weekly),
        "monthly" => Some(Frequency::Monthly),
        "yearly" | "annually" => Some(Frequency::Yearly),
        _ => None,
    }
}

/// `workdays`, `weekend day`, `day`: the weekdays meant.
pub(super) fn kind_of_day(reader: &mut Reader<'_>) -> Option<&'static [Weekday]> {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    if reader.take(&["workday", "workdays", "weekday", "weekdays"]) {
        return Some(&[Mon, Tue, Wed, Thu, Fri]);
    }
    if reader.take(&["weekend", "weekends"]) {
        reader.take(&["day", "days"]);
        return Some(&[Sat, Sun]);
    }
    reader.take(&["day", "days"]).then_some(&[Mon, Tue, Wed, Thu, Fri, Sat, Sun])
}
