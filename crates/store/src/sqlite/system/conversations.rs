//! Forgetting conversations to which nobody has written for long.

use perennial_domain::Timestamp;

use crate::StoreError;
use crate::sqlite::{Sql, Sqlite};

/// Whether there is any that nobody has written to since `?9`.
pub(super) const LOOK: &str =
    "EXISTS (SELECT 1 FROM conversation INDEXED BY conversation_old WHERE last_at < ?9)";

/// Takes those away that have waited longest, whole: as many as have `?2` rows together, and the one with which they have.
const FORGET: &str = "DELETE FROM conversation WHERE rowid IN (SELECT place FROM ( \
     SELECT place, sum(rows) OVER (ROWS UNBOUNDED PRECEDING) - rows AS before FROM ( \
     SELECT rowid AS place, last_at, messages + confirmations + 1 AS rows \
     FROM conversation INDEXED BY conversation_old WHERE last_at < ?1 ORDER BY last_at LIMIT ?2) AS found) WHERE before < ?2)";

/// When one was written to last that is forgotten now.
pub(super) fn ends<S>(store: &Sqlite<S>, now: Timestamp) -> Timestamp {
    now.plus_millis(store.keeps_conversations.get().saturating_neg())
}

/// Forgets about `limit` rows of them.
pub(super) fn forget<S: Sql>(store: &Sqlite<S>, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    store.execute(FORGET, &[ends(store, now).into(), limit.into()])?;
    Ok(())
}
