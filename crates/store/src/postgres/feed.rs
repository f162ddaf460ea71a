//! A user's events, as their stream has them.

use perennial_domain::UserId;

use super::{Pg, Postgres};
use crate::rows::shown::{HEAD, PAGE, events};
use crate::{EventPage, StoreError};

/// An event `o` as a JSON object.
pub(super) const EVENT: &str = "json_build_object('stream_id', o.stream_id, 'sequence', o.sequence, 'topic', o.topic, \
     'previous', o.previous, 'event_id', o.event_id, 'type', o.type, 'subject', o.subject, 'user_id', o.user_id, \
     'data', o.data::json, 'at', o.at, 'correlation_id', o.correlation_id, 'causation_id', o.causation_id, \
     'traceparent', o.traceparent, 'idempotency_key', o.idempotency_key, 'epoch', (SELECT id FROM epoch))";

impl<S: Pg> Postgres<S> {
    /// One look, so that what is forgotten meanwhile is not missed. It is cut after the event with which it has its bytes.
    pub(super) fn events_of(&self, user: &UserId, after: i64, limit: u32) -> Result<EventPage, StoreError> {
        let found = self.query_one(
            &format!(
                "SELECT (SELECT sequence FROM outbox WHERE stream_id = $2::text AND user_id = $1::text ORDER BY sequence LIMIT 1), \
                 (SELECT sequence FROM stream WHERE id = $2::text), (SELECT id FROM epoch), \
                 (SELECT '[' || string_agg({EVENT}::text, ',') || ']' FROM ( \
                  SELECT *, sum(size) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM ( \
                   SELECT *, octet_length(data::text) + {HEAD} AS size FROM outbox \
                   WHERE stream_id = $2::text AND user_id = $1::text AND sequence > $3::bigint ORDER BY sequence LIMIT $4::bigint) AS e) AS o \
                  WHERE coalesce(o.before, 0) < {PAGE})"
            ),
            &[user.as_str().into(), user.stream().as_str().into(), after.into(), limit.into()],
            events,
        )?;
        Ok(found.unwrap_or_default())
    }
}
