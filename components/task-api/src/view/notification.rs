//! Notifications.

use perennial_domain::{NotificationId, NotificationState, ReminderId, TaskId};
use perennial_store::NotificationRecord;
use serde::Serialize;

use super::{At, name};

/// A notification.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct NotificationView<'a> {
    id: NotificationId,
    task_id: TaskId,
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    recurrence_id: Option<&'a str>,
    reminder_id: ReminderId,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    channel: &'a str,
    state: NotificationState,
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    attempts: i64,
    next_attempt_at: Option<At>,
    delivered_at: Option<At>,
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    last_error: Option<&'a str>,
    created_at: At,
}

impl<'a> NotificationView<'a> {
    pub(crate) fn new(notification: &'a NotificationRecord) -> Self {
        Self {
            id: notification.id,
            task_id: notification.task_id,
            recurrence_id: name(&notification.recurrence_id),
            reminder_id: notification.reminder_id,
            channel: notification.channel_id.as_str(),
            state: notification.state,
            attempts: notification.attempts,
            next_attempt_at: notification.next_attempt_at.map(At),
            delivered_at: notification.delivered_at.map(At),
            last_error: notification.last_error.as_deref(),
            created_at: At(notification.created_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use perennial_domain::{ChannelId, RecurrenceId, Timestamp};
    use uuid::Uuid;

    use super::*;

    /// Those that wait and fail are made by time alone, so their shape is looked at here.
    #[test]
    fn a_notification_says_what_became_of_it() {
        let noon = Timestamp::from_millis(1_795_262_400_000);
        let waiting = NotificationRecord {
            id: NotificationId::new(Uuid::from_u64_pair(1, 0)),
            task_id: TaskId::new(Uuid::from_u64_pair(2, 0)),
            recurrence_id: RecurrenceId::from_text("2026-11-23T07:00:00[Europe/Berlin]"),
            reminder_id: ReminderId::new(Uuid::from_u64_pair(3, 0)),
            channel_id: ChannelId::new("inbox"),
            state: NotificationState::Pending,
            attempts: 1,
            next_attempt_at: Some(noon.plus_millis(5_000)),
            delivered_at: None,
            last_error: Some("the receiver answered 500".to_owned()),
            created_at: noon,
        };
        let delivered = NotificationRecord {
            recurrence_id: RecurrenceId::single(),
            state: NotificationState::Delivered,
            next_attempt_at: None,
            delivered_at: Some(noon),
            last_error: None,
            ..waiting.clone()
        };
        let shown = [&waiting, &delivered].map(NotificationView::new);
        insta::assert_snapshot!(serde_json::to_string_pretty(&shown).unwrap_or_default());
    }
}
