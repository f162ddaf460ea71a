//! The filter language of lists: `due < +7d and priority = high and tag = work and not project = Home`.
//!
//! A text is cut into tokens, the tokens are read by the grammar, and what they say is resolved at once: words such as "today"
//! become instants in the user's zone. What comes out is a [`Condition`], which a store renders into its own language and which
//! [`Condition::matches`] answers for one task. docs/filter.md has the grammar.

mod condition;
mod cursor;
mod field;
mod grammar;
mod matches;
mod print;
mod time;
mod token;

pub use chrono::Weekday;
use perennial_recurrence::Zone;

pub use condition::{Bounds, Condition, Part, Quantity, Test};
pub use matches::Facts;

use crate::quick::about;
use crate::{FieldError, Invalid, Span, Timestamp};

/// Longest filter, in characters.
pub const MAX_TEXT: usize = 1_000;
/// Most comparisons of a filter; a word that is a condition of its own counts as one.
pub const MAX_COMPARISONS: usize = 50;
/// Deepest nesting: each pair of parentheses and each `not` goes one deeper.
pub const MAX_DEPTH: usize = 20;
/// Longest name or string, in characters.
pub const MAX_STRING: usize = 200;

/// Where errors of a filter point.
const POINTER: &str = "/filter";

/// When and where a filter is read: what "today" and "this week" mean.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// The instant it is read at.
    pub now: Timestamp,
    /// The user's zone.
    pub zone: Zone,
    /// The day on which the user's weeks begin.
    pub week_start: Weekday,
}

/// Reads a filter.
///
/// # Errors
/// [`Invalid`] with the pointer `/filter` and the span of the words that cannot be read, saying what was expected there.
pub fn parse(text: &str, clock: &Clock) -> Result<Condition, Invalid> {
    counted(text, clock).0
}

/// Text in lower case, letter by letter: what `title ~` compares. Unlike in `str::to_lowercase`, no letter depends on its
/// neighbours.
pub fn lowered(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Reads a filter; and how many tokens were looked at.
fn counted(text: &str, clock: &Clock) -> (Result<Condition, Invalid>, u32) {
    let length = text.chars().count();
    if length > MAX_TEXT {
        let why = format!("has {length} characters; at most {MAX_TEXT} are read");
        return (Err(Invalid::at(POINTER, why)), 0);
    }
    let tokens = match token::cut(text) {
        Ok(tokens) => tokens,
        Err(wrong) => return (Err(invalid(text, wrong)), 0),
    };
    if tokens.is_empty() {
        return (Err(Invalid::at(POINTER, format!("says nothing: write {}", grammar::CONDITION))), 0);
    }
    let mut parser = cursor::Parser::new(&tokens, clock);
    let read = parser.filter().map_err(|wrong| invalid(text, wrong));
    (read, parser.steps())
}

fn invalid(text: &str, (at, why): token::Wrong) -> Invalid {
    let words: String = text.chars().skip(at.start).take(at.len()).collect();
    let span = Some(Span { start: at.start, end: at.end });
    Invalid { errors: vec![FieldError { pointer: POINTER.to_owned(), detail: about(&words, &why), span }] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKENS: &str = "( ) not and or = != < <= > >= ~ .. due priority tag title project today next week high none +7d \
        \"a\" overdue recurring x 2026-12-01 PT1H";

    proptest! {
        /// No token is looked at more often than the grammar has rules that may begin with it, whatever stands around it.
        #[test]
        fn a_text_costs_no_more_than_its_length(
            words in prop::collection::vec(prop::sample::select(TOKENS.split_whitespace().collect::<Vec<_>>()), 0..200)
        ) {
            let text = words.join(" ");
            let clock = Clock { now: Timestamp::from_millis(0), zone: Zone::utc(), week_start: Weekday::Mon };
            let (_, steps) = counted(&text, &clock);
            let most = words.len().saturating_add(1).saturating_mul(10);
            prop_assert!(u64::from(steps) <= most as u64, "{text}: {steps}");
        }
    }
}
