//! The words of tasks that were written by a build that made none.

use crate::StoreError;
use crate::rows::Row;
use crate::rows::words::{TEXTS, Texts, Words};
use crate::sqlite::{Sql, Sqlite, Sync};

/// Whether there is any such task.
pub(super) const LOOK: &str = "EXISTS (SELECT 1 FROM task WHERE has_words = 0 AND deleted_at IS NULL)";

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
