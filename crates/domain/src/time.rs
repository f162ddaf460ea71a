//! Instants, as the domain counts them.

use std::fmt;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z. Always passed in, never read from a clock here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Reads an instant in UTC (RFC 3339 with `Z`). Leap seconds are refused: no clock of ours has them, and a time that is
    /// read as another is no answer.
    pub fn parse(text: &str) -> Option<Self> {
        let at = DateTime::parse_from_rfc3339(text).ok().filter(|_| text.ends_with('Z'))?;
        (at.nanosecond() < 1_000_000_000).then(|| at.with_timezone(&Utc).into())
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This many milliseconds later, or the latest instant there is.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The same instant in chrono's type; an instant outside its range becomes the nearest end of it.
    pub fn to_utc(self) -> DateTime<Utc> {
        let nearest_end = if self.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        DateTime::from_timestamp_millis(self.0).unwrap_or(nearest_end)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.timestamp_millis())
    }
}

/// The first and the last instant that RFC 3339 can write: a year has four digits.
const WRITABLE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// RFC 3339 in UTC, with milliseconds only where there are some. An instant that it cannot write (a series may come near the
/// end of the calendar) is shown as the nearest that it can.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Self(self.0.clamp(*WRITABLE.start(), *WRITABLE.end())).to_utc().naive_utc();
        // Every answer is full of instants, so they are written without the machinery of formats.
        let (mut whole, mut millis) = (*b"0000-00-00T00:00:00", *b".000Z");
        let [y1, y2, y3, y4, _, m1, m2, _, d1, d2, _, h1, h2, _, i1, i2, _, s1, s2] = &mut whole;
        digits([y1, y2, y3, y4], at.year().unsigned_abs());
        digits([m1, m2], at.month());
        digits([d1, d2], at.day());
        digits([h1, h2], at.hour());
        digits([i1, i2], at.minute());
        digits([s1, s2], at.second());
        let [_, t1, t2, t3, _] = &mut millis;
        digits([t1, t2, t3], at.nanosecond() / 1_000_000);
        let end: &[u8] = if millis == *b".000Z" { b"Z" } else { &millis };
        f.write_str(std::str::from_utf8(&whole).map_err(|_| fmt::Error)?)?;
        f.write_str(std::str::from_utf8(end).map_err(|_| fmt::Error)?)
    }
}

/// Writes the last digits of a number.
fn digits<const N: usize>(places: [&mut u8; N], mut number: u32) {
    for place in places.into_iter().rev() {
        *place = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or_default());
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_once_and_written_as_rfc_3339_has_it() {
        for (text, expected) in [
            ("2026-03-06T08:00:00Z", Some("2026-03-06T08:00:00Z")),
            ("2026-03-06T08:00:00.25Z", Some("2026-03-06T08:00:00.250Z")),
            ("9999-12-31T23:59:59.999Z", Some("9999-12-31T23:59:59.999Z")),
            ("2016-12-31T23:59:60Z", None),
            ("2026-03-06T08:00:60.5Z", None),
            ("2026-03-06T08:00:00+00:00", None),
            ("2026-03-06T08:00:00", None),
            ("2026-03-06", None),
        ] {
            let written = Timestamp::parse(text).map(|at| at.to_string());
            assert_eq!(written.as_deref(), expected, "{text}");
        }
        for (millis, expected) in [
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_399_007, "2000-02-28T23:59:59.007Z"),
            (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), expected);
        }
    }
}
