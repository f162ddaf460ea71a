//! Rows that are read for what they are, not to decide upon.

use perennial_domain::{
    ChannelId, DueAlarm, NotificationId, NotificationState, RecurrenceId, ReminderId, Scope, StreamId,
    TaskId, Timestamp, TokenId, User, UserId,
};
use serde_json::Value;

/// The answer stored under an idempotency key.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct IdempotentAnswer {
    pub fingerprint: String,
    pub status: u16,
    pub etag: Option<String>,
    pub location: Option<String>,
    pub body: String,
}

/// A notification, as its user sees it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct NotificationRecord {
    pub id: NotificationId,
    pub task_id: TaskId,
    pub recurrence_id: RecurrenceId,
    pub reminder_id: ReminderId,
    pub channel_id: ChannelId,
    pub state: NotificationState,
    pub attempts: i64,
    pub next_attempt_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
}

/// Whom a valid token speaks for.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenOwner {
    /// The token.
    pub token: TokenId,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// Its user.
    pub user: User,
}

/// An occurrence that there is work to do for.
#[derive(Debug, Clone, PartialEq)]
pub struct OccurrenceKey {
    /// Whose it is.
    pub user: UserId,
    /// The series.
    pub task: TaskId,
    /// The occurrence.
    pub recurrence_id: RecurrenceId,
}

/// An alarm whose time has come.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedAlarm {
    /// Whose it is.
    pub user: UserId,
    /// The alarm.
    pub alarm: DueAlarm,
}

/// A notification whose next attempt is due.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedNotification {
    /// Whose it is.
    pub user: UserId,
    /// The notification.
    pub id: NotificationId,
}

/// The right to publish a stream's events, until it is given back or runs out.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// The stream.
    pub stream: StreamId,
    /// Grows with every lease: a holder who was overtaken can no longer mark.
    pub fence: i64,
}

/// An event that waits to be published.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct WaitingEvent {
    pub stream: StreamId,
    pub sequence: i64,
    pub topic: String,
    pub previous: Option<i64>,
    pub event_id: String,
    pub kind: String,
    pub subject: String,
    pub user: UserId,
    pub data: Value,
    pub at: Timestamp,
    pub correlation_id: String,
    pub causation_id: Option<String>,
    pub traceparent: Option<String>,
    pub idempotency_key: Option<String>,
}
