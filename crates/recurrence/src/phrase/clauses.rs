//! What may follow the period: months, weeks, days, places, times, end, zone; in any order, each once.

use super::days::days;
use super::ends::{day_of_month, end, zone};
use super::names::{month, number, ordinal};
use super::times::{Times, times};
use super::tokens::Reader;
use crate::rule::{End, Frequency, Parts, Skip};
use crate::zone::Zone;
use chrono::NaiveTime;
use std::ops::Range;

/// What has been read so far.
pub(super) struct Draft {
    pub(super) parts: Parts,
    pub(super) times: Vec<NaiveTime>,
    pub(super) zone: Option<Zone>,
    /// The bytes of the words that say the times of day.
    pub(super) time_at: Option<Range<usize>>,
    /// The bytes of those that say the zone.
    pub(super) zone_at: Option<Range<usize>>,
}

impl Draft {
    /// Reads clauses until none follows.
    pub(super) fn clauses(&mut self, reader: &mut Reader<'_>) {
        while self.clause(reader) {}
    }

    fn clause(&mut self, reader: &mut Reader<'_>) -> bool {
        let mut ahead = *reader;
        let (timed, zoned) = (!self.times.is_empty(), self.zone.is_some());
        let read = self.day_clause(&mut ahead) || self.other_clause(&mut ahead);
        if read {
            let bytes = reader.position()..ahead.read_to();
            if !timed && !self.times.is_empty() {
                self.time_at = Some(bytes.clone());
            }
            if !zoned && self.zone.is_some() {
                self.zone_at = Some(bytes);
            }
            *reader = ahead;
        }
        read
    }

    fn day_clause(&mut self, reader: &mut Reader<'_>) -> bool {
        let parts = &mut self.parts;
        if parts.by_set_pos.is_empty() && reader.take_run(&["only", "the"]) {
            parts.by_set_pos = reader.list(ordinal);
            return !parts.by_set_pos.is_empty() && reader.take_run(&["of", "them"]);
        }
        if (parts.by_day.is_empty() || parts.by_month_day.is_empty()) && reader.take_run(&["only", "on"]) {
            return days(reader, parts);
        }
        let elses = [
            (["else", "the", "last", "day"], Skip::Backward),
            (["else", "the", "next", "day"], Skip::Forward),
        ];
        for (words, skip) in elses {
            if reader.take_run(&words) {
                parts.skip = skip;
                return true;
            }
        }
        if reader.peek(0) == "in" && parts.by_week_no.is_empty() && matches!(reader.peek(1), "week" | "weeks")
        {
            reader.skip(1);
            let weeks = reader.list(|reader| place(reader, &["week", "weeks"]));
            parts.by_week_no = weeks.into_iter().filter_map(|week| i8::try_from(week).ok()).collect();
            return !parts.by_week_no.is_empty();
        }
        if parts.by_month.is_empty() && reader.take(&["in"]) {
            parts.by_month = reader.list(month);
            return !parts.by_month.is_empty();
        }
        let names_none =
            parts.by_day.is_empty() && parts.by_month_day.is_empty() && parts.by_year_day.is_empty();
        names_none && reader.peek(0) == "on" && self.on(reader)
    }

    /// `on 14 March`, `on day 100 of the year`, `on the last Friday of June`.
    fn on(&mut self, reader: &mut Reader<'_>) -> bool {
        reader.skip(1);
        let parts = &mut self.parts;
        if let Some((day, month)) = day_of_month(reader) {
            parts.by_month.push(month);
            parts.by_month_day.extend(i8::try_from(day));
            return true;
        }
        if reader.peek(0) == "day" && number(reader.peek(1)).is_some() {
            parts.by_year_day = reader.list(|reader| place(reader, &["day", "days"]));
            return reader.take_run(&["of", "the", "year"]);
        }
        let named = days(reader, parts);
        self.of(reader);
        named
    }

    /// `of the month`, `of June`; whether either was read.
    pub(super) fn of(&mut self, reader: &mut Reader<'_>) -> bool {
        if reader.take_run(&["of", "the", "month"]) || reader.take_run(&["of", "each", "month"]) {
            return true;
        }
        let mut ahead = *reader;
        if self.parts.by_month.is_empty() && ahead.take(&["of"]) {
            self.parts.by_month = ahead.list(month);
            if !self.parts.by_month.is_empty() {
                *reader = ahead;
                return true;
            }
        }
        false
    }

    fn other_clause(&mut self, reader: &mut Reader<'_>) -> bool {
        if reader.take_run(&["weeks", "from"]) {
            self.parts.week_start = super::names::weekday(reader);
            return self.parts.week_start.is_some();
        }
        if self.times.is_empty() && reader.take_run(&["at"]) {
            return match times(reader, &mut self.parts) {
                Some(Times::Clock(clocks)) if self.parts.frequency >= Frequency::Daily => {
                    self.times = clocks;
                    true
                }
                Some(Times::Fields) => true,
                _ => false,
            };
        }
        if self.parts.end == End::Never
            && let Some(end) = end(reader)
        {
            self.parts.end = end;
            return true;
        }
        if self.zone.is_none() {
            self.zone = zone(reader);
            return self.zone.is_some();
        }
        false
    }
}

/// `week 20`, `day 1 from the end`; the noun may be left out after the first.
fn place(reader: &mut Reader<'_>, nouns: &[&str]) -> Option<i16> {
    reader.take(nouns);
    let number = i16::try_from(number(reader.peek(0))?).ok()?;
    reader.skip(1);
    if reader.take_run(&["from", "the", "end"]) { number.checked_neg() } else { Some(number) }
}
