//! When something is due, in the words of the person who said so.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use perennial_recurrence::{Start, Zone};
use serde::{Deserialize, Serialize};

use crate::{Invalid, Timestamp};

/// Years a due date may lie in: before 1970 nothing can come due, after 9999 ISO 8601 needs agreement.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

/// A due date as sent: a local date or date-time without offset, and the zone it is local to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DueInput {
    /// `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM[:SS]`.
    pub local: String,
    /// IANA zone name; `null` with a date-time means floating: the same wall time wherever the user is.
    #[serde(default)]
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
        Self::parse(&DueInput { local: local.to_owned(), tz: tz.map(str::to_owned) }, "/due")
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
    let local = match text.len() {
        10 => Local::Date(NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| bad())?),
        16 => Local::DateTime(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").map_err(|_| bad())?),
        19 => Local::DateTime(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").map_err(|_| bad())?),
        _ => return Err(bad()),
    };
    let year = match &local {
        Local::Date(date) => date.year(),
        Local::DateTime(at) => at.year(),
    };
    if !YEARS.contains(&year) {
        return Err(format!("the year {year} is not between {} and {}", YEARS.start(), YEARS.end()));
    }
    Ok(local)
}
