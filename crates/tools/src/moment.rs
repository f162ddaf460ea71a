//! Dates and times as assistants are told them: each with its weekday, in the words of the user's own clock.

use perennial_domain::{DueInput, Timestamp, Weekday};
use perennial_http_api::Caller;
use perennial_recurrence::Zone;
use perennial_recurrence::chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, Timelike, Utc};

use crate::answer::Context;

/// Longest date in words, in characters.
pub(crate) const MAX_MOMENT: usize = 130;

/// What time it is for the caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    pub now: Timestamp,
    pub zone: Zone,
    week_start: Weekday,
}

impl Clock {
    pub(crate) fn new(caller: &Caller, now: Timestamp) -> Self {
        Self { now, zone: caller.user.zone, week_start: caller.user.week_start }
    }

    /// Today.
    pub(crate) fn today(&self) -> NaiveDate {
        self.zone.local(self.now.to_utc()).date()
    }

    pub(crate) fn context(&self) -> Context {
        let at = self.now.to_utc();
        let local = self.zone.local(at);
        let start: perennial_recurrence::chrono::Weekday = self.week_start.into();
        let since = local.date().weekday().days_since(start);
        let first = local.date().checked_sub_days(Days::new(since.into())).unwrap_or(local.date());
        let last = first.checked_add_days(Days::new(6)).unwrap_or(first);
        Context {
            now: format!("{}{}", local.format("%Y-%m-%dT%H:%M:%S"), offset(self.zone.offset(at))),
            weekday: local.format("%A").to_string(),
            tz: self.zone.name().to_owned(),
            week: format!("{} to {}", day(first), day(last)),
        }
    }

    /// An instant, in the user's zone.
    pub(crate) fn instant(&self, at: Timestamp) -> String {
        time(self.zone.local(at.to_utc()))
    }

    /// The same of one that an answer tells; what is none is told as it is.
    pub(crate) fn told(&self, at: &str) -> String {
        Timestamp::parse(at).map_or_else(|| at.to_owned(), |at| self.instant(at))
    }
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A day: `Mon 2026-11-30`.
pub(crate) fn day(date: NaiveDate) -> String {
    date.format("%a %Y-%m-%d").to_string()
}

/// A time: `Mon 2026-11-30 09:00`.
pub(crate) fn time(at: NaiveDateTime) -> String {
    at.format(if at.second() == 0 { "%a %Y-%m-%d %H:%M" } else { "%a %Y-%m-%d %H:%M:%S" }).to_string()
}

/// A due date: a day, a floating time, or a time with its zone.
pub(crate) fn due(due: &DueInput) -> String {
    let zone = due.tz.as_ref().map(|tz| format!(" {tz}")).unwrap_or_default();
    match local(&due.local) {
        Some(Local::Day(date)) => format!("{}{zone}", day(date)),
        Some(Local::Time(at)) => format!("{}{zone}", time(at)),
        None => format!("{}{zone}", due.local),
    }
}

/// A local date or date-time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Local {
    Day(NaiveDate),
    Time(NaiveDateTime),
}

/// Reads one; whoever is asked with it says what is wrong with what is none.
pub(crate) fn local(text: &str) -> Option<Local> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(Local::Day(date));
    }
    let formats = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];
    formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok()).map(Local::Time)
}

impl Local {
    /// The instant that it begins with, in a zone.
    pub(crate) fn instant(self, zone: &Zone) -> DateTime<Utc> {
        zone.instant(match self {
            Self::Day(date) => date.and_time(Default::default()),
            Self::Time(at) => at,
        })
    }
}
