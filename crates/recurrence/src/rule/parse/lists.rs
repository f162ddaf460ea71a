//! Numbers, weekdays and lists of them.

use super::field::Field;
use crate::rule::{RuleError, WeekdayNum};
use chrono::Weekday;

/// Which numbers a list may hold.
pub(super) struct Range {
    pub(super) low: i16,
    pub(super) high: i16,
    /// Whether −high to −low may stand too, and a plus sign.
    pub(super) signed: bool,
}

/// The items of a comma-separated value, each with its offset.
fn items<'a>(field: &Field<'a>) -> impl Iterator<Item = (usize, &'a str)> {
    field.value.split(',').scan(0_usize, |at, item| {
        let start = *at;
        *at = start.saturating_add(item.len()).saturating_add(1);
        Some((start, item))
    })
}

/// A list of numbers of one range.
pub(super) fn numbers<T: TryFrom<i16>>(field: &Field<'_>, range: &Range) -> Result<Vec<T>, RuleError> {
    items(field)
        .map(|(at, item)| {
            let value = number(item, range).ok_or_else(|| field.error(at, expected(item, range)))?;
            T::try_from(value).map_err(|_| field.error(at, expected(item, range)))
        })
        .collect()
}

fn number(item: &str, range: &Range) -> Option<i16> {
    let (negative, digits) = match item.strip_prefix('-') {
        Some(rest) if range.signed => (true, rest),
        _ => (false, item.strip_prefix('+').filter(|_| range.signed).unwrap_or(item)),
    };
    let widest = if range.high > 99 { 3 } else { 2 };
    if digits.is_empty() || digits.len() > widest || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i16 = digits.parse().ok()?;
    if !(range.low..=range.high).contains(&value) {
        return None;
    }
    Some(if negative { value.saturating_neg() } else { value })
}

fn expected(item: &str, range: &Range) -> String {
    let Range { low, high, signed } = range;
    let or_negative = if *signed { format!(" or -{high} to -{low}") } else { String::new() };
    let shown: String = item.chars().take(20).collect();
    format!("{shown:?} is not a number from {low} to {high}{or_negative}")
}

/// One number without sign, 1 or more.
pub(super) fn positive(field: &Field<'_>) -> Result<u32, RuleError> {
    if let Some(at) = field.value.bytes().position(|byte| !byte.is_ascii_digit()) {
        return Err(field.error(at, "a whole number without sign is needed"));
    }
    match field.value.parse::<u32>() {
        Ok(0) => Err(field.error(0, "must be 1 or more")),
        Ok(value) => Ok(value),
        Err(_) => Err(field.error(0, format!("must be at most {}", u32::MAX))),
    }
}

/// A weekday by its two letters.
pub(super) fn weekday(text: &str) -> Option<Weekday> {
    let days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let index = days.iter().position(|day| day.eq_ignore_ascii_case(text))?;
    Weekday::try_from(u8::try_from(index).ok()?).ok()
}

/// BYDAY: weekdays with an optional ordinal.
pub(super) fn weekdays(field: &Field<'_>) -> Result<Vec<WeekdayNum>, RuleError> {
    let ordinals = Range { low: 1, high: 53, signed: true };
    items(field)
        .map(|(at, item)| {
            let shown = || item.chars().take(20).collect::<String>();
            let Some((ordinal, day)) = item.split_at_checked(item.len().saturating_sub(2)) else {
                return Err(field.error(at, format!("{:?} is not a weekday", shown())));
            };
            let Some(weekday) = weekday(day) else {
                let message =
                    format!("{:?} does not end in a weekday: MO, TU, WE, TH, FR, SA or SU", shown());
                return Err(field.error(at, message));
            };
            if ordinal.is_empty() {
                return Ok(WeekdayNum { ordinal: None, weekday });
            }
            let message = || field.error(at, expected(ordinal, &ordinals));
            let number = number(ordinal, &ordinals).ok_or_else(message)?;
            Ok(WeekdayNum { ordinal: Some(i8::try_from(number).map_err(|_| message())?), weekday })
        })
        .collect()
}
