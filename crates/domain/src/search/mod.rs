//! Full-text search over title, tags and description: the words that a task is found by, what a search asks for, and in which
//! order what is found is shown.
//!
//! All three are made here, so that every store finds the same: it keeps the [`Posting`]s of each task, fetches those of the tasks
//! that have the words of a [`Query`], and leaves it to [`Query::score`] and [`rank`] whether and where a task stands.
//! docs/search.md says what is found and what is left out.

mod posting;
mod query;
mod rank;
mod reference;
mod token;
mod words;

pub use posting::Posting;
pub use query::{Query, Term};
pub use rank::{Candidate, rank};
pub use reference::matches;
pub use token::{Field, Token, tokens};
pub use words::words;

/// Longest search, in characters.
pub const MAX_QUERY: usize = 200;
/// Most terms of a search: words, phrases and what is excluded.
pub const MAX_TERMS: usize = 10;
/// Most words in all terms of a search together.
pub const MAX_QUERY_WORDS: usize = 40;
/// Longest word that is kept, in characters; a longer one is cut, in tasks and in searches alike.
pub const MAX_WORD: usize = 40;
/// Most tokens of a task: each is a row, and an entry of an index, that its writing pays for.
pub const MAX_TOKENS: usize = 300;
/// Most places of a token that are kept, the first ones.
pub const MAX_PLACES: usize = 100;
/// Most words of a task that are read.
pub const MAX_WORDS: usize = 10_000;
