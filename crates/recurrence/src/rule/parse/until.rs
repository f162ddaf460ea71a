//! UNTIL: `YYYYMMDD`, `YYYYMMDDTHHMMSS` or the latter with `Z`.

use super::field::Field;
use crate::limits::MIN_YEAR;
use crate::rule::{RuleError, Until};
use chrono::{NaiveDate, NaiveTime};

pub(super) fn until(field: &Field<'_>) -> Result<Until, RuleError> {
    let (date_text, rest) = field.value.split_at_checked(8).unwrap_or((field.value, ""));
    let Some(date) = date(date_text) else {
        return Err(field.error(0, "write the date as YYYYMMDD, a day that exists"));
    };
    if rest.is_empty() {
        return Ok(Until::Date(date));
    }
    let (clock, utc) = match rest.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, true),
        None => (rest, false),
    };
    let Some(time) = clock.strip_prefix(['T', 't']).and_then(time) else {
        return Err(field.error(8, "write the time as THHMMSS, with Z if it is UTC"));
    };
    let local = date.and_time(time);
    Ok(if utc { Until::Utc(local.and_utc()) } else { Until::Local(local) })
}

fn digits(text: &str, from: usize, length: usize) -> Option<u32> {
    let digits = text.get(from..from.checked_add(length)?)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn date(text: &str) -> Option<NaiveDate> {
    let year = i32::try_from(digits(text, 0, 4)?).ok().filter(|&year| year >= MIN_YEAR)?;
    NaiveDate::from_ymd_opt(year, digits(text, 4, 2)?, digits(text, 6, 2)?)
}

fn time(text: &str) -> Option<NaiveTime> {
    if text.len() != 6 {
        return None;
    }
    // A leap second is read as the second before it (RFC 5545 §3.3.12).
    let second = match digits(text, 4, 2)? {
        60 => 59,
        second => second,
    };
    NaiveTime::from_hms_opt(digits(text, 0, 2)?, digits(text, 2, 2)?, second)
}
