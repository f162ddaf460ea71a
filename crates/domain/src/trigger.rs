//! When a reminder fires: RFC 5545 §3.8.6.3 TRIGGER, relative to the due date or absolute.

use chrono::{Days, TimeDelta};
use perennial_recurrence::Zone;
use serde::{Deserialize, Serialize};

use crate::{Due, Timestamp};

/// The furthest a relative trigger may lie from the due date, in days.
const MAX_DAYS: u64 = 366;

/// A reminder's trigger.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// So long before or after the due date.
    Relative(Offset),
    /// At this instant.
    Absolute(Timestamp),
}

/// What a relative trigger counts from (RFC 5545 §3.2.14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Related {
    /// When it is due.
    #[default]
    Due,
    /// When it can be begun.
    Start,
}

/// A duration of RFC 5545 §3.3.6. Days are nominal: `-P1D` is the same wall time the day before, whatever the
/// clocks do in between; hours, minutes and seconds are exact.
#[derive(Debug, Clone, PartialEq)]
pub struct Offset {
    before: bool,
    days: u64,
    seconds: i64,
}

impl Trigger {
    /// Reads `-PT15M`, `PT0S`, `-P1DT2H`, `-P1W` or `2026-03-06T08:00:00Z`; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        if let Some(duration) = unsigned.strip_prefix('P') {
            let (days, seconds) = parse_duration(duration).ok_or_else(|| {
                format!(
                    "{text:?} is not a duration such as -PT15M (a quarter of an hour before), -P1D or PT0S"
                )
            })?;
            let whole = days.saturating_add(u64::try_from(seconds / 86_400).unwrap_or(u64::MAX));
            if whole > MAX_DAYS {
                return Err(format!("{text:?} is further from the due date than {MAX_DAYS} days"));
            }
            return Ok(Self::Relative(Offset { before: text.starts_with('-'), days, seconds }));
        }
        Timestamp::parse(text).map(Self::Absolute).ok_or_else(|| {
            format!(
                "{text:?} is neither a duration such as -PT15M nor an instant in UTC such as 2026-03-06T08:00:00Z"
            )
        })
    }

    /// The instant at which the reminder fires for the date it counts from, or `None` where there is none.
    pub fn fire_at(&self, due: Option<&Due>, home: &Zone) -> Option<Timestamp> {
        match self {
            Self::Absolute(at) => Some(*at),
            Self::Relative(offset) => due.and_then(|due| offset.from(due, home)),
        }
    }
}

impl Offset {
    fn from(&self, due: &Due, home: &Zone) -> Option<Timestamp> {
        let days = Days::new(self.days);
        let wall = due.wall();
        let day = if self.before { wall.checked_sub_days(days)? } else { wall.checked_add_days(days)? };
        let seconds = TimeDelta::try_seconds(self.seconds)?;
        let at = due.zone(home).instant(day);
        let at = if self.before { at.checked_sub_signed(seconds)? } else { at.checked_add_signed(seconds)? };
        Some(at.into())
    }
}

/// The part of a duration after `P`, as days and seconds.
pub(crate) fn parse_duration(text: &str) -> Option<(u64, i64)> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (text, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = match date.strip_suffix('W') {
        Some(weeks) if time.is_empty() => number(weeks)?.checked_mul(7)?,
        Some(_) => return None,
        None if date.is_empty() => 0,
        None => number(date.strip_suffix('D')?)?,
    };
    let mut seconds: u64 = 0;
    let mut rest = time;
    for (unit, length) in [('H', 3_600), ('M', 60), ('S', 1)] {
        if let Some((count, after)) = rest.split_once(unit) {
            seconds = seconds.checked_add(number(count)?.checked_mul(length)?)?;
            rest = after;
        }
    }
    rest.is_empty().then_some((days, i64::try_from(seconds).ok()?))
}

fn number(digits: &str) -> Option<u64> {
    (!digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}
