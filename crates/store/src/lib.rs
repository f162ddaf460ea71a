//! The store: one statement per write, and the reads that commands and answers are made of.
//!
//! [`Store`] is what a user's request reaches; every statement behind it carries the user's id. [`AccountStore`],
//! [`WorkStore`], [`OutboxStore`], [`LetterStore`] and [`MetricsStore`] are what authentication, administration, sweeps and the relay reach, across users. There
//! is no transaction in any: a write is a set of [`Commit`](perennial_domain::Commit)s, applied by one statement.

mod apply;
mod asked;
mod audit;
mod conversations;
mod either;
mod error;
mod export;
mod letters;
mod listing;
mod metrics;
mod outbox;
mod page;
pub mod postgres;
mod records;
mod rows;
pub mod sqlite;
mod tasks;
mod work;

use perennial_domain::{
    Between, Bound, Channel, ChannelId, Commit, Identity, Override, Project, ProjectId, RecurrenceId,
    SeriesState, TaskId, Timestamp, TokenId, TokenRow, User, UserId,
};

pub use apply::{Apply, Mode, Outcome, RateCount, apply_each, apply_each_for};
pub use audit::{AuditPage, AuditPlace, AuditStore, Audited, ChainHead, DueAnchors, SealStore};
pub use conversations::{
    Added, Addition, Begun, Confirmation, ConfirmationState, Conversation, ConversationStore, Limit, Message,
    MessageRole, NewConfirmation, NewConversation, NewMessage, Settling, Take,
};
pub use either::{AnyStore, Either};
pub use error::{Refusal, StoreError};
pub use export::{ExportPart, ExportPiece, ExportedRow};
pub use letters::{
    Keeping, KeptLetter, Letter, LetterFilter, LetterStore, Letters, Replay, Replayed, Replays, Turn,
};
pub use listing::{Among, Listing, MATCHES, Place, Sort, WALK};
pub use metrics::{DueMetric, Metrics, MetricsStore};
pub use outbox::{DeadLetter, EventPage, Lane, LaneEnd, Lanes, Lease, Mark, OwnLease, WaitingEvent};
pub use page::Page;
pub use records::{
    ChangeRecord, IdempotentAnswer, KeySetRecord, NotificationRecord, OccurrenceRecord, ParkedRecord,
    TokenOwner, Told, UserRecord,
};
pub use rows::Value;
pub use tasks::{KeptList, KeptMap, TaskRecord, Tasks};
pub use work::{
    Claim, Claimed, DueNotification, DueReminder, DueSeries, DueWork, ParkedItem, SHARDS, Settlement, Shard,
    Share, Ticket, WorkKind,
};

/// What one user's requests may reach. An id that belongs to someone else answers like one that does not exist.
pub trait Store {
    /// Applies commits in one statement; each whole or not at all.
    fn apply(&self, commits: &[Commit], how: Apply) -> Result<Vec<Outcome>, StoreError>;
    /// The answer stored under an idempotency key.
    fn idempotent_answer(&self, user: &UserId, key: &str) -> Result<Option<IdempotentAnswer>, StoreError>;
    /// Everything that a command on a task is decided upon. `asked` is the occurrence that it names.
    fn series(
        &self,
        user: &UserId,
        id: TaskId,
        asked: Option<&RecurrenceId>,
    ) -> Result<Option<SeriesState>, StoreError>;
    /// A task as its user sees it: one, or none.
    fn task(&self, user: &UserId, id: TaskId) -> Result<Option<Tasks>, StoreError>;
    /// Tasks of a list, after a place in it; fewer than asked for where they are large, which [`Tasks::cut`] tells.
    fn tasks(
        &self,
        user: &UserId,
        listing: &Listing,
        after: Option<&Place>,
        limit: u32,
    ) -> Result<Tasks, StoreError>;
    /// The same as [`series`](Self::series) of a task that is deleted and not forgotten yet.
    fn deleted_series(&self, user: &UserId, id: TaskId) -> Result<Option<SeriesState>, StoreError>;
    /// The place right before a task of the user, or right after it, where none of the user's stands.
    fn beside(&self, user: &UserId, id: TaskId, after: bool) -> Result<Option<Between>, StoreError>;
    /// The place right after another, if a task of the user that is not this one stands at that.
    fn taken(&self, user: &UserId, id: TaskId, place: &str) -> Result<Option<Between>, StoreError>;
    /// Whether a task of the user may be a part of another: that is there, is no part itself and has room, and the one has no parts.
    fn may_be_part(&self, user: &UserId, part: TaskId, parent: TaskId) -> Result<bool, StoreError>;
    /// Projects in the order of their making.
    fn projects(&self, user: &UserId, page: &Page) -> Result<Vec<Project>, StoreError>;
    /// One project.
    fn project(&self, user: &UserId, id: ProjectId) -> Result<Option<Project>, StoreError>;
    /// The tags of the user's tasks, in the order of their code points.
    fn tags(&self, user: &UserId, page: &Page) -> Result<Vec<String>, StoreError>;
    /// Changes that the user made, the last first: of one task or project, or of all.
    fn changes(
        &self,
        user: &UserId,
        subject: Option<&str>,
        page: &Page,
    ) -> Result<Vec<ChangeRecord>, StoreError>;
    /// One change, and whether it is the last that was made of its subject.
    fn change(&self, user: &UserId, id: &str) -> Result<Option<(ChangeRecord, bool)>, StoreError>;
    /// Events of the user's stream after a place in it, in its order; fewer than asked for where they are large, but one at
    /// least where there is any.
    fn events(&self, user: &UserId, after: i64, limit: u32) -> Result<EventPage, StoreError>;
    /// Notes that someone follows the user's events during a time, from now until then at most, unless `most` do already; whether
    /// it was noted. A power cut may take it.
    fn begin_listening(
        &self,
        user: &UserId,
        id: &str,
        during: (Timestamp, Timestamp),
        most: u32,
    ) -> Result<bool, StoreError>;
    /// Forgets one who followed them. A power cut may undo it.
    fn end_listening(&self, user: &UserId, id: &str) -> Result<(), StoreError>;
    /// All occurrences of a task in the order of their making.
    fn occurrences(
        &self,
        user: &UserId,
        task: TaskId,
        page: &Page,
    ) -> Result<Vec<OccurrenceRecord>, StoreError>;
    /// Opened occurrences that are due from one bound on and before the other, in order.
    fn occurrences_between(
        &self,
        user: &UserId,
        task: TaskId,
        bounds: (Bound, Bound),
        limit: usize,
    ) -> Result<Vec<OccurrenceRecord>, StoreError>;
    /// What projecting a series needs beside the task: the last occurrence that has been opened, and its overrides (at most 500).
    fn projection(
        &self,
        user: &UserId,
        task: TaskId,
    ) -> Result<(Option<RecurrenceId>, Vec<Override>), StoreError>;
    /// A piece of a part of all that is the user's, after a place in it (`""`: from its beginning): up to `limit` things, and fewer
    /// where they have `bytes` bytes, but one at least where there is any. What is there throughout comes once, whatever is
    /// written meanwhile.
    fn export(
        &self,
        user: &UserId,
        part: ExportPart,
        after: &str,
        size: (u32, u32),
    ) -> Result<ExportPiece, StoreError>;
    /// Who the user is to the issuer of their tokens.
    fn identity(&self, user: &UserId) -> Result<Option<Identity>, StoreError>;
    /// The user's channels; at most 100.
    fn channels(&self, user: &UserId) -> Result<Vec<Channel>, StoreError>;
    /// One channel.
    fn channel(&self, user: &UserId, id: &ChannelId) -> Result<Option<Channel>, StoreError>;
    /// The user's own tokens in the order of their making.
    fn own_tokens(&self, user: &UserId, page: &Page) -> Result<Vec<TokenRow>, StoreError>;
    /// One of them.
    fn own_token(&self, user: &UserId, id: TokenId) -> Result<Option<TokenRow>, StoreError>;
    /// Notifications in the order of their making, about one task or about all.
    fn notifications(
        &self,
        user: &UserId,
        task: Option<TaskId>,
        page: &Page,
    ) -> Result<Vec<NotificationRecord>, StoreError> {
        self.notifications_among(user, &Told { task, channel: None }, page)
    }
    /// Those among them that are asked for.
    fn notifications_among(
        &self,
        user: &UserId,
        told: &Told,
        page: &Page,
    ) -> Result<Vec<NotificationRecord>, StoreError>;
    /// Work of the user that was given up, in the order of its making.
    fn parked(&self, user: &UserId, page: &Page) -> Result<Vec<ParkedItem>, StoreError>;
    /// How much work of the user was given up.
    fn parked_count(&self, user: &UserId) -> Result<i64, StoreError>;
    /// One item of it.
    fn parked_item(&self, user: &UserId, id: i64) -> Result<Option<ParkedItem>, StoreError>;
    /// The open dead letter of an event of the user that a consumer gave up.
    fn letter_of(
        &self,
        user: &UserId,
        event_id: &str,
        consumer: &str,
    ) -> Result<Option<KeptLetter>, StoreError>;

    /// Applies one commit, or says why not.
    fn commit(&self, commit: &Commit) -> Result<Outcome, StoreError> {
        let how = Apply { mode: Mode::All, relay_for: 0 };
        Ok(self.apply(std::slice::from_ref(commit), how)?.pop().unwrap_or(Outcome::Refused))
    }
}

/// Users, tokens, identities and the state of the store itself: what authentication and administration reach.
pub trait AccountStore {
    /// Versions of the schema in the database and of the one this build needs.
    fn schema_version(&self) -> Result<(i64, i64), StoreError>;
    /// Whether the store can be written to: some pages that nobody reads.
    fn probe(&self) -> Result<(), StoreError>;
    /// A user by id.
    fn user(&self, id: &UserId) -> Result<Option<User>, StoreError>;
    /// Users with their identities, in the order of their ids.
    fn users(&self, page: &Page) -> Result<Vec<UserRecord>, StoreError>;
    /// The user for whom the tokens of an issuer about a subject speak.
    fn identified(&self, issuer: &str, subject: &str) -> Result<Option<User>, StoreError>;
    /// The key set of an address, and when it was fetched.
    fn key_set(&self, url: &str) -> Result<Option<KeySetRecord>, StoreError>;
    /// Notes that a key set is tried to be fetched now, unless somebody has noted that since the time read before: of those
    /// who ask at once, one is told that it may.
    fn try_key_set(&self, url: &str, before: Option<Timestamp>, now: Timestamp) -> Result<bool, StoreError>;
    /// Keeps the document of a key set that was tried.
    fn keep_key_set(&self, url: &str, document: &str, now: Timestamp) -> Result<(), StoreError>;
    /// The owner of a valid token, by the token's hash.
    fn token_owner(&self, hash: &str, now: Timestamp) -> Result<Option<TokenOwner>, StoreError>;
    /// A token by id.
    fn token(&self, id: TokenId) -> Result<Option<TokenRow>, StoreError>;
    /// Notes that a token of the user was used, unless that was noted within the hour. A power cut may take it.
    fn token_used(&self, user: &UserId, id: TokenId, now: Timestamp) -> Result<(), StoreError>;
    /// Tokens in the order of their making.
    fn tokens(&self, page: &Page) -> Result<Vec<TokenRow>, StoreError>;
    /// Everyone's work that was given up, in the order of its making.
    fn parked_of_all(&self, page: &Page) -> Result<Vec<ParkedItem>, StoreError>;
    /// How much of it there is.
    fn parked_count_of_all(&self) -> Result<i64, StoreError>;
    /// One item of it.
    fn parked_item_of_all(&self, id: i64) -> Result<Option<ParkedItem>, StoreError>;
}

/// Work lists, across users: what sweeps reach.
pub trait WorkStore {
    /// What there is to do. One look that costs no write.
    fn due_work(&self, now: Timestamp, tzdata: &str) -> Result<DueWork, StoreError> {
        self.due_work_of(None, now, tzdata)
    }
    /// Likewise, where a shard is named with the work and the events of its users alone.
    fn due_work_of(&self, shard: Option<Shard>, now: Timestamp, tzdata: &str) -> Result<DueWork, StoreError>;
    /// Claims occurrences that are owed a successor.
    fn claim_successors(&self, claim: &Claim) -> Result<Vec<Claimed<DueSeries>>, StoreError>;
    /// Claims reminders that are due.
    fn claim_reminders(&self, claim: &Claim) -> Result<Vec<Claimed<DueReminder>>, StoreError>;
    /// The series of an occurrence that an event tells of.
    fn due_series(
        &self,
        user: &UserId,
        task: TaskId,
        asked: &RecurrenceId,
    ) -> Result<Option<DueSeries>, StoreError>;
    /// Up to `limit` occurrences of a user that are owed a successor by now, those first that have waited longest: what events
    /// that were lost would have told of.
    fn owed_successors(
        &self,
        user: &UserId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(TaskId, RecurrenceId)>, StoreError>;
    /// Claims occurrences that are to be laid on newer zone data.
    fn claim_zones(&self, claim: &Claim) -> Result<Vec<Claimed<DueSeries>>, StoreError>;
    /// Claims notifications that are due.
    fn claim_notifications(&self, claim: &Claim) -> Result<Vec<Claimed<DueNotification>>, StoreError>;
    /// Claims notifications that are due and were not begun before, round by user, then by endpoint: of each class of
    /// endpoints its share. `lanes`, `per_lane` and `again` of the claim say nothing here.
    fn claim_shares(
        &self,
        claim: &Claim,
        shares: &[Share],
    ) -> Result<Vec<Claimed<DueNotification>>, StoreError>;
    /// Has claims on notifications, and the holds of their endpoints, end `lease_for` milliseconds from now: those that made them are
    /// still at it. A claim that was overtaken or settled stays as it is.
    /// Gives the ids of those whose users go on writing: they are not renewed.
    fn renew(&self, tickets: &[Ticket], now: Timestamp, lease_for: i64) -> Result<Vec<i64>, StoreError>;
    /// Puts up to `limit` open occurrences on the list of those to be laid on this version of the zone data.
    fn offer_zones(&self, tzdata: &str, limit: u32) -> Result<(), StoreError>;
    /// Takes back holds and leases that lie further ahead than any is made: after the clock has gone back, they would bind until
    /// it has caught up.
    fn clock_went_back(&self, now: Timestamp) -> Result<(), StoreError>;
    /// Says what becomes of claimed items that were not done. A claim that was overtaken settles nothing.
    fn settle(&self, settled: &[(Ticket, Settlement)], now: Timestamp) -> Result<(), StoreError>;
    /// Forgets what is older than its retention, a bounded number of rows of each kind; makes letters of what builds that know none
    /// have given up.
    fn prune(&self, now: Timestamp, limit: u32) -> Result<(), StoreError>;
    /// Makes the words of up to `limit` tasks that have none, so that a search finds them.
    fn make_words(&self, limit: u32) -> Result<(), StoreError>;
}

/// Sweeps of a clock that many share, shard by shard.
pub trait ShardStore {
    /// Takes the sweep of a shard for `hold_for` milliseconds, and gives the fence of it; `None`: another is at it.
    fn take_shard(&self, shard: Shard, now: Timestamp, hold_for: i64) -> Result<Option<i64>, StoreError>;
    /// Gives it back. Who was overtaken gives nothing back.
    fn give_back_shard(&self, shard: Shard, fence: i64) -> Result<(), StoreError>;
    /// When something comes due in a shard next, after `now` and before a time.
    fn next_due(
        &self,
        shard: Shard,
        now: Timestamp,
        before: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError>;
    /// Notes that a clock is asked to wake a shard; not where it is asked to do so earlier.
    fn wake_shard(&self, shard: Shard, at: Timestamp, now: Timestamp) -> Result<bool, StoreError>;
}

/// What waits to be published: what the relay reaches.
pub trait OutboxStore {
    /// Takes the relay of one stream for `lease_for` milliseconds, if something waits there and nobody is at it.
    fn lease_stream(
        &self,
        id: &perennial_domain::StreamId,
        now: Timestamp,
        lease_for: i64,
    ) -> Result<Option<Lease>, StoreError>;
    /// Takes the relay of up to `limit` streams, of one shard or of all, those that have waited longest.
    fn lease_streams(
        &self,
        now: Timestamp,
        lease_for: i64,
        limit: u32,
        shard: Option<Shard>,
    ) -> Result<Vec<Lease>, StoreError>;
    /// Events that wait in leased streams: of each stream at most `per_stream`, in order.
    fn waiting_events(&self, leases: &[Lease], per_stream: u32) -> Result<Vec<WaitingEvent>, StoreError>;
    /// The lanes of those leased streams whose users are hot; where none is, nothing is asked for.
    fn lanes(&self, leases: &[Lease]) -> Result<Vec<Lanes>, StoreError>;
    /// Notes how far lanes were published, before their streams are marked. A lease that was overtaken notes nothing.
    fn note_lanes(&self, ends: &[LaneEnd]) -> Result<(), StoreError>;
    /// Marks what was published and gives the leases back; gives the streams where more waits. A lease that was overtaken
    /// marks nothing.
    fn mark_published(
        &self,
        marks: &[Mark],
        now: Timestamp,
    ) -> Result<Vec<perennial_domain::StreamId>, StoreError>;
    /// Keeps events that can never be published as dead letters, which are parked work of their owners.
    fn bury(&self, letters: &[DeadLetter], now: Timestamp) -> Result<(), StoreError>;
}

/// All that reaches across users.
pub trait SystemStore: AccountStore + WorkStore + ShardStore + OutboxStore + LetterStore {}

impl<T: AccountStore + WorkStore + ShardStore + OutboxStore + LetterStore> SystemStore for T {}
