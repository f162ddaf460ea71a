//! Rows that are read for what they are, not to decide upon. No rule and no date is parsed that is only to be shown again.

use perennial_domain::{
    ChannelId, DueInput, EventId, Identity, NotificationId, NotificationState, OccurrenceStatus,
    RecurrenceId, ReminderId, Scope, TaskId, Timestamp, TokenId, User,
};
use serde::Deserialize;
use serde_json::Value;

/// The answer stored under an idempotency key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct IdempotentAnswer {
    pub fingerprint: String,
    pub status: u16,
    pub etag: Option<String>,
    pub location: Option<String>,
    pub body: String,
    pub change_id: Option<String>,
}

/// A change that a user made, with what was there before and after it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct ChangeRecord {
    pub id: String,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub correlation_id: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// An occurrence as its user sees it; read from an array.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct OccurrenceRecord {
    /// Its place in the order of their making.
    pub id: i64,
    pub recurrence_id: RecurrenceId,
    pub predecessor: Option<RecurrenceId>,
    pub ordinal: i64,
    pub status: OccurrenceStatus,
    pub title: Option<String>,
    pub due: Option<DueInput>,
    pub due_at: Option<Timestamp>,
    pub start: Option<DueInput>,
    pub start_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}

/// Work on a task that was given up; read from an array.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct ParkedRecord {
    pub id: i64,
    pub reason: Option<String>,
    pub parked_at: Timestamp,
}

/// A notification, as its user sees it: of a reminder, an event or a test.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct NotificationRecord {
    pub id: NotificationId,
    /// The type of event that it tells of, or `test`.
    pub kind: String,
    /// The event, where it tells of one. A reminder that fired tells of itself.
    pub event_id: Option<EventId>,
    /// What is about a project or a test has no task.
    pub task_id: Option<TaskId>,
    pub recurrence_id: RecurrenceId,
    /// That of a reminder.
    pub reminder_id: Option<ReminderId>,
    pub channel_id: ChannelId,
    pub state: NotificationState,
    pub attempts: i64,
    pub next_attempt_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
}

/// Which notifications are listed: all, or those that are about a task, or go over a channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// Only those about this task.
    pub task: Option<TaskId>,
    /// Only those over this channel.
    pub channel: Option<ChannelId>,
}

/// A user, and whose tokens of an issuer speak for them.
#[derive(Debug, Clone, PartialEq)]
pub struct UserRecord {
    /// The user.
    pub user: User,
    /// Who they are to the issuer.
    pub identity: Option<Identity>,
}

/// What is held of a key set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetRecord {
    /// The document that was fetched last.
    pub document: Option<String>,
    /// When it was fetched.
    pub fetched_at: Option<Timestamp>,
    /// When it was last tried to fetch one, however that went.
    pub tried_at: Timestamp,
}

/// Whom a valid token speaks for.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenOwner {
    /// The token.
    pub token: TokenId,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was used last, to the hour.
    pub last_used_at: Option<Timestamp>,
    /// Its user.
    pub user: User,
}
