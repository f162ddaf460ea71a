//! Time zones by IANA name, from data compiled in (`docs/recurrence.md` says how to renew it).
//!
//! Local times are read as RFC 5545 §3.3.5 says: a time that happens twice is its first occurrence, a time that
//! does not happen takes the offset before the gap. After the last listed change a zone follows its own yearly
//! rule for ever. The reader is our own: a `TimeZone` of another library would have to decode a whole table
//! first and bring a second date type, while this one bisects the bytes it was compiled with.

mod advice;
mod blob;
mod clock;
mod table;
mod yearly;

pub use advice::ZoneError;
pub(crate) use clock::Clock;

use crate::calendar;
use chrono::{DateTime, NaiveDateTime, Timelike, Utc};
use table::{Span, Table};

/// An IANA zone, found by name. Links (`US/Eastern`) compute as the zone they name and keep their own name.
#[derive(Clone, Copy)]
pub struct Zone {
    name: &'static str,
    table: Table,
}

/// The version of the zone data, such as `2026f`.
pub fn tzdata_version() -> &'static str {
    blob::version().unwrap_or("unknown")
}

/// Every name [`Zone::parse`] knows, sorted.
pub fn zone_names() -> impl Iterator<Item = &'static str> {
    (0..).map_while(blob::name).map(|(name, _)| name)
}

impl Zone {
    /// Finds a zone by its IANA name, spelt exactly.
    ///
    /// # Errors
    /// [`ZoneError`] if the name is an offset (`+02:00`) or unknown; both with advice.
    pub fn parse(name: &str) -> Result<Zone, ZoneError> {
        let found = blob::find(name).and_then(|(name, at)| Some(Zone { name, table: Table::read(at)? }));
        found.ok_or_else(|| advice::refuse(name))
    }

    /// The name as given.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether two names are one zone: the same data under either.
    pub fn is_same_as(&self, other: &Zone) -> bool {
        self.table.is_same_as(&other.table)
    }

    /// Coordinated universal time.
    pub fn utc() -> Zone {
        Zone { name: "UTC", table: Table::UTC }
    }

    /// The instant of a wall time (RFC 5545 §3.3.5): in an overlap the first, in a gap by the offset before it.
    pub fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let at = Clock::new(*self).instant(calendar::seconds(local));
        DateTime::from_timestamp(at, local.nanosecond()).unwrap_or_else(|| local.and_utc())
    }

    /// The wall time of an instant.
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        let seconds = at.timestamp();
        let local = seconds.saturating_add(self.table.span(seconds).offset);
        DateTime::from_timestamp(local, at.timestamp_subsec_nanos())
            .map_or_else(|| at.naive_utc(), |shifted| shifted.naive_utc())
    }

    /// Seconds east of UTC at an instant.
    pub fn offset(&self, at: DateTime<Utc>) -> i32 {
        i32::try_from(self.table.span(at.timestamp()).offset).unwrap_or(0)
    }

    pub(crate) fn offsets(&self, from: i64) -> Vec<i64> {
        self.table.offsets(from)
    }

    pub(crate) fn span(&self, at: i64) -> Span {
        self.table.span(at)
    }
}

impl std::fmt::Debug for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}
