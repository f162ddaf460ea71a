//! Dead letters, as they are read.

use perennial_domain::UserId;

use super::{Sql, Sqlite};
use crate::rows::Row;
use crate::{KeptLetter, StoreError};

/// A dead letter `d` as a JSON object; `event` is what it tells of the event.
pub(super) fn letter(event: &str) -> String {
    format!(
        "json_object('place', d.place, 'id', d.id, 'user_id', d.user_id, 'topic', d.topic, 'event_id', d.event_id, \
         'consumer', d.consumer, 'type', d.type, 'error', d.error, 'error_class', d.error_class, 'tries', d.tries, \
         'first_at', d.first_at, 'last_at', d.last_at, 'instance', d.instance, 'status', d.status, 'status_at', d.status_at, \
         'replays', d.replays, 'event', {event})"
    )
}

impl<S: Sql> Sqlite<S> {
    /// The open one of a user's event that a consumer gave up. Found by the event: a user may have very many.
    pub(super) fn open_letter(
        &self,
        user: &UserId,
        event_id: &str,
        consumer: &str,
    ) -> Result<Option<KeptLetter>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {} FROM dead_letter AS d WHERE d.event_id = ?2 AND d.consumer = ?3 AND +d.user_id = ?1 \
                 AND +d.status = 'open' LIMIT 1",
                letter("NULL")
            ),
            &[user.as_str().into(), event_id.into(), consumer.into()],
            Row::json,
        )
    }
}
