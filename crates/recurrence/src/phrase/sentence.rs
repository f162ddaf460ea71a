//! A text cut into words once, to be asked at any of them what begins there: a recurrence, a time of day, a day, a zone.

use super::tokens::{self, Reader, Token};
use super::{Phrase, PhraseError, ends, read, times};
use crate::zone::Zone;
use chrono::NaiveTime;
use std::cell::Cell;
use std::ops::Range;

/// A sentence that may hold phrases. Each question costs steps in proportion to the words that it reads.
#[derive(Debug)]
pub struct Sentence {
    tokens: Vec<Token>,
    steps: Cell<u32>,
}

/// A phrase found in a sentence; all offsets are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it says.
    pub phrase: Phrase,
    /// Where the words that say the period or the days end.
    pub head: usize,
    /// Where it ends.
    pub end: usize,
    /// The words that say its times of day.
    pub time: Option<Range<usize>>,
    /// The words that say its zone.
    pub zone: Option<Range<usize>>,
}

impl Sentence {
    /// Cuts a text, all of it: its length is the caller's to bound.
    pub fn new(text: &str) -> Sentence {
        Sentence { tokens: tokens::cut_whole(text), steps: Cell::new(0) }
    }

    /// How many words have been looked at so far.
    pub fn steps(&self) -> u32 {
        self.steps.get()
    }

    /// The longest recurrence whose first word begins at a byte.
    ///
    /// # Errors
    /// [`PhraseError`] with the place of the first word that does not belong to one.
    pub fn phrase(&self, at: usize) -> Result<Found, PhraseError> {
        let nothing = || PhraseError { position: at, message: "no word begins here".to_owned() };
        read(&mut self.reader(at).ok_or_else(nothing)?)
    }

    /// A time of day ("9am", "17:30", "9 pm", "noon"), and where it ends.
    pub fn clock(&self, at: usize) -> Option<(NaiveTime, usize)> {
        self.heard(at, times::clock)
    }

    /// A zone ("UTC", "New York time"), and where it ends.
    pub fn zone(&self, at: usize) -> Option<(Zone, usize)> {
        self.heard(at, ends::zone)
    }

    /// A day of a month and that month ("5 December", "Dec 5th"), and where they end.
    pub fn day_of_month(&self, at: usize) -> Option<((u32, u8), usize)> {
        self.heard(at, ends::day_of_month)
    }

    fn heard<'a, T>(&'a self, at: usize, what: impl Fn(&mut Reader<'a>) -> Option<T>) -> Option<(T, usize)> {
        let mut reader = self.reader(at)?;
        let heard = what(&mut reader)?;
        Some((heard, reader.read_to()))
    }

    fn reader(&self, at: usize) -> Option<Reader<'_>> {
        let index = self.tokens.partition_point(|token| token.start < at);
        let begins = self.tokens.get(index).is_some_and(|token| token.start == at);
        begins.then(|| Reader::new(&self.tokens, index, &self.steps))
    }
}
