//! What a search asks for.

use super::words::words;
use super::{MAX_QUERY, MAX_QUERY_WORDS, MAX_TERMS};
use crate::Invalid;

/// Where errors of a search point.
const POINTER: &str = "/q";

/// A search that was read: all of its terms must be found, and none of those that it excludes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What must be found: at least one term.
    pub terms: Vec<Term>,
    /// What must not be found.
    pub excluded: Vec<Term>,
}

/// Words that must follow each other within one field; a single word is a phrase of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The words, folded: at least one.
    pub words: Vec<String>,
    /// Whether the last of them is the beginning of a word.
    pub is_prefix: bool,
}

impl Query {
    /// Reads a search: words, `begin*`, `"a phrase"` and, with a `-` before it, what is excluded. The last word is the beginning
    /// of one, as it may still be typed. Signs are no words; a term that has none is ignored, and a quotation mark that is not
    /// closed is closed by the end.
    ///
    /// # Errors
    /// [`Invalid`] with the pointer `/q`: it is longer than [`MAX_QUERY`], has a control character, more than [`MAX_TERMS`] terms or
    /// [`MAX_QUERY_WORDS`] words, or has no word to look for.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let length = text.chars().count();
        if length > MAX_QUERY {
            return Err(Invalid::at(
                POINTER,
                format!("has {length} characters; at most {MAX_QUERY} are looked for"),
            ));
        }
        if let Some(control) = text.chars().find(|letter| letter.is_control()) {
            return Err(Invalid::at(
                POINTER,
                format!("has the control character U+{:04X}", u32::from(control)),
            ));
        }
        let mut query = Self { terms: Vec::new(), excluded: Vec::new() };
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (written, after) = Written::first(rest);
            rest = after.trim_start();
            let words = words(written.text);
            if words.is_empty() {
                continue;
            }
            let is_last = self::words(rest).is_empty();
            let is_prefix = !written.is_quoted && (written.is_begun || is_last && !written.is_excluded);
            let list = if written.is_excluded { &mut query.excluded } else { &mut query.terms };
            list.push(Term { words, is_prefix });
        }
        query.check()
    }

    fn check(self) -> Result<Self, Invalid> {
        let terms = || self.terms.iter().chain(&self.excluded);
        let words: usize = terms().map(|term| term.words.len()).sum();
        let why = if terms().count() > MAX_TERMS {
            format!("has {} terms; at most {MAX_TERMS} are looked for", terms().count())
        } else if words > MAX_QUERY_WORDS {
            format!("has {words} words; at most {MAX_QUERY_WORDS} are looked for")
        } else if self.terms.is_empty() && self.excluded.is_empty() {
            "has no words to look for".to_owned()
        } else if self.terms.is_empty() {
            "says only what is excluded: write a word to look for as well".to_owned()
        } else {
            return Ok(self);
        };
        Err(Invalid::at(POINTER, why))
    }

    /// The words whose tokens [`score`](Self::score) needs, each once, and whether every word that begins so is meant.
    pub fn needed(&self) -> Vec<(&str, bool)> {
        let mut needed: Vec<(&str, bool)> = Vec::new();
        for term in self.terms.iter().chain(&self.excluded) {
            for (left, word) in (0..term.words.len()).rev().zip(&term.words) {
                let one = (word.as_str(), left == 0 && term.is_prefix);
                if !needed.contains(&one) {
                    needed.push(one);
                }
            }
        }
        needed
    }
}

/// A term as written.
struct Written<'a> {
    text: &'a str,
    is_excluded: bool,
    is_quoted: bool,
    /// Whether a `*` ends it.
    is_begun: bool,
}

impl<'a> Written<'a> {
    /// The first term of a text that does not begin with a blank, and what comes after it.
    fn first(text: &'a str) -> (Self, &'a str) {
        const MARKS: [char; 3] = ['"', '“', '”'];
        let (is_excluded, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if let Some(inner) = text.strip_prefix(MARKS) {
            let (text, rest) = inner.split_once(MARKS).unwrap_or((inner, ""));
            return (Self { text, is_excluded, is_quoted: true, is_begun: false }, rest);
        }
        let end = text.find(|letter: char| letter.is_whitespace() || MARKS.contains(&letter));
        let (text, rest) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, ""));
        (Self { text, is_excluded, is_quoted: false, is_begun: text.ends_with('*') }, rest)
    }
}
