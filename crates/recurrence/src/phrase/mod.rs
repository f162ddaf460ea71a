//! Reads plain English as a recurrence rule: everything [`RuleSet::describe`](crate::RuleSet::describe) says,
//! and the usual shorter forms ("every other Friday at 9am", "weekdays", "monthly on the 15th").

mod clauses;
mod days;
mod ends;
mod names;
mod sentence;
mod times;
mod tokens;

use crate::rule::{Frequency, Parts, Rule};
use crate::zone::Zone;
use chrono::NaiveTime;
use clauses::Draft;
pub use sentence::{Found, Sentence};
use std::cell::Cell;
use std::ops::Range;
use tokens::Reader;

/// What a phrase says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// The rule. Several times of day stand in it; a single one does not: it belongs to the start.
    pub rule: Rule,
    /// The first time of day, if any was said.
    pub time: Option<NaiveTime>,
    /// The zone, if one was said.
    pub zone: Option<Zone>,
}

/// A phrase that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {})", position.saturating_add(1))]
pub struct PhraseError {
    /// Byte offset of the first word that was not understood.
    pub position: usize,
    /// What is wrong.
    pub message: String,
}

impl Phrase {
    /// Reads a whole text as one phrase.
    ///
    /// # Errors
    /// [`PhraseError`] with the place of the first word that does not belong to it.
    pub fn parse(text: &str) -> Result<Phrase, PhraseError> {
        let tokens = tokens::cut(text);
        let steps = Cell::new(0);
        let mut reader = Reader::new(&tokens, 0, &steps);
        let phrase = read(&mut reader)?.phrase;
        let beyond = tokens
            .last()
            .is_some_and(|token| !text.get(token.end..).unwrap_or("").trim_matches(['.', ' ']).is_empty());
        if !reader.at_end() || beyond {
            return Err(error(&reader, "this does not belong to a recurrence"));
        }
        Ok(phrase)
    }

    /// Finds the first phrase inside a text such as "pay rent every last workday at 9": its bytes, and what it
    /// says. The text around it is the caller's.
    pub fn find(text: &str) -> Option<(Range<usize>, Phrase)> {
        let tokens = tokens::cut(text);
        let steps = Cell::new(0);
        (0..tokens.len()).find_map(|start| {
            let mut reader = Reader::new(&tokens, start, &steps);
            let begin = reader.position();
            let found = read(&mut reader).ok()?;
            Some((begin..found.end, found.phrase))
        })
    }
}

fn error(reader: &Reader<'_>, message: &str) -> PhraseError {
    PhraseError { position: reader.position(), message: message.to_owned() }
}

fn read(reader: &mut Reader<'_>) -> Result<Found, PhraseError> {
    let parts = Parts::new(Frequency::Daily);
    let mut draft = Draft { parts, times: Vec::new(), zone: None, time_at: None, zone_at: None };
    head(reader, &mut draft)?;
    let head = reader.read_to();
    draft.clauses(reader);
    let Draft { mut parts, times, zone, time_at, zone_at } = draft;
    // Places are chosen among something: where only times are named, they are it (RFC 5545 §3.3.10, BYSETPOS).
    let places_of_times = !parts.by_set_pos.is_empty() && parts.by_day.is_empty() && !times.is_empty();
    if (times.len() > 1 || places_of_times) && !times::combine(&times, &mut parts) {
        return Err(error(reader, "these times cannot stand in one rule: each hour needs the same minutes"));
    }
    let rule = Rule::from_parts(&parts).map_err(|refused| error(reader, &refused.message))?;
    let phrase = Phrase { rule, time: times.iter().min().copied(), zone };
    Ok(Found { phrase, head, end: reader.read_to(), time: time_at, zone: zone_at })
}

/// `daily`, `weekdays`, `every 2 weeks`, `every other Friday`, `every last workday of the month`.
fn head(reader: &mut Reader<'_>, draft: &mut Draft) -> Result<(), PhraseError> {
    if let Some(frequency) = names::adverb(reader.peek(0)) {
        reader.skip(1);
        draft.parts.frequency = frequency;
        return Ok(());
    }
    let plural = matches!(reader.peek(0), "weekdays" | "workdays" | "weekends");
    if !plural && !reader.take(&["every", "each"]) {
        return Err(error(reader, "a recurrence begins with \"every\", \"daily\", \"weekly\" or the like"));
    }
    let other = reader.take(&["other"]);
    if other {
        draft.parts.interval = 2;
    }
    if !plural && period(reader, draft, other) {
        return Ok(());
    }
    if !days::days(reader, &mut draft.parts) {
        return Err(error(reader, "a day, a number of days or a weekday is expected here"));
    }
    let parts = &mut draft.parts;
    let plain = parts.by_month_day.is_empty()
        && parts.by_set_pos.is_empty()
        && parts.by_day.iter().all(|day| day.ordinal.is_none());
    if plain {
        parts.frequency = Frequency::Weekly;
        return Ok(());
    }
    let in_year = draft.parts.by_month.is_empty();
    if other || !draft.of(reader) && !days::is_of_the_month(reader, &draft.parts) {
        let message = "say \"of the month\", name a month, or count in weeks (\"every 2 weeks on Friday\")";
        return Err(error(reader, message));
    }
    draft.parts.frequency =
        if in_year && !draft.parts.by_month.is_empty() { Frequency::Yearly } else { Frequency::Monthly };
    Ok(())
}

/// A unit with its count; whether one was read. "Second" before a day is an ordinal, and so is any ordinal
/// before "day of the month".
fn period(reader: &mut Reader<'_>, draft: &mut Draft, other: bool) -> bool {
    let mut ahead = *reader;
    let mut interval = if other { 2 } else { 1 };
    if let Some(count) = names::number(ahead.peek(0)) {
        interval = count;
        ahead.skip(1);
    } else if names::unit(ahead.peek(1)).is_some()
        && ahead.peek(2) != "of"
        && let Some(rank) = names::ordinal(&mut ahead)
    {
        interval = u32::try_from(rank).unwrap_or(0);
    }
    let Some(frequency) = names::unit(ahead.peek(0)).filter(|_| interval > 0) else { return false };
    if interval == 1 && is_ordinal(ahead) {
        return false;
    }
    ahead.skip(1);
    draft.parts.frequency = frequency;
    draft.parts.interval = interval;
    *reader = ahead;
    true
}

/// Whether "second" here is a place ("second last workday", "second, third and last Friday"), not a unit.
fn is_ordinal(mut reader: Reader<'_>) -> bool {
    let second = reader.peek(0) == "second";
    let places = reader.list(names::ordinal).len();
    let named = names::weekday(&mut reader).is_some() || names::kind_of_day(&mut reader).is_some();
    second && (places > 1 || named || reader.peek(0) == "of")
}
