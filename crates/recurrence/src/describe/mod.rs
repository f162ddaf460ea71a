//! Rules in plain English: "every last workday of the month at 09:00, New York time, until 31 December 2027".
//!
//! Parts the rule takes from its start are said aloud; [`crate::phrase`] reads the words back.

mod days;
mod explicit;
mod times;
pub(crate) mod words;
pub(crate) mod zones;

use crate::rule::{End, Frequency, Parts, Until};
use crate::set::{RuleSet, Start};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};

impl RuleSet {
    /// The series in plain English.
    pub fn describe(&self) -> String {
        let start = self.start_local();
        let dates = matches!(self.start(), Start::Date(_));
        let mut text = match self.rule() {
            None => once(start, dates),
            Some(rule) => {
                let parts = explicit::explicit(rule.parts(), start, dates);
                let times = parts
                    .by_hour
                    .len()
                    .saturating_mul(parts.by_minute.len())
                    .saturating_mul(parts.by_second.len());
                let week_start = days::week_start(&parts).unwrap_or_default();
                format!("{}{}{week_start}", days::days(&parts, times.max(1)), times::times(&parts))
            }
        };
        if let Start::Zoned(_, zone) = self.start() {
            text += &format!(", {}", zones::say(zone));
        }
        if let Some(rule) = self.rule() {
            text += &self.end(rule.parts(), start, dates);
        }
        let (more, fewer) = self.exceptions();
        for (count, word) in [(more, "plus"), (fewer, "except")] {
            if count > 0 {
                text += &format!(", {word} {count} {}", if count == 1 { "date" } else { "dates" });
            }
        }
        text
    }

    fn end(&self, parts: &Parts, start: NaiveDateTime, dates: bool) -> String {
        let local = match parts.end {
            End::Never => return String::new(),
            End::Count(1) => return ", once".to_owned(),
            End::Count(2) => return ", twice".to_owned(),
            End::Count(count) => return format!(", {count} times"),
            End::Until(Until::Date(date)) => return format!(", until {}", words::date(date)),
            End::Until(Until::Local(local)) => local,
            End::Until(Until::Utc(at)) => match self.start() {
                Start::Zoned(_, zone) => zone.local(at),
                _ => at.naive_utc(),
            },
        };
        match last_day(&explicit::explicit(parts, start, dates), local) {
            Some(date) => format!(", until {}", words::date(date)),
            None => format!(", until {} at {}", words::date(local.date()), clock(local)),
        }
    }
}

/// The last day a rule's times of day all lie within UNTIL, if UNTIL parts no day in two.
fn last_day(parts: &Parts, until: NaiveDateTime) -> Option<NaiveDate> {
    if parts.frequency < Frequency::Daily {
        return None;
    }
    let time = |pick: fn(&[u8]) -> Option<u8>| {
        let value = |list: &[u8]| u32::from(pick(list).unwrap_or(0));
        NaiveTime::from_hms_opt(value(&parts.by_hour), value(&parts.by_minute), value(&parts.by_second))
    };
    let earliest = time(|list| list.iter().min().copied())?;
    let latest = time(|list| list.iter().max().copied())?;
    match until.time() {
        clock if clock >= latest => Some(until.date()),
        clock if clock < earliest => until.date().pred_opt(),
        _ => None,
    }
}

fn once(start: NaiveDateTime, dates: bool) -> String {
    let date = words::date(start.date());
    if dates { format!("on {date}") } else { format!("on {date} at {}", clock(start)) }
}

fn clock(local: NaiveDateTime) -> String {
    local.format(if local.second() == 0 { "%H:%M" } else { "%H:%M:%S" }).to_string()
}
