//! Why a rule does not fit its start or its exceptions.

use crate::limits::{MAX_EXTRA_DATES, MAX_YEAR, MIN_YEAR};

/// The parts of a series that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// An HOURLY, MINUTELY or SECONDLY rule on a series of dates.
    #[error("FREQ={frequency} needs a start with a time of day, not a date")]
    NeedsTime {
        /// FREQ as written.
        frequency: &'static str,
    },
    /// UNTIL is an instant, but the series has no zone to compare it in (RFC 5545 §3.3.10).
    #[error(
        "UNTIL is in UTC, but the start has no time zone: write UNTIL without Z, or give the start a zone"
    )]
    UntilNeedsZone,
    /// A time with a fraction of a second, which RFC 5545 cannot write.
    #[error("{property} has a fraction of a second; whole seconds are needed")]
    Fraction {
        /// `DTSTART`, `RDATE` or `EXDATE`.
        property: &'static str,
    },
    /// A year that RFC 5545 cannot write.
    #[error("{property} is outside the years {MIN_YEAR} to {MAX_YEAR}")]
    Year {
        /// `DTSTART`, `RDATE` or `EXDATE`.
        property: &'static str,
    },
    /// RDATE or EXDATE of another value type than the start (RFC 5545 §3.8.5.1).
    #[error("{property} must be {wanted}, like the start")]
    Kind {
        /// `RDATE` or `EXDATE`.
        property: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// More RDATE or EXDATE values than [`MAX_EXTRA_DATES`].
    #[error("{given} {property} values; at most {MAX_EXTRA_DATES} are kept")]
    TooMany {
        /// `RDATE` or `EXDATE`.
        property: &'static str,
        /// How many there were.
        given: usize,
    },
}
