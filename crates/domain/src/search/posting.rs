//! The words of a task as a store keeps them: a row for each, with all the places where it stands.

use serde::Serialize;

use super::token::{Field, Token};

/// A word of a task, and where it stands: as text, for only [`Posting::tokens`] reads it.
///
/// The text has a part for each field in which the word stands, `t` the title, `g` a tag, `d` the description, with the places
/// after it: `t0,4 d12`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Posting(pub String, pub String);

/// The letters that stand for the fields.
const LETTERS: [(char, Field); 3] = [('t', Field::Title), ('g', Field::Tag), ('d', Field::Description)];

impl Posting {
    /// The tokens of a task as they are kept, by word. The tokens are in their order, as [`tokens`](super::tokens) gives them.
    pub fn of(tokens: Vec<Token>) -> Vec<Self> {
        let mut postings: Vec<Self> = Vec::new();
        for Token { text, field, positions } in tokens {
            let letter = LETTERS.iter().find(|(_, of)| *of == field).map_or('d', |(letter, _)| *letter);
            let places: Vec<String> = positions.iter().map(u32::to_string).collect();
            let part = format!("{letter}{}", places.join(","));
            match postings.last_mut() {
                Some(Self(word, parts)) if *word == text => {
                    parts.push(' ');
                    parts.push_str(&part);
                }
                _ => postings.push(Self(text, part)),
            }
        }
        postings
    }

    /// The tokens again. What is no such text has none.
    pub fn tokens(&self) -> Vec<Token> {
        let Self(word, parts) = self;
        parts.split(' ').filter_map(|part| token(word, part)).collect()
    }
}

fn token(word: &str, part: &str) -> Option<Token> {
    let mut rest = part.chars();
    let letter = rest.next()?;
    let (_, field) = *LETTERS.iter().find(|(of, _)| *of == letter)?;
    let positions: Option<Vec<u32>> = rest.as_str().split(',').map(|place| place.parse().ok()).collect();
    Some(Token { text: word.to_owned(), field, positions: positions? })
}
