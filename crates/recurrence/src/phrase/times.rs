//! Times of day: "09:00 and 17:00", "9:30 pm", "noon", "minutes 0 and 30 of hours 9 to 16".

use super::names::number;
use super::tokens::Reader;
use crate::rule::Parts;
use chrono::{NaiveTime, Timelike};

/// What "at …" may say.
pub(super) enum Times {
    /// Clock times, in the order given.
    Clock(Vec<NaiveTime>),
    /// Values of hours, minutes and seconds, written into the parts.
    Fields,
}

/// Reads what follows "at".
pub(super) fn times(reader: &mut Reader<'_>, parts: &mut Parts) -> Option<Times> {
    let mut fields = false;
    loop {
        let mut ahead = *reader;
        if fields {
            ahead.take(&["of"]);
        }
        let list = match ahead.peek(0) {
            "second" | "seconds" => &mut parts.by_second,
            "minute" | "minutes" => &mut parts.by_minute,
            "hour" | "hours" => &mut parts.by_hour,
            _ => break,
        };
        ahead.skip(1);
        let values = ahead.list(range);
        if values.is_empty() {
            break;
        }
        list.extend(values.into_iter().flatten());
        *reader = ahead;
        fields = true;
    }
    if fields {
        return Some(Times::Fields);
    }
    let clocks = reader.list(clock);
    (!clocks.is_empty()).then_some(Times::Clock(clocks))
}

/// `9` or `9 to 16`.
fn range(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let value =
        |word: &str| number(word).or_else(|| (word == "0").then_some(0)).and_then(|n| u8::try_from(n).ok());
    let first = value(reader.peek(0))?;
    reader.skip(1);
    if reader.peek(0) == "to"
        && let Some(last) = value(reader.peek(1))
    {
        reader.skip(2);
        return Some((first..=last.min(59)).collect());
    }
    Some(vec![first])
}

/// `9`, `09:00`, `9:30:15`, `9am`, `9 pm`, `noon`, `midnight`.
pub(super) fn clock(reader: &mut Reader<'_>) -> Option<NaiveTime> {
    let word = reader.peek(0);
    let named = match word {
        "noon" => NaiveTime::from_hms_opt(12, 0, 0),
        "midnight" => Some(NaiveTime::MIN),
        _ => None,
    };
    if named.is_some() {
        reader.skip(1);
        return named;
    }
    let half = |word: &str| match word {
        "am" | "a.m" | "a.m." => Some(0),
        "pm" | "p.m" | "p.m." => Some(12),
        _ => None,
    };
    let split = word.find(|letter: char| letter != ':' && !letter.is_ascii_digit()).unwrap_or(word.len());
    let (digits, ending) = word.split_at_checked(split)?;
    let (after_noon, tokens) = match (ending.is_empty(), half(ending), half(reader.peek(1))) {
        (false, Some(hours), _) => (Some(hours), 1),
        (false, None, _) => return None,
        (true, _, Some(hours)) => (Some(hours), 2),
        (true, _, None) => (None, 1),
    };
    let mut fields = digits.split(':').map(|field| (field.len() <= 2).then(|| field.parse::<u32>().ok())?);
    let hour = fields.next()??;
    let minute = fields.next().unwrap_or(Some(0))?;
    let second = fields.next().unwrap_or(Some(0))?;
    let hour = match after_noon {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(half) => (hour % 12).checked_add(half)?,
        None => hour,
    };
    let time = NaiveTime::from_hms_opt(hour, minute, second).filter(|_| fields.next().is_none())?;
    reader.skip(tokens);
    Some(time)
}

/// Writes several times of day as BYHOUR, BYMINUTE and BYSECOND, if they are every combination of those.
pub(super) fn combine(times: &[NaiveTime], parts: &mut Parts) -> bool {
    let field = |value: fn(&NaiveTime) -> u32| {
        let mut list: Vec<u8> =
            times.iter().map(value).filter_map(|value| u8::try_from(value).ok()).collect();
        list.sort_unstable();
        list.dedup();
        list
    };
    parts.by_hour = field(NaiveTime::hour);
    parts.by_minute = field(NaiveTime::minute);
    parts.by_second = field(NaiveTime::second);
    let mut distinct = times.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let count =
        parts.by_hour.len().saturating_mul(parts.by_minute.len()).saturating_mul(parts.by_second.len());
    distinct.len() == count
}
