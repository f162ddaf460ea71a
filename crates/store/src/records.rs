//! Rows that are read for what they are, not to decide upon. No rule and no date is parsed that is only to be shown again.

use perennial_domain::{
    ChannelId, DueInput, NotificationId, NotificationState, OccurrenceStatus, Priority, RecurrenceId,
    RecurrenceInput, ReminderId, ReminderInput, Scope, TaskId, TaskStatus, Timestamp, TokenId, User,
};
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};

/// The answer stored under an idempotency key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct IdempotentAnswer {
    pub fingerprint: String,
    pub status: u16,
    pub etag: Option<String>,
    pub location: Option<String>,
    pub body: String,
}

/// A task as its user sees it, with its earliest open occurrence. It is read from an array, so the order of its members is
/// that of the statement.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct TaskRecord {
    pub id: TaskId,
    pub version: i64,
    pub title: String,
    pub description: String,
    pub priority: Priority,
    #[serde(deserialize_with = "kept")]
    pub tags: Vec<String>,
    pub due: Option<DueInput>,
    #[serde(deserialize_with = "kept")]
    pub recurrence: Option<RecurrenceInput>,
    #[serde(deserialize_with = "kept")]
    pub reminders: Vec<ReminderInput>,
    pub status: TaskStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub completed_at: Option<Timestamp>,
    pub occurrence: Option<OccurrenceRecord>,
    /// Why its next occurrence does not come.
    pub parked: Option<ParkedRecord>,
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

/// Reads a column of JSON text. What is no such document, which nothing here has written, shows as nothing: it spoils its own
/// row and not the list that the row is in.
fn kept<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(column: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);

    impl<T: DeserializeOwned + Default> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text or NULL")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            Ok(serde_json::from_str(text).unwrap_or_default())
        }

        fn visit_unit<E: Error>(self) -> Result<T, E> {
            Ok(T::default())
        }
    }

    column.deserialize_any(Text(PhantomData))
}
