//! Notifications.

use perennial_domain::{EventId, NotificationId, NotificationState, ReminderId, TaskId};
use perennial_store::NotificationRecord;
use serde::Serialize;

use super::{At, name};

/// A notification: of a reminder, or of something else that a channel takes.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum NotificationView<'a> {
    Reminder(ReminderNotice<'a>),
    Other(Notice<'a>),
}

/// A notification of a reminder. Clients who know nothing else find here what they always found.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ReminderNotice<'a> {
    id: NotificationId,
    #[serde(rename = "type")]
    kind: ReminderFired,
    task_id: TaskId,
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    recurrence_id: Option<&'a str>,
    reminder_id: ReminderId,
    event_id: Option<EventId>,
    #[serde(flatten)]
    course: Course<'a>,
}

/// The type of events that are reminders which came due.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum ReminderFired {
    #[serde(rename = "reminder.fired")]
    Only,
}

/// A notification of another event, or a test of a channel.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Notice<'a> {
    id: NotificationId,
    /// The type of the event, or `test`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    kind: &'a str,
    /// The task that it is about; of projects and tests, none.
    task_id: Option<TaskId>,
    /// Always null: the event has it, where it is about an occurrence.
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    recurrence_id: Option<&'a str>,
    /// Always null.
    reminder_id: Option<ReminderId>,
    /// The event; of a test, none.
    event_id: Option<EventId>,
    #[serde(flatten)]
    course: Course<'a>,
}

/// What becomes of a notification.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Course<'a> {
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
        let course = Course {
            channel: notification.channel_id.as_str(),
            state: notification.state,
            attempts: notification.attempts,
            next_attempt_at: notification.next_attempt_at.map(At),
            delivered_at: notification.delivered_at.map(At),
            last_error: notification.last_error.as_deref(),
            created_at: At(notification.created_at),
        };
        let (id, event_id) = (notification.id, notification.event_id);
        match (notification.task_id, notification.reminder_id) {
            (Some(task_id), Some(reminder_id)) => Self::Reminder(ReminderNotice {
                id,
                kind: ReminderFired::Only,
                task_id,
                recurrence_id: name(&notification.recurrence_id),
                reminder_id,
                event_id,
                course,
            }),
            (task_id, _) => Self::Other(Notice {
                id,
                kind: &notification.kind,
                task_id,
                recurrence_id: None,
                reminder_id: None,
                event_id,
                course,
            }),
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
            kind: "reminder.fired".to_owned(),
            event_id: None,
            task_id: Some(TaskId::new(Uuid::from_u64_pair(2, 0))),
            recurrence_id: RecurrenceId::from_text("2026-11-23T07:00:00[Europe/Berlin]"),
            reminder_id: Some(ReminderId::new(Uuid::from_u64_pair(3, 0))),
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
        let event = NotificationRecord {
            kind: "project.created".to_owned(),
            event_id: Some(EventId::new(Uuid::from_u64_pair(4, 0))),
            task_id: None,
            recurrence_id: RecurrenceId::single(),
            reminder_id: None,
            ..waiting.clone()
        };
        let shown = [&waiting, &delivered, &event].map(NotificationView::new);
        insta::assert_snapshot!(serde_json::to_string_pretty(&shown).unwrap_or_default());
    }
}
