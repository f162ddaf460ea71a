//! What a search asks for, what it finds and in which order.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod bounds;
mod examples;
#[path = "../held/mod.rs"]
mod held;
mod laws;
#[path = "../mutated/mod.rs"]
mod mutated;
mod order;

use perennial_domain::search::{Query, Token, matches, tokens};

/// A title, tags and a description.
type Text = (&'static str, &'static [&'static str], &'static str);

fn tags(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

fn tokens_of((title, names, description): Text) -> Vec<Token> {
    tokens(title, &tags(names), description)
}

/// How well a search finds a task; the plain definition must say the same.
fn score(query: &str, text: Text) -> Option<u32> {
    let query = Query::parse(query).unwrap();
    let score = query.score(&tokens_of(text));
    assert_eq!(score.is_some(), matches(&query, text.0, &tags(text.1), text.2), "{query:?} in {text:?}");
    score
}
