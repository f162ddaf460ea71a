//! The words of tasks that were written by a build that made none.

use perennial_domain::TaskId;
use perennial_domain::filter::lowered;
use perennial_domain::search::{Posting, tokens};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::sqlite::row::Row;
use crate::sqlite::{Sql, Sqlite, Sync};

/// Whether there is any such task.
pub(super) const LOOK: &str = "EXISTS (SELECT 1 FROM task WHERE has_words = 0 AND deleted_at IS NULL)";

/// Texts that are read at once, in bytes, about.
const TEXTS: u32 = 512 * 1024;

/// The texts of a task. Tags that are no list, which nothing here has written, have no words.
#[derive(Deserialize)]
struct Texts {
    id: TaskId,
    version: i64,
    title: String,
    tags: String,
    description: String,
}

/// What is found by them.
#[derive(Serialize)]
struct Words {
    id: TaskId,
    version: i64,
    words: Vec<Posting>,
    title_lower: String,
}

/// Makes the words of at most so many tasks. The same may be made twice; who changes a task meanwhile makes its words.
pub(super) fn make<S: Sql>(store: &Sqlite<S>, limit: u32) -> Result<(), StoreError> {
    let texts: Vec<Texts> = store.query(
        "SELECT task FROM (SELECT json_object('id', id, 'version', version, 'title', title, 'tags', tags, 'description', description) AS task, \
         sum(octet_length(title) + octet_length(tags) + octet_length(description)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS size, \
         row_number() OVER (ORDER BY id) AS nth \
         FROM (SELECT id, version, title, tags, description FROM task INDEXED BY task_without_words WHERE has_words = 0 AND deleted_at IS NULL ORDER BY id LIMIT ?1)) \
         WHERE size <= ?2 OR nth = 1",
        &[limit.into(), TEXTS.into()],
        Row::json,
    )?;
    if texts.is_empty() {
        return Ok(());
    }
    let words: Vec<Words> = texts.into_iter().map(Texts::words).collect();
    store.sync(Sync::Normal)?;
    store.execute(
        "INSERT INTO words_v5 (doc) SELECT value FROM json_each(?1)",
        &[serde_json::to_string(&words)?.into()],
    )?;
    Ok(())
}

impl Texts {
    fn words(self) -> Words {
        let Self { id, version, title, tags, description } = self;
        let tags: Vec<String> = serde_json::from_str(&tags).unwrap_or_default();
        let words = Posting::of(tokens(&title, &tags, &description));
        Words { id, version, words, title_lower: lowered(&title) }
    }
}
