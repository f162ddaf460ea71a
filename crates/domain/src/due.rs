//! When something is due, in the words of the person who said so.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use perennial_recurrence::{Moment, Start, Zone};
use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::pattern::{LOCAL, ZONE};
use crate::{Invalid, Timestamp};

/// Years a local date may lie in: before 1970 nothing can come due, after 9999 ISO 8601 needs agreement.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

/// The last year a due date that is sent may lie in: wherever its zone is, its instant has a year of four digits, as RFC
/// 3339 asks.
pub(crate) const LAST_DUE: i32 = 9998;

/// A due date as sent: a local date or date-time without offset, and the zone it is local to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DueInput {
    /// `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM[:SS]`.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 40), regex(pattern = LOCAL)))]
    pub local: String,
    /// IANA zone name; `null` with a date-time means floating: the same wall time wherever the user is.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = 100), extend("format" = ZONE)))]
    pub tz: Option<String>,
}

/// A due date. Dates and floating times stay what they are; only a zone makes an instant of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Due {
    /// A whole day.
    Date(NaiveDate),
    /// A wall time wherever the user is.
    Floating(NaiveDateTime),
    /// A wall time in a zone.
    Zoned(NaiveDateTime, Zone),
}

impl Due {
    /// Reads what was sent at `pointer`.
    pub(crate) fn parse(input: &DueInput, pointer: &str) -> Result<Self, Invalid> {
        let due = Self::read(input, pointer)?;
        let year = due.wall().year();
        if year > LAST_DUE {
            let detail = format!("the year {year} is not between {} and {LAST_DUE}", YEARS.start());
            return Err(Invalid::at(format!("{pointer}/local"), detail));
        }
        Ok(due)
    }

    fn read(input: &DueInput, pointer: &str) -> Result<Self, Invalid> {
        let local_at = format!("{pointer}/local");
        let tz_at = format!("{pointer}/tz");
        let zone = match &input.tz {
            Some(name) => Some(Zone::parse(name).map_err(|error| Invalid::at(&tz_at, error.to_string()))?),
            None => None,
        };
        match (parse_local(&input.local).map_err(|why| Invalid::at(local_at, why))?, zone) {
            (Local::Date(date), None) => Ok(Self::Date(date)),
            (Local::Date(_), Some(_)) => Err(Invalid::at(
                tz_at,
                "a date without a time is a whole day wherever the user is: leave tz out",
            )),
            (Local::DateTime(at), None) => Ok(Self::Floating(at)),
            (Local::DateTime(at), Some(zone)) => Ok(Self::Zoned(at, zone)),
        }
    }

    /// Reads a due date back from the two columns it was stored in.
    pub fn from_stored(local: &str, tz: Option<&str>) -> Result<Self, Invalid> {
        Self::read(&DueInput { local: local.to_owned(), tz: tz.map(str::to_owned) }, "/due")
    }

    /// Whether it comes before another date of its kind, or with it; the error says why not.
    pub(crate) fn check_before(&self, later: &Self) -> Result<(), String> {
        let alike = match (self, later) {
            (Self::Date(_), Self::Date(_)) | (Self::Floating(_), Self::Floating(_)) => true,
            (Self::Zoned(_, one), Self::Zoned(_, other)) => one.name() == other.name(),
            _ => false,
        };
        if !alike {
            return Err("must be of the same kind as `due`: a day, a local time, or a time in the same zone"
                .to_owned());
        }
        if self.wall() > later.wall() {
            return Err(format!("{} is after the task is due", self.local()));
        }
        Ok(())
    }

    /// The local date or date-time, without zone or offset.
    pub fn local(&self) -> String {
        match self {
            Self::Date(date) => date.format("%Y-%m-%d").to_string(),
            Self::Floating(at) | Self::Zoned(at, _) => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
        }
    }

    /// The zone's name, if there is one.
    pub fn tz(&self) -> Option<&str> {
        match self {
            Self::Zoned(_, zone) => Some(zone.name()),
            _ => None,
        }
    }

    /// The instant this falls on for a user whose zone is `home`: a whole day begins at its midnight there.
    pub fn instant(&self, home: &Zone) -> Timestamp {
        match self {
            Self::Zoned(at, zone) => zone.instant(*at),
            _ => home.instant(self.wall()),
        }
        .into()
    }

    /// The wall time; midnight for a whole day.
    pub(crate) fn wall(&self) -> NaiveDateTime {
        match self {
            Self::Date(date) => date.and_time(NaiveTime::MIN),
            Self::Floating(at) | Self::Zoned(at, _) => *at,
        }
    }

    /// The same kind of due date at another wall time.
    pub(crate) fn moved_to(&self, wall: NaiveDateTime) -> Self {
        match self {
            Self::Date(_) => Self::Date(wall.date()),
            Self::Floating(_) => Self::Floating(wall),
            Self::Zoned(_, zone) => Self::Zoned(wall, *zone),
        }
    }

    /// The zone that this due date is read in for a user whose zone is `home`.
    pub(crate) fn zone<'a>(&'a self, home: &'a Zone) -> &'a Zone {
        match self {
            Self::Zoned(_, zone) => zone,
            _ => home,
        }
    }

    /// An instant on the time line of a series that begins here, for a user whose zone is `home`.
    pub(crate) fn moment(&self, at: Timestamp, home: &Zone) -> Moment {
        match self {
            Self::Zoned(..) => Moment::Instant(at.to_utc()),
            _ => Moment::Local(home.local(at.to_utc())),
        }
    }

    /// DTSTART of a series that begins here.
    pub(crate) fn start(&self) -> Start {
        match self {
            Self::Date(date) => Start::Date(*date),
            Self::Floating(at) => Start::Floating(*at),
            Self::Zoned(at, zone) => Start::Zoned(*at, *zone),
        }
    }
}

impl From<&Due> for DueInput {
    fn from(due: &Due) -> Self {
        Self { local: due.local(), tz: due.tz().map(str::to_owned) }
    }
}

/// A local date, or a local date-time.
pub(crate) enum Local {
    Date(NaiveDate),
    DateTime(NaiveDateTime),
}

/// Reads a local date or date-time; the error says what is wrong with the text.
pub(crate) fn parse_local(text: &str) -> Result<Local, String> {
    let bad = || {
        format!(
            "{text:?} is not a local date (YYYY-MM-DD) or date-time (YYYY-MM-DDTHH:MM:SS) of the calendar, without an offset"
        )
    };
    // chrono also takes signs and spaces before its numbers.
    if !text.bytes().all(|b| b.is_ascii_digit() || b"-:T".contains(&b)) {
        return Err(bad());
    }
    let local = match text.len() {
        10 => Local::Date(NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| bad())?),
        16 => Local::DateTime(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").map_err(|_| bad())?),
        19 => Local::DateTime(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").map_err(|_| bad())?),
        _ => return Err(bad()),
    };
    let (year, nanosecond) = match &local {
        Local::Date(date) => (date.year(), 0),
        Local::DateTime(at) => (at.year(), at.nanosecond()),
    };
    // chrono reads second 60 as a leap second; no local time has one.
    if nanosecond != 0 {
        return Err(bad());
    }
    if !YEARS.contains(&year) {
        return Err(format!("the year {year} is not between {} and {LAST_DUE}", YEARS.start()));
    }
    Ok(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(local: &str, tz: Option<&str>) -> Result<Due, String> {
        let input = DueInput { local: local.to_owned(), tz: tz.map(str::to_owned) };
        Due::parse(&input, "/due").map_err(|wrong| wrong.errors[0].pointer.clone())
    }

    #[test]
    fn a_local_time_is_one_of_the_calendar_and_the_clock() {
        for right in ["1970-01-01", "9998-12-31", "2026-11-30T09:00", "2026-11-30T23:59:59"] {
            assert_eq!(sent(right, None).map(|due| due.local().starts_with(right)), Ok(true), "{right}");
        }
        for wrong in [
            "2026-11-30T09:00:60",
            "2026-11-30T23:59:60",
            "2026-11-30T09:60",
            "2026- 1- 1",
            "+2026-1-01",
            "2026-11-30t09:00:00",
            "2026-11-30 09:00:00",
            "1969-12-31",
            "9999-01-01",
            "9999-12-31T23:00:00",
        ] {
            assert_eq!(sent(wrong, None), Err("/due/local".to_owned()), "{wrong}");
        }
    }

    /// Wherever a zone is, the instant of a due date that is taken can be written; and what an older build took is read.
    #[test]
    fn the_instant_of_a_due_date_has_a_year_of_four_digits() {
        for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let due = sent("9998-12-31T23:59:59", Some(zone)).unwrap();
            assert_eq!(due.instant(&Zone::parse(zone).unwrap()).to_string().find('-'), Some(4));
        }
        assert!(Due::from_stored("9999-12-31T23:00:00", Some("America/New_York")).is_ok());
    }
}
