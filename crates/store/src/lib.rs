//! The store: one statement per write, and the reads that commands and answers are made of.
//!
//! [`Store`] is what a user's request reaches; every statement behind it carries the user's id. [`SystemStore`] is what
//! sweeps and the relay reach, across users. There is no transaction in either: a write is a
//! [`Commit`](perennial_domain::Commit), applied by one statement.

mod error;
mod page;
mod records;
pub mod sqlite;

use perennial_domain::{
    Bound, Channel, ChannelId, Commit, Notification, NotificationId, Occurrence, Override, RecurrenceId,
    StreamId, Task, TaskId, TaskStatus, Timestamp, TokenId, TokenRow, User, UserId,
};

pub use error::StoreError;
pub use page::Page;
pub use records::{
    IdempotentAnswer, Lease, NotificationRecord, OccurrenceKey, QueuedAlarm, QueuedNotification, TokenOwner,
    WaitingEvent,
};

/// What one user's requests may reach. An id that belongs to someone else answers like one that does not exist.
pub trait Store {
    /// Applies a commit whole or not at all.
    fn apply(&self, commit: &Commit) -> Result<(), StoreError>;
    /// The answer stored under an idempotency key.
    fn idempotent_answer(&self, user: &UserId, key: &str) -> Result<Option<IdempotentAnswer>, StoreError>;
    /// A task and its earliest open occurrence.
    fn task(&self, user: &UserId, id: TaskId) -> Result<Option<(Task, Option<Occurrence>)>, StoreError>;
    /// Tasks in the order of their making, each with its earliest open occurrence.
    fn tasks(
        &self,
        user: &UserId,
        status: Option<TaskStatus>,
        page: &Page,
    ) -> Result<Vec<(Task, Option<Occurrence>)>, StoreError>;
    /// One occurrence.
    fn occurrence(
        &self,
        user: &UserId,
        task: TaskId,
        id: &RecurrenceId,
    ) -> Result<Option<Occurrence>, StoreError>;
    /// The open occurrences of a task, earliest first; at most 100.
    fn open_occurrences(&self, user: &UserId, task: TaskId) -> Result<Vec<Occurrence>, StoreError>;
    /// The last occurrence of a task that was completed.
    fn last_closed(&self, user: &UserId, task: TaskId) -> Result<Option<Occurrence>, StoreError>;
    /// All occurrences of a task in the order of their making, each with its place in it.
    fn occurrences(
        &self,
        user: &UserId,
        task: TaskId,
        page: &Page,
    ) -> Result<Vec<(String, Occurrence)>, StoreError>;
    /// Opened occurrences that are due from one bound on and before the other, in order.
    fn occurrences_between(
        &self,
        user: &UserId,
        task: TaskId,
        bounds: (Bound, Bound),
        limit: usize,
    ) -> Result<Vec<Occurrence>, StoreError>;
    /// The occurrences of a task whose names are not earlier than one, earliest first; at most 500.
    fn occurrences_named_from(
        &self,
        user: &UserId,
        task: TaskId,
        from: &RecurrenceId,
    ) -> Result<Vec<Occurrence>, StoreError>;
    /// The last occurrence of a task that has been opened.
    fn last_opened(&self, user: &UserId, task: TaskId) -> Result<Option<RecurrenceId>, StoreError>;
    /// The occurrences of a task that differ from their series; at most 500.
    fn overrides(&self, user: &UserId, task: TaskId) -> Result<Vec<Override>, StoreError>;
    /// Whether the last occurrence of a task's series has been opened.
    fn has_ended(&self, user: &UserId, task: TaskId) -> Result<bool, StoreError>;
    /// The user's channels; at most 100.
    fn channels(&self, user: &UserId) -> Result<Vec<Channel>, StoreError>;
    /// One channel.
    fn channel(&self, user: &UserId, id: &ChannelId) -> Result<Option<Channel>, StoreError>;
    /// Notifications in the order of their making, of one task or of all.
    fn notifications(
        &self,
        user: &UserId,
        task: Option<TaskId>,
        page: &Page,
    ) -> Result<Vec<NotificationRecord>, StoreError>;
}

/// What sweeps, the relay, authentication and administration reach, across users.
pub trait SystemStore {
    /// Versions of the schema in the database and of the one this build needs.
    fn schema_version(&self) -> Result<(i64, i64), StoreError>;
    /// Tries whether something can be written, without changing anything.
    fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }
    /// A user by id.
    fn user(&self, id: &UserId) -> Result<Option<User>, StoreError>;
    /// Users, in the order of their ids.
    fn users(&self, page: &Page) -> Result<Vec<User>, StoreError>;
    /// The owner of a valid token, by the token's hash.
    fn token_owner(&self, hash: &str, now: Timestamp) -> Result<Option<TokenOwner>, StoreError>;
    /// A token by id.
    fn token(&self, id: TokenId) -> Result<Option<TokenRow>, StoreError>;
    /// Tokens in the order of their making.
    fn tokens(&self, page: &Page) -> Result<Vec<TokenRow>, StoreError>;
    /// Occurrences that are owed a successor: closed ones, and open ones of series that stack when they are due.
    fn owed_successors(&self, now: Timestamp, limit: u32) -> Result<Vec<OccurrenceKey>, StoreError>;
    /// Open occurrences whose instant was computed with other zone data than `tzdata`.
    fn stale_occurrences(&self, tzdata: &str, limit: u32) -> Result<Vec<OccurrenceKey>, StoreError>;
    /// Armed alarms whose time has come, oldest first.
    fn due_alarms(&self, now: Timestamp, limit: u32) -> Result<Vec<QueuedAlarm>, StoreError>;
    /// Notifications whose next attempt is due, oldest first.
    fn due_notifications(&self, now: Timestamp, limit: u32) -> Result<Vec<QueuedNotification>, StoreError>;
    /// Claims a notification for one attempt, until `lease_end`; `None` if it is not due any more.
    fn claim_notification(
        &self,
        id: NotificationId,
        now: Timestamp,
        lease_end: Timestamp,
    ) -> Result<Option<Notification>, StoreError>;
    /// Streams with events waiting to be published, and no one at it.
    fn waiting_streams(&self, now: Timestamp, limit: u32) -> Result<Vec<StreamId>, StoreError>;
    /// Takes a stream's relay until `until`; `None` if another has it.
    fn lease_stream(
        &self,
        id: &StreamId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>, StoreError>;
    /// Events of a stream that wait, in order.
    fn waiting_events(&self, id: &StreamId, limit: u32) -> Result<Vec<WaitingEvent>, StoreError>;
    /// Marks events up to a sequence as published and gives the lease back. Does nothing if the lease was lost.
    fn mark_published(&self, lease: &Lease, up_to: i64, now: Timestamp) -> Result<(), StoreError>;
    /// Forgets what is older than its retention, a bounded number of rows of each kind.
    fn prune(&self, now: Timestamp, limit: u32) -> Result<(), StoreError>;
}
