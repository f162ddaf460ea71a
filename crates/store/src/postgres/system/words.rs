//! The words of tasks that have none (schema/0001_work.sql: `perennial_make_words`).

use crate::StoreError;
use crate::postgres::{Pg, Postgres};
use crate::rows::Row;
use crate::rows::words::{TEXTS, Texts, Words};

/// Makes the words of at most so many tasks. The same may be made twice; who changes a task meanwhile makes its words.
pub(super) fn make<S: Pg>(store: &Postgres<S>, limit: u32) -> Result<(), StoreError> {
    let texts: Vec<Texts> = store.query(
        "SELECT json_build_object('id', t.id, 'version', t.version, 'title', t.title, 'tags', t.tags, 'description', t.description)::text \
         FROM (SELECT t.*, sum(octet_length(t.title) + octet_length(t.tags) + octet_length(t.description)) OVER turn AS size, \
          row_number() OVER turn AS nth \
          FROM (SELECT t.id, t.version, t.title, t.tags::text AS tags, t.description FROM task AS t \
           WHERE NOT t.has_words AND t.deleted_at IS NULL ORDER BY t.id LIMIT $1::bigint) AS t \
          WINDOW turn AS (ORDER BY t.id ROWS UNBOUNDED PRECEDING)) AS t \
         WHERE t.size <= $2::bigint OR t.nth = 1 ORDER BY t.id",
        &[limit.into(), TEXTS.into()],
        Row::json,
    )?;
    if texts.is_empty() {
        return Ok(());
    }
    let words: Vec<Words> = texts.into_iter().map(Texts::words).collect();
    store.execute(
        "SELECT 1::bigint FROM perennial_make_words($1::text::jsonb)",
        &[serde_json::to_string(&words)?.into()],
    )?;
    Ok(())
}
