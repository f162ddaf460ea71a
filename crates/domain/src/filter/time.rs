//! What words for times mean, now and in the user's zone.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Weekday};

use super::Clock;
use crate::Timestamp;
use crate::due::{Local, parse_local};
use crate::quick::{nearly, short_weekday, weekday};

/// The first and the last instant that is read: with them every day from 1970 to 9998 is, in every zone.
pub(super) const FIRST_INSTANT: i64 = -86_400_000;
pub(super) const LAST_INSTANT: i64 = 253_370_851_200_000;

/// The years that days lie in.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9998;

/// What is said of words that are no time.
const TIMES: &str = "write today, next week, friday, +7d, 2026-12-01 or 2026-12-01T09:00";

/// A stretch of time in milliseconds: its beginning, and its end, which is not within. An instant is a millisecond long.
pub(super) type Stretch = (i64, i64);

impl Clock {
    /// Reads a time from a word and the one that follows it, and says how many of them were read.
    pub(super) fn read(&self, word: &str, next: Option<&str>) -> (Result<Stretch, String>, usize) {
        let name = word.to_ascii_lowercase();
        let which = match name.as_str() {
            "last" => -1,
            "this" => 0,
            "next" => 1,
            _ => return (self.one(word, &name).and_then(bounded), 1),
        };
        let Some(next) = next else {
            return (Err("wants week, month or year after it".to_owned()), 1);
        };
        (self.period(which, &next.to_ascii_lowercase()).and_then(bounded), 2)
    }

    /// The instant that it is now.
    pub(super) fn instant(&self) -> Result<i64, String> {
        bounded(point(self.now)).map(|(from, _)| from)
    }

    fn one(&self, word: &str, name: &str) -> Result<Stretch, String> {
        match name {
            "now" => return Ok(point(self.now)),
            "today" => return self.day(Some(self.today())),
            "tomorrow" => return self.day(self.today().succ_opt()),
            "yesterday" => return self.day(self.today().pred_opt()),
            _ => {}
        }
        if let Some(day) = weekday(name).or_else(|| short_weekday(name)) {
            return self.day(self.today().checked_add_days(Days::new(ahead(self.today().weekday(), day))));
        }
        if let Some(length) = name.strip_prefix('+') {
            return self.counted(length, true);
        }
        if let Some(length) = name.strip_prefix('-') {
            return self.counted(length, false);
        }
        if name.starts_with(|letter: char| letter.is_ascii_digit()) {
            return self.written(word);
        }
        Err(match nearly(name) {
            Some(meant) => format!("is no time: was {meant} meant?"),
            None => format!("is no time that is read here: {TIMES}"),
        })
    }

    /// A date, a local date-time or an instant, as ISO 8601 has them.
    fn written(&self, word: &str) -> Result<Stretch, String> {
        if let Some(clock) = word.strip_suffix('Z') {
            let at = match parse_local(clock) {
                Ok(Local::DateTime(at)) => Some(at.and_utc().into()),
                _ => Timestamp::parse(word),
            };
            return at.map(point).ok_or_else(|| "is no instant such as 2026-12-01T09:00:00Z".to_owned());
        }
        match parse_local(word) {
            Ok(Local::Date(date)) => self.day(Some(date)),
            Ok(Local::DateTime(at)) => Ok(point(self.zone.instant(at).into())),
            Err(_) => Err(format!("is no date or local date-time of the calendar from 1970 on: {TIMES}")),
        }
    }

    /// So long from now, or ago: minutes and hours are exact, the others are whole days of the calendar.
    fn counted(&self, length: &str, later: bool) -> Result<Stretch, String> {
        let figures = length.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(length.len());
        let (count, unit) = length.split_at_checked(figures).unwrap_or_default();
        let Some(count) = (count.len() <= 4).then(|| count.parse::<u32>().ok()).flatten() else {
            return Err("is no length of time: write up to four figures and a unit, as in +7d".to_owned());
        };
        let minutes = match unit {
            "min" => Some(1),
            "h" => Some(60),
            _ => None,
        };
        if let Some(minutes) = minutes {
            let millis = i64::from(count).saturating_mul(minutes).saturating_mul(60_000);
            return Ok(point(self.now.plus_millis(if later { millis } else { millis.saturating_neg() })));
        }
        let today = self.today();
        let days = |days: u32| {
            let days = Days::new(u64::from(days));
            if later { today.checked_add_days(days) } else { today.checked_sub_days(days) }
        };
        let months = |months: u32| {
            let months = Months::new(months);
            if later { today.checked_add_months(months) } else { today.checked_sub_months(months) }
        };
        self.day(match unit {
            "d" => days(count),
            "w" => days(count.saturating_mul(7)),
            "mo" => months(count),
            "y" => months(count.saturating_mul(12)),
            _ => return Err("wants a unit after its figures: min, h, d, w, mo or y".to_owned()),
        })
    }

    /// The last, this or the next week, month or year (-1, 0, 1); or the last of a weekday.
    fn period(&self, which: i8, name: &str) -> Result<Stretch, String> {
        let today = self.today();
        let week = |which: i8| {
            let begun =
                today.checked_sub_days(Days::new(u64::from(today.weekday().days_since(self.week_start))));
            begun?.checked_add_signed(TimeDelta::weeks(which.into()))
        };
        let month = |which: i8| {
            let first = today.with_day(1)?;
            let months = Months::new(which.unsigned_abs().into());
            if which < 0 { first.checked_sub_months(months) } else { first.checked_add_months(months) }
        };
        let year = |which: i8| NaiveDate::from_ymd_opt(today.year().saturating_add(which.into()), 1, 1);
        let after = which.saturating_add(1);
        match name {
            "week" => self.days(week(which), week(after)),
            "month" => self.days(month(which), month(after)),
            "year" => self.days(year(which), year(after)),
            _ => match weekday(name).or_else(|| short_weekday(name)).filter(|_| which < 0) {
                Some(day) => self.day(today.checked_sub_days(Days::new(ahead(day, today.weekday())))),
                None => {
                    Err("is no time that is read here: write week, month or year after this, next or last; \
                    friday is the next one, last friday the one before"
                        .to_owned())
                }
            },
        }
    }

    fn today(&self) -> NaiveDate {
        self.zone.local(self.now.to_utc()).date()
    }

    fn day(&self, day: Option<NaiveDate>) -> Result<Stretch, String> {
        self.days(day, day.and_then(|day| day.succ_opt()))
    }

    /// From the beginning of a day to the beginning of another.
    fn days(&self, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<Stretch, String> {
        let begins = |day: NaiveDate| self.zone.instant(day.and_time(NaiveTime::MIN)).timestamp_millis();
        let from = from.filter(|day| YEARS.contains(&day.year()));
        from.zip(to).map(|(from, to)| (begins(from), begins(to))).ok_or_else(beyond)
    }
}

fn point(at: Timestamp) -> Stretch {
    (at.as_millis(), at.plus_millis(1).as_millis())
}

/// Days from one weekday to the next of another: a week, if they are the same.
fn ahead(from: Weekday, to: Weekday) -> u64 {
    match to.days_since(from) {
        0 => 7,
        days => days.into(),
    }
}

fn bounded((from, to): Stretch) -> Result<Stretch, String> {
    let within = from >= FIRST_INSTANT && to <= LAST_INSTANT.saturating_add(1);
    if within { Ok((from, to)) } else { Err(beyond()) }
}

fn beyond() -> String {
    "lies outside of the years 1970 to 9998".to_owned()
}
