//! Where a series starts, what its occurrences are, and how one asks about them.

use crate::zone::Zone;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// DTSTART: a date, a floating wall time, or a wall time of a zone (UTC is a zone too).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// All-day; the occurrences are dates.
    Date(NaiveDate),
    /// The same wall time wherever one is.
    Floating(NaiveDateTime),
    /// A wall time of a zone. In an overlap it is the first, in a gap it takes the offset before the gap.
    Zoned(NaiveDateTime, Zone),
}

/// A point on a series' time line: an RDATE, an EXDATE, or "after this".
///
/// In a series with a zone, dates and wall times are read in that zone by the rules for its start. In a series
/// of dates or floating times, which has no instants, an instant is read as what a UTC clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The start of a day.
    Date(NaiveDate),
    /// A wall time: an occurrence's recurrence id.
    Local(NaiveDateTime),
    /// An instant.
    Instant(DateTime<Utc>),
}

impl From<NaiveDate> for Moment {
    fn from(date: NaiveDate) -> Moment {
        Moment::Date(date)
    }
}

impl From<NaiveDateTime> for Moment {
    fn from(local: NaiveDateTime) -> Moment {
        Moment::Local(local)
    }
}

impl From<DateTime<Utc>> for Moment {
    fn from(at: DateTime<Utc>) -> Moment {
        Moment::Instant(at)
    }
}

/// One occurrence of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Occurrence {
    /// The nominal wall time, which with the zone's name is the recurrence id (RFC 5545 §3.8.4.4). Midnight in
    /// a series of dates. It may be a time the zone skips.
    pub local: NaiveDateTime,
    /// The instant; `None` in series of dates and of floating times.
    pub instant: Option<DateTime<Utc>>,
    /// True for the second pass through a wall time that happens twice. Only rules that count elapsed time
    /// (HOURLY and shorter) and RDATE values in UTC reach it; with them `local` alone would name two occurrences.
    pub fold: bool,
}

impl Occurrence {
    /// The moment of this occurrence, to ask for the next one.
    pub fn moment(&self) -> Moment {
        self.instant.map_or(Moment::Local(self.local), Moment::Instant)
    }
}

/// Occurrences in order, and whether the list is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The earliest ones asked for.
    pub occurrences: Vec<Occurrence>,
    /// Whether nothing follows the last of them (within the range asked for).
    pub complete: bool,
    /// The steps it took, at most [`crate::limits::MAX_STEPS`].
    pub steps: u32,
}
