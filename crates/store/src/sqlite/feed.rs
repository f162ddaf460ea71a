//! A user's events, as their stream has them.

use perennial_domain::UserId;

use super::{Sql, Sqlite};
use crate::rows::shown::{HEAD, PAGE, events};
use crate::{EventPage, StoreError};

/// An event `o` as a JSON object. Data that are no JSON, which nothing here has written, spoil their own event alone.
pub(super) const EVENT: &str = "json_object('stream_id', o.stream_id, 'sequence', o.sequence, 'topic', o.topic, \
     'previous', o.previous, 'event_id', o.event_id, 'type', o.type, 'subject', o.subject, 'user_id', o.user_id, \
     'data', json(CASE WHEN json_valid(o.data) THEN o.data ELSE 'null' END), 'at', o.at, \
     'correlation_id', o.correlation_id, 'causation_id', o.causation_id, 'traceparent', o.traceparent, \
     'idempotency_key', o.idempotency_key, 'epoch', (SELECT id FROM epoch))";

impl<S: Sql> Sqlite<S> {
    /// One look, so that what is forgotten meanwhile is not missed. It is cut after the event with which it has its bytes.
    pub(super) fn events_of(&self, user: &UserId, after: i64, limit: u32) -> Result<EventPage, StoreError> {
        let found = self.query(
            &format!(
                "SELECT (SELECT sequence FROM outbox WHERE stream_id = ?2 AND user_id = ?1 ORDER BY sequence LIMIT 1), \
                 (SELECT sequence FROM stream WHERE id = ?2), (SELECT id FROM epoch), '[' || group_concat(event, ',') || ']' FROM ( \
                 SELECT event, \
                 coalesce(sum(size) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM ( \
                 SELECT {EVENT} AS event, octet_length(o.data) + {HEAD} AS size FROM outbox AS o \
                 WHERE o.stream_id = ?2 AND o.user_id = ?1 AND o.sequence > ?3 ORDER BY o.sequence LIMIT ?4)) \
                 WHERE before < {PAGE}"
            ),
            &[user.as_str().into(), user.stream().as_str().into(), after.into(), limit.into()],
            events,
        )?;
        Ok(found.into_iter().next().unwrap_or_default())
    }
}
