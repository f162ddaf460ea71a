//! How a line was read, piece by piece.

use std::ops::Range;

use serde::Serialize;

use super::TEXT;
use super::grammar::Spoken;
use super::meaning::{Day, Meaning};
use super::resolve::When;
use super::said::{Place, Said, Wrong};
use crate::{Due, FieldError, Invalid, Span, TaskInput};

/// What a piece of a line was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ReadAs {
    Title,
    Date,
    Time,
    Recurrence,
    Tag,
    Priority,
    Reminder,
    Zone,
}

/// Some words of a line, and what they were read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where they are.
    pub span: Span,
    /// The words.
    pub text: String,
    /// What they were read as.
    pub read_as: ReadAs,
    /// What they say: a part of the title, a date, a time, an RRULE, the name of a tag, of a priority or of a zone, a TRIGGER.
    pub value: String,
}

/// What is to be said of some words that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuickNote {
    /// Where they are.
    pub span: Span,
    /// What is to be said.
    pub detail: String,
}

/// How a line was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The task that it says.
    pub input: TaskInput,
    /// Every word of it, in order.
    pub pieces: Vec<Piece>,
    /// What might have been meant otherwise.
    pub notes: Vec<QuickNote>,
    /// The recurrence in plain English.
    pub description: Option<String>,
    /// Words looked at.
    pub steps: u32,
    /// Where the members of the task come from.
    pub(super) members: Vec<(String, Span)>,
}

impl Reading {
    /// What is wrong with the task, said of the words that it comes from.
    pub(super) fn refused(&self, invalid: Invalid, text: &str) -> Invalid {
        let place = |pointer: &str| {
            let member = self.members.iter().find(|(member, _)| pointer.starts_with(member.as_str()));
            member.map(|(_, span)| *span)
        };
        let errors = invalid.errors.into_iter().map(|error| {
            let span = place(&error.pointer);
            let words: Option<String> = span.map(|span| {
                text.chars().skip(span.start).take(span.end.saturating_sub(span.start)).collect()
            });
            let detail = words.map_or_else(|| error.detail.clone(), |words| about(&words, &error.detail));
            FieldError { pointer: TEXT.to_owned(), detail, span }
        });
        Invalid { errors: errors.collect() }
    }
}

/// A reason with the words that it is about.
pub(crate) fn about(words: &str, why: &str) -> String {
    const SHOWN: usize = 60;
    let shown: String = words.chars().take(SHOWN).collect();
    let more = if shown.len() < words.len() { "…" } else { "" };
    format!("{:?} {why}", format!("{shown}{more}"))
}

/// Tells characters from bytes.
pub(super) struct Places<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Places<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, starts: text.char_indices().map(|(at, _)| at).collect() }
    }

    fn span(&self, at: &Place) -> Span {
        let characters = |byte: usize| self.starts.partition_point(|start| *start < byte);
        Span { start: characters(at.start), end: characters(at.end) }
    }

    fn words(&self, at: &Place) -> &'a str {
        self.text.get(at.clone()).unwrap_or("")
    }

    pub(super) fn invalid(&self, mut wrong: Vec<Wrong>) -> Invalid {
        wrong.sort_by_key(|(at, _)| at.start);
        let errors = wrong.into_iter().map(|(at, why)| FieldError {
            pointer: TEXT.to_owned(),
            detail: about(self.words(&at), &why),
            span: Some(self.span(&at)),
        });
        Invalid { errors: errors.collect() }
    }

    /// What is to be said of what was read, in the order of the words.
    pub(super) fn notes(
        &self,
        spoken: &Spoken,
        said: &Said<'_>,
        more: Vec<Wrong>,
        due: Option<&Due>,
    ) -> Vec<QuickNote> {
        let mut notes = spoken.notes.clone();
        notes.extend(more);
        for (at, meaning) in &spoken.items {
            let hour = match meaning {
                Meaning::Time(time, true) => Some((at.clone(), *time)),
                Meaning::Recurrence(found) => {
                    found.time.clone().zip(found.phrase.time).filter(|(at, time)| {
                        let hour = chrono::Timelike::hour(time);
                        (1..=12).contains(&hour) && !self.words(at).contains([':', 'm', 'M', 'n', 'N'])
                    })
                }
                _ => None,
            };
            notes.extend(hour.map(|(at, time)| {
                let meant = if chrono::Timelike::hour(&time) == 12 {
                    "00:00 for midnight"
                } else {
                    "pm for the afternoon"
                };
                (at, format!("was read as {}; write {meant}", time.format("%H:%M")))
            }));
        }
        if matches!(due, Some(Due::Date(_))) {
            let hours = said.reminders.iter().filter(|(_, trigger)| trigger.contains('T'));
            notes.extend(hours.map(|(at, _)| (at.clone(), "is counted from 00:00 of the day".to_owned())));
        }
        notes.sort_by_key(|(at, _)| at.start);
        notes
            .into_iter()
            .map(|(at, why)| QuickNote { span: self.span(&at), detail: about(self.words(&at), &why) })
            .collect()
    }

    /// The words that each member of the task comes from, by its pointer.
    pub(super) fn members(&self, said: &Said<'_>, items: &[(Place, Meaning)]) -> Vec<(String, Span)> {
        let mut members: Vec<(String, Span)> = Vec::new();
        let mut add =
            |pointer: String, at: Option<&Place>| members.extend(at.map(|at| (pointer, self.span(at))));
        let title: Vec<&Place> = items
            .iter()
            .filter(|(_, meaning)| matches!(meaning, Meaning::Title(..)))
            .map(|(at, _)| at)
            .collect();
        let whole = title.first().zip(title.last()).map(|(first, last)| first.start..last.end);
        add("/title".to_owned(), whole.as_ref());
        for (kind, list) in [("tags", &said.tags), ("reminders", &said.reminders)] {
            // The last one first: "/tags/1" begins "/tags/10" too.
            for (index, (at, _)) in list.iter().enumerate().rev() {
                add(format!("/{kind}/{index}"), Some(at));
            }
            add(format!("/{kind}"), list.last().map(|(at, _)| at));
        }
        add("/recurrence".to_owned(), said.recurrence.as_ref().map(|(at, _)| at));
        let day = said.day.as_ref().map(|(at, _)| at);
        let later = said.later.as_ref().map(|(at, _)| at);
        add("/due".to_owned(), day.or(later).or(said.recurrence.as_ref().map(|(at, _)| at)));
        members
    }
}

/// The pieces of a line, in order.
pub(super) fn pieces(places: &Places<'_>, items: &[(Place, Meaning)], when: &When) -> Vec<Piece> {
    let mut found: Vec<(Place, ReadAs, String)> = Vec::new();
    let mut literal = false;
    for (at, meaning) in items {
        match meaning {
            Meaning::Title(says, is_literal) => {
                match found.last_mut() {
                    Some((run, ReadAs::Title, value)) => {
                        let gap = if run.end < at.start { " " } else { "" };
                        *value = format!("{value}{gap}{says}");
                        run.end = at.end;
                    }
                    _ => found.push((at.clone(), ReadAs::Title, says.clone())),
                }
                literal = *is_literal;
            }
            _ => {
                trim_title(&mut found, literal);
                found.extend(meant(places, at, meaning, when));
            }
        }
    }
    let piece = |(at, read_as, value): (Place, ReadAs, String)| Piece {
        span: places.span(&at),
        text: places.words(&at).to_owned(),
        read_as,
        value,
    };
    found.into_iter().map(piece).collect()
}

/// A comma between the title and what follows it is no part of the title.
fn trim_title(found: &mut [(Place, ReadAs, String)], literal: bool) {
    if let Some((_, ReadAs::Title, value)) = found.last_mut().filter(|_| !literal) {
        value.truncate(value.trim_end_matches([',', ';', ' ']).len());
    }
}

/// What an item that is no title says. A recurrence may have its time and its zone within it.
fn meant(places: &Places<'_>, at: &Place, meaning: &Meaning, when: &When) -> Vec<(Place, ReadAs, String)> {
    let one = |read_as: ReadAs, value: String| vec![(at.clone(), read_as, value)];
    match meaning {
        Meaning::Title(..) | Meaning::Refused(_) => Vec::new(),
        Meaning::Day(Day::At(local)) => one(ReadAs::Date, local.format("%Y-%m-%dT%H:%M:%S").to_string()),
        Meaning::Day(_) => one(ReadAs::Date, when.day.map(|day| day.to_string()).unwrap_or_default()),
        Meaning::Later(_) => one(ReadAs::Date, when.due.as_ref().map(Due::local).unwrap_or_default()),
        Meaning::Time(time, _) => one(ReadAs::Time, time.to_string()),
        Meaning::Zone(zone) => one(ReadAs::Zone, zone.name().to_owned()),
        Meaning::Tag(tag) => one(ReadAs::Tag, tag.clone()),
        Meaning::Priority(priority) => one(ReadAs::Priority, format!("{priority:?}").to_lowercase()),
        Meaning::Reminder(trigger) => one(ReadAs::Reminder, trigger.clone()),
        Meaning::Recurrence(found) => {
            let phrase = &found.phrase;
            // Several times are written in the rule, and not apart.
            let apart = phrase.rule.parts().by_hour.is_empty();
            let time = found.time.clone().filter(|_| apart).zip(phrase.time.map(|time| time.to_string()));
            let zone = found.zone.clone().zip(phrase.zone.map(|zone| zone.name().to_owned()));
            let mut within: Vec<(Place, ReadAs, String)> = Vec::new();
            within.extend(time.map(|(at, time)| (at, ReadAs::Time, time)));
            within.extend(zone.map(|(at, zone)| (at, ReadAs::Zone, zone)));
            within.sort_by_key(|(at, ..)| at.start);
            parted(places, at, within, phrase.rule.text())
        }
    }
}

/// The words of a recurrence, around what is apart within them.
fn parted(
    places: &Places<'_>,
    at: &Place,
    within: Vec<(Place, ReadAs, String)>,
    rule: &str,
) -> Vec<(Place, ReadAs, String)> {
    let mut found: Vec<(Place, ReadAs, String)> = Vec::new();
    let mut from = at.start;
    let rest = |found: &mut Vec<(Place, ReadAs, String)>, gap: Range<usize>| {
        let words = places.words(&gap);
        let kept = words.trim();
        let start = gap.start.saturating_add(words.len().saturating_sub(words.trim_start().len()));
        let end = start.saturating_add(kept.len());
        match found.last_mut() {
            _ if kept.is_empty() => {}
            // What only ends a word goes with it.
            Some((before, ..)) if !kept.contains(char::is_alphanumeric) => before.end = end,
            _ => found.push((start..end, ReadAs::Recurrence, rule.to_owned())),
        }
    };
    for piece in within {
        rest(&mut found, from..piece.0.start);
        from = piece.0.end;
        found.push(piece);
    }
    rest(&mut found, from..at.end);
    found
}
