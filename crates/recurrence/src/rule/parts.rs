//! The parts of a recurrence rule (RFC 5545 §3.3.10, RFC 7529 §4), each in the type that can only hold it.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc, Weekday};

/// FREQ: the kind of period a rule repeats by, shortest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Frequency {
    Secondly,
    Minutely,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// How a rule ends. COUNT and UNTIL cannot stand together (RFC 5545 §3.3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Neither COUNT nor UNTIL.
    Never,
    /// COUNT: that many occurrences, EXDATE not deducted; 1 or more.
    Count(u32),
    /// UNTIL: the last moment an occurrence may have, inclusive.
    Until(Until),
}

/// UNTIL in its three forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Up to the end of that day on the series' own wall clock.
    Date(NaiveDate),
    /// A wall time of the series' zone, or of no zone.
    Local(NaiveDateTime),
    /// An instant; needs a series with a zone.
    Utc(DateTime<Utc>),
}

/// One BYDAY value: a weekday, or the n-th of them in the month or year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeekdayNum {
    /// ±1 to ±53, counted from the end when negative; `None` means every one.
    pub ordinal: Option<i8>,
    /// The weekday.
    pub weekday: Weekday,
}

/// SKIP (RFC 7529 §4.1): what becomes of a day the month does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Skip {
    /// Left out, as in RFC 5545.
    Omit,
    /// The last day of that month instead.
    Backward,
    /// The first day of the next month instead.
    Forward,
}

/// All parts of a rule. Empty lists stand for parts not given; an [`Option`] for parts whose default matters
/// when the rule is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// FREQ.
    pub frequency: Frequency,
    /// INTERVAL: 1 to 4 294 967 295 periods.
    pub interval: u32,
    /// COUNT or UNTIL.
    pub end: End,
    /// BYSECOND: 0–59 (60 is read as 59, RFC 5545 §3.3.12).
    pub by_second: Vec<u8>,
    /// BYMINUTE: 0–59.
    pub by_minute: Vec<u8>,
    /// BYHOUR: 0–23.
    pub by_hour: Vec<u8>,
    /// BYDAY.
    pub by_day: Vec<WeekdayNum>,
    /// BYMONTHDAY: ±1 to ±31.
    pub by_month_day: Vec<i8>,
    /// BYYEARDAY: ±1 to ±366.
    pub by_year_day: Vec<i16>,
    /// BYWEEKNO: ±1 to ±53.
    pub by_week_no: Vec<i8>,
    /// BYMONTH: 1–12.
    pub by_month: Vec<u8>,
    /// BYSETPOS: ±1 to ±366.
    pub by_set_pos: Vec<i16>,
    /// WKST; Monday if not given.
    pub week_start: Option<Weekday>,
    /// Whether RSCALE=GREGORIAN was given.
    pub rscale: bool,
    /// SKIP.
    pub skip: Skip,
}

impl Parts {
    /// A rule of this frequency and nothing else.
    pub fn new(frequency: Frequency) -> Parts {
        Parts {
            frequency,
            interval: 1,
            end: End::Never,
            by_second: Vec::new(),
            by_minute: Vec::new(),
            by_hour: Vec::new(),
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            by_year_day: Vec::new(),
            by_week_no: Vec::new(),
            by_month: Vec::new(),
            by_set_pos: Vec::new(),
            week_start: None,
            rscale: false,
            skip: Skip::Omit,
        }
    }
}
