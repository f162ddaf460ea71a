//! Forgetting what is past its retention, a bounded number of rows at a time.

use perennial_domain::Timestamp;

use crate::StoreError;
use crate::sqlite::{Sql, Sqlite};

/// How long the answers of idempotent requests are kept, in milliseconds: 24 hours.
const KEEP_ANSWERS: i64 = 86_400_000;

/// How long published events and the inbox are kept, in milliseconds: 30 days, as long as a dead letter may wait.
const KEEP_EVENTS: i64 = 2_592_000_000;

/// Whether anything is past its retention: answers before `?3`, events before `?4`.
pub(super) const LOOK: &str = "(EXISTS (SELECT 1 FROM idempotency WHERE created_at < ?3) \
     OR EXISTS (SELECT 1 FROM inbox WHERE at < ?4) \
     OR EXISTS (SELECT 1 FROM (SELECT at, sequence, stream_id FROM outbox ORDER BY rowid LIMIT 1) AS o \
      WHERE o.at < ?4 AND o.sequence <= (SELECT published FROM stream WHERE id = o.stream_id)))";

/// Before when answers and events are past their retention.
pub(super) fn ends(now: Timestamp) -> (Timestamp, Timestamp) {
    (now.plus_millis(KEEP_ANSWERS.saturating_neg()), now.plus_millis(KEEP_EVENTS.saturating_neg()))
}

pub(super) fn prune<S: Sql>(store: &Sqlite<S>, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    let (answers, events) = ends(now);
    for (forget, before) in [
        (
            "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency WHERE created_at < ?1 LIMIT ?2)",
            answers,
        ),
        (
            "DELETE FROM inbox WHERE (consumer, event_id) IN \
             (SELECT consumer, event_id FROM inbox WHERE at < ?1 LIMIT ?2)",
            events,
        ),
        (
            "DELETE FROM outbox WHERE rowid IN (SELECT o.rowid FROM (SELECT rowid, at, sequence, stream_id FROM outbox \
             ORDER BY rowid LIMIT ?2) AS o WHERE o.at < ?1 \
             AND o.sequence <= (SELECT published FROM stream WHERE id = o.stream_id))",
            events,
        ),
    ] {
        store.execute(forget, &[before.into(), limit.into()])?;
    }
    Ok(())
}
