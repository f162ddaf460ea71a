//! What happened, as the rest of the world is told.

use serde::{Deserialize, Serialize};

use sha2::{Digest, Sha256};

use crate::{EventId, RecurrenceId, TaskId, UserId};

/// An event of a commit. The store adds the stream's sequence; the relay makes a CloudEvent of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// CloudEvents `id`.
    pub id: EventId,
    /// CloudEvents `type`.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// Where it is published.
    pub topic: Topic,
    /// CloudEvents `subject`: the id of the task or project.
    pub subject: String,
    /// CloudEvents `data`.
    pub data: serde_json::Value,
    /// Ties together everything that one request set in motion.
    pub correlation_id: String,
    /// The event that caused this one.
    pub causation_id: Option<EventId>,
    /// W3C Trace Context.
    pub traceparent: Option<String>,
    /// First 16 hex digits of sha256("{user}:{task}:{recurrence id}") on events of an occurrence.
    pub idempotency_key: Option<String>,
}

/// The kinds of events, by their CloudEvents `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is named by its serialized form and described in its JSON Schema")]
pub enum EventType {
    #[serde(rename = "task.created")]
    TaskCreated,
    #[serde(rename = "task.updated")]
    TaskUpdated,
    #[serde(rename = "task.completed")]
    TaskCompleted,
    #[serde(rename = "task.deleted")]
    TaskDeleted,
    #[serde(rename = "task.restored")]
    TaskRestored,
    #[serde(rename = "project.created")]
    ProjectCreated,
    #[serde(rename = "project.updated")]
    ProjectUpdated,
    #[serde(rename = "project.deleted")]
    ProjectDeleted,
    #[serde(rename = "occurrence.opened")]
    OccurrenceOpened,
    #[serde(rename = "occurrence.changed")]
    OccurrenceChanged,
    #[serde(rename = "series.ended")]
    SeriesEnded,
    #[serde(rename = "reminder.fired")]
    ReminderFired,
    #[serde(rename = "reminder.snoozed")]
    ReminderSnoozed,
    #[serde(rename = "notification.delivered")]
    NotificationDelivered,
    #[serde(rename = "notification.failed")]
    NotificationFailed,
}

impl EventType {
    /// What a channel can take: reminders that came due, and all that is told of tasks, series and projects. Not what became of
    /// notifications: that would tell of itself.
    pub const SUBSCRIBABLE: [Self; 12] = [
        Self::ReminderFired,
        Self::TaskCreated,
        Self::TaskUpdated,
        Self::TaskCompleted,
        Self::TaskDeleted,
        Self::TaskRestored,
        Self::ProjectCreated,
        Self::ProjectUpdated,
        Self::ProjectDeleted,
        Self::OccurrenceOpened,
        Self::OccurrenceChanged,
        Self::SeriesEnded,
    ];

    /// Its CloudEvents `type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TaskCreated => "task.created",
            Self::TaskUpdated => "task.updated",
            Self::TaskCompleted => "task.completed",
            Self::TaskDeleted => "task.deleted",
            Self::TaskRestored => "task.restored",
            Self::ProjectCreated => "project.created",
            Self::ProjectUpdated => "project.updated",
            Self::ProjectDeleted => "project.deleted",
            Self::OccurrenceOpened => "occurrence.opened",
            Self::OccurrenceChanged => "occurrence.changed",
            Self::SeriesEnded => "series.ended",
            Self::ReminderFired => "reminder.fired",
            Self::ReminderSnoozed => "reminder.snoozed",
            Self::NotificationDelivered => "notification.delivered",
            Self::NotificationFailed => "notification.failed",
        }
    }

    /// The topic on which events of this kind travel (design: one table of topics).
    pub fn topic(self) -> Topic {
        match self {
            Self::TaskCreated
            | Self::TaskUpdated
            | Self::TaskCompleted
            | Self::TaskDeleted
            | Self::TaskRestored
            | Self::ProjectCreated
            | Self::ProjectUpdated
            | Self::ProjectDeleted
            | Self::OccurrenceOpened
            | Self::OccurrenceChanged
            | Self::SeriesEnded => Topic::TaskEvents,
            Self::ReminderFired => Topic::Reminders,
            Self::ReminderSnoozed | Self::NotificationDelivered | Self::NotificationFailed => {
                Topic::TaskUpdates
            }
        }
    }
}

/// The topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Changes of tasks and series.
    TaskEvents,
    /// Reminders that came due.
    Reminders,
    /// For readers outside.
    TaskUpdates,
}

impl Topic {
    /// The topic's name on every bus.
    pub fn name(self) -> &'static str {
        match self {
            Self::TaskEvents => "task-events",
            Self::Reminders => "reminders",
            Self::TaskUpdates => "task-updates",
        }
    }
}

/// The key by which outside readers may recognise an occurrence's event; uniqueness never rests on it.
pub(crate) fn occurrence_key(user: &UserId, task: TaskId, occurrence: &RecurrenceId) -> String {
    let digest = Sha256::digest(format!("{user}:{task}:{occurrence}"));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
