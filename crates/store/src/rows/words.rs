//! The words of tasks that have none.

use perennial_domain::TaskId;
use perennial_domain::filter::lowered;
use perennial_domain::search::{Posting, tokens};
use serde::{Deserialize, Serialize};

/// Texts that are read at once, in bytes, about.
pub(crate) const TEXTS: u32 = 512 * 1024;

/// The texts of a task. Tags that are no list, which nothing here has written, have no words.
#[derive(Deserialize)]
pub(crate) struct Texts {
    id: TaskId,
    version: i64,
    title: String,
    tags: String,
    description: String,
}

/// What is found by them.
#[derive(Serialize)]
pub(crate) struct Words {
    id: TaskId,
    version: i64,
    words: Vec<Posting>,
    title_lower: String,
}

impl Texts {
    pub(crate) fn words(self) -> Words {
        let Self { id, version, title, tags, description } = self;
        let tags: Vec<String> = serde_json::from_str(&tags).unwrap_or_default();
        let words = Posting::of(tokens(&title, &tags, &description));
        Words { id, version, words, title_lower: lowered(&title) }
    }
}
