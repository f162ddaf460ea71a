//! How the grammar goes through the tokens of a filter.

use std::ops::Range;

use super::Clock;
use super::token::{Kind, Token, Wrong};

/// Reads tokens from the left, each once.
pub(super) struct Parser<'a> {
    pub tokens: &'a [Token],
    pub clock: &'a Clock,
    pub next: usize,
    pub comparisons: usize,
    steps: u32,
}

impl<'a> Parser<'a> {
    pub(super) fn new(tokens: &'a [Token], clock: &'a Clock) -> Self {
        Self { tokens, clock, next: 0, comparisons: 0, steps: 0 }
    }

    /// Tokens looked at so far.
    pub(super) fn steps(&self) -> u32 {
        self.steps
    }

    /// One bare word that is read as a value; `what` it should be.
    pub(super) fn one<T>(&mut self, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Wrong> {
        let found = match self.peek() {
            Some(Token { kind: Kind::Word(word), .. }) => read(word),
            _ => None,
        };
        let value = found.ok_or_else(|| self.expected(what))?;
        self.step();
        Ok(value)
    }

    /// A name or another text; its place, and whether it stands without quotation marks.
    pub(super) fn text(&mut self) -> Result<(Range<usize>, String, bool), Wrong> {
        let found = match self.peek() {
            Some(Token { at, kind: Kind::Quoted(text) }) => Some((at.clone(), text.clone(), false)),
            Some(token) if token.is_joint() || token.is("not") => None,
            Some(Token { at, kind: Kind::Word(word) }) => Some((at.clone(), word.clone(), true)),
            _ => None,
        };
        let found = found.ok_or_else(|| self.expected("a name, or a text in \"quotation marks\""))?;
        self.step();
        Ok(found)
    }

    pub(super) fn peek(&mut self) -> Option<&'a Token> {
        self.steps = self.steps.saturating_add(1);
        self.tokens.get(self.next)
    }

    pub(super) fn step(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    /// Goes past a word, if it comes next.
    pub(super) fn took(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(word));
        if found {
            self.step();
        }
        found
    }

    /// What is wrong where something else was expected.
    pub(super) fn expected(&mut self, what: &str) -> Wrong {
        match (self.peek(), self.tokens.last()) {
            (Some(token), _) => (token.at.clone(), format!("is not what can stand here: write {what}")),
            (None, Some(last)) => (last.at.clone(), format!("is followed by nothing: write {what}")),
            (None, None) => (0..0, format!("write {what}")),
        }
    }
}

impl Token {
    /// Whether it is this word.
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(&self.kind, Kind::Word(word) if word.eq_ignore_ascii_case(name))
    }

    /// Whether it joins conditions.
    pub(super) fn is_joint(&self) -> bool {
        self.is("and") || self.is("or")
    }
}
