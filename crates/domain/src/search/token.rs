//! The tokens of a task: what a store keeps to find it by.

use std::collections::BTreeMap;

use super::words::words;
use super::{MAX_PLACES, MAX_TOKENS, MAX_WORDS};
use crate::fields::{MAX_DESCRIPTION, MAX_NAME, MAX_TAGS, MAX_TITLE};

/// Where a word stands. The first counts most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// In the title.
    Title,
    /// In a tag.
    Tag,
    /// In the description.
    Description,
}

/// A word of a task in one of its fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    /// The word, folded, of 1 to [`MAX_WORD`](super::MAX_WORD) characters.
    pub text: String,
    /// Where it stands.
    pub field: Field,
    /// Which words of the task it is, from 0, in order. Words that follow each other have numbers that do; between the title,
    /// each tag and the description one number is left out, so that no phrase goes on from one to the next.
    pub positions: Vec<u32>,
}

/// The tokens of a task, by text and field. Read are the title first, then the tags, then the description: what is beyond
/// [`MAX_WORDS`] words, every new word beyond [`MAX_TOKENS`] tokens, and every place of one beyond [`MAX_PLACES`], is left out.
pub fn tokens(title: &str, tags: &[String], description: &str) -> Vec<Token> {
    let tags = tags.iter().take(MAX_TAGS).map(|tag| (Field::Tag, tag.as_str(), MAX_NAME));
    let texts = std::iter::once((Field::Title, title, MAX_TITLE)).chain(tags).chain([(
        Field::Description,
        description,
        MAX_DESCRIPTION,
    )]);
    let mut found: BTreeMap<(String, Field), Vec<u32>> = BTreeMap::new();
    let mut position: u32 = 0;
    let mut left = MAX_WORDS;
    for (field, text, most) in texts {
        let end = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
        for word in words(text.get(..end).unwrap_or_default()).into_iter().take(left) {
            left = left.saturating_sub(1);
            let is_room = found.len() < MAX_TOKENS;
            let key = (word, field);
            if let Some(positions) = found.get_mut(&key) {
                if positions.len() < MAX_PLACES {
                    positions.push(position);
                }
            } else if is_room {
                found.insert(key, vec![position]);
            }
            position = position.saturating_add(1);
        }
        position = position.saturating_add(1);
    }
    found.into_iter().map(|((text, field), positions)| Token { text, field, positions }).collect()
}
