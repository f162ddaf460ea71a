//! One of two stores, where it is only known at run time which.

use std::collections::BTreeMap;

use perennial_audit::{ChainState, Entry, Link};
use perennial_domain::{
    Between, Bound, Channel, ChannelId, Commit, ConfirmationId, ConversationId, Identity, Override, Project,
    ProjectId, RecurrenceId, SeriesState, StreamId, TaskId, Timestamp, TokenId, TokenRow, User, UserId,
};

use crate::postgres::{Pg, Postgres};
use crate::sqlite::{Sql, Sqlite};
use crate::{
    AccountStore, Added, Addition, Apply, AuditPage, AuditPlace, AuditStore, Audited, Begun, ChainHead,
    ChangeRecord, Claim, Claimed, Confirmation, Conversation, ConversationStore, DeadLetter, DueAnchors,
    DueNotification, DueReminder, DueSeries, DueWork, EventPage, ExportPart, ExportPiece, IdempotentAnswer,
    Keeping, KeptLetter, KeySetRecord, LaneEnd, Lanes, Lease, Letter, LetterFilter, LetterStore, Letters,
    Listing, Mark, Message, Metrics, MetricsStore, NewConversation, NotificationRecord, OccurrenceRecord,
    OutboxStore, Outcome, Page, ParkedItem, Place, Replayed, Replays, SealStore, Settlement, Settling, Shard,
    ShardStore, Share, Store, StoreError, Take, Tasks, Ticket, TokenOwner, Told, Turn, UserRecord,
    WaitingEvent, WorkStore,
};

/// One of two stores.
pub enum Either<A, B> {
    /// The one.
    A(A),
    /// The other.
    B(B),
}

/// SQLite or PostgreSQL.
pub type AnyStore<S, P> = Either<Sqlite<S>, Postgres<P>>;

impl<S: Sql, P: Pg> AnyStore<S, P> {
    /// Says how long published events are kept, in milliseconds, where this connection forgets what is old.
    pub fn keep_events(&self, millis: i64) {
        match self {
            Self::A(store) => store.keep_events(millis),
            Self::B(store) => store.keep_events(millis),
        }
    }

    /// Says how long conversations are kept to which nobody has written, in milliseconds, where this connection forgets what is old.
    pub fn keep_conversations(&self, millis: i64) {
        match self {
            Self::A(store) => store.keep_conversations(millis),
            Self::B(store) => store.keep_conversations(millis),
        }
    }

    /// What time it is by the clock of the database, where the replicas of a service share one: it is what all of them go by.
    pub fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        match self {
            Self::A(_) => Ok(None),
            Self::B(store) => store.time(),
        }
    }

    /// Says whose events this connection publishes in lanes.
    pub fn hot_users(&self, users: &[UserId]) {
        match self {
            Self::A(store) => store.hot_users(users),
            Self::B(store) => store.hot_users(users),
        }
    }
}

/// Traits that are carried out by whichever of the two it is: all their methods, also those that have a default, with what they
/// give where they do not fail.
macro_rules! carried_out {
    ($($store:ident { $($method:ident($($name:ident: $type:ty),*) -> $given:ty;)* })*) => {
        $(impl<A: $store, B: $store> $store for Either<A, B> {
            $(fn $method(&self, $($name: $type),*) -> Result<$given, StoreError> {
                match self {
                    Self::A(store) => store.$method($($name),*),
                    Self::B(store) => store.$method($($name),*),
                }
            })*
        })*
    };
}

carried_out! {
    Store {
        apply(commits: &[Commit], how: Apply) -> Vec<Outcome>;
        commit(commit: &Commit) -> Outcome;
        idempotent_answer(user: &UserId, key: &str) -> Option<IdempotentAnswer>;
        series(user: &UserId, id: TaskId, asked: Option<&RecurrenceId>) -> Option<SeriesState>;
        task(user: &UserId, id: TaskId) -> Option<Tasks>;
        tasks(user: &UserId, listing: &Listing, after: Option<&Place>, limit: u32) -> Tasks;
        deleted_series(user: &UserId, id: TaskId) -> Option<SeriesState>;
        beside(user: &UserId, id: TaskId, after: bool) -> Option<Between>;
        taken(user: &UserId, id: TaskId, place: &str) -> Option<Between>;
        may_be_part(user: &UserId, part: TaskId, parent: TaskId) -> bool;
        projects(user: &UserId, page: &Page) -> Vec<Project>;
        project(user: &UserId, id: ProjectId) -> Option<Project>;
        tags(user: &UserId, page: &Page) -> Vec<String>;
        changes(user: &UserId, subject: Option<&str>, page: &Page) -> Vec<ChangeRecord>;
        change(user: &UserId, id: &str) -> Option<(ChangeRecord, bool)>;
        events(user: &UserId, after: i64, limit: u32) -> EventPage;
        begin_listening(user: &UserId, id: &str, during: (Timestamp, Timestamp), most: u32) -> bool;
        end_listening(user: &UserId, id: &str) -> ();
        occurrences(user: &UserId, task: TaskId, page: &Page) -> Vec<OccurrenceRecord>;
        occurrences_between(user: &UserId, task: TaskId, bounds: (Bound, Bound), limit: usize) -> Vec<OccurrenceRecord>;
        projection(user: &UserId, task: TaskId) -> (Option<RecurrenceId>, Vec<Override>);
        export(user: &UserId, part: ExportPart, after: &str, size: (u32, u32)) -> ExportPiece;
        identity(user: &UserId) -> Option<Identity>;
        channels(user: &UserId) -> Vec<Channel>;
        channel(user: &UserId, id: &ChannelId) -> Option<Channel>;
        own_tokens(user: &UserId, page: &Page) -> Vec<TokenRow>;
        own_token(user: &UserId, id: TokenId) -> Option<TokenRow>;
        notifications(user: &UserId, task: Option<TaskId>, page: &Page) -> Vec<NotificationRecord>;
        notifications_among(user: &UserId, told: &Told, page: &Page) -> Vec<NotificationRecord>;
        parked(user: &UserId, page: &Page) -> Vec<ParkedItem>;
        parked_count(user: &UserId) -> i64;
        parked_item(user: &UserId, id: i64) -> Option<ParkedItem>;
        letter_of(user: &UserId, event_id: &str, consumer: &str) -> Option<KeptLetter>;
    }

    AuditStore {
        audited(user: &UserId, asked: &Audited, after: Option<&AuditPlace>, limit: usize) -> AuditPage;
        audited_at(user: &UserId, task: &str, at: Timestamp, limit: usize) -> (Vec<Entry>, bool);
        chain(user: &UserId) -> ChainState;
        links(user: &UserId, after: i64, limit: u32, bytes: u32) -> Vec<Link>;
        hashes(user: &UserId, places: &[i64]) -> BTreeMap<i64, String>;
    }

    ConversationStore {
        begin_conversation(user: &UserId, new: &NewConversation, now: Timestamp) -> Begun;
        conversations(user: &UserId, page: &Page) -> Vec<Conversation>;
        conversation(user: &UserId, id: ConversationId) -> Option<Conversation>;
        delete_conversation(user: &UserId, id: ConversationId) -> bool;
        messages(user: &UserId, id: ConversationId, after: i64, size: (u32, u32)) -> Vec<Message>;
        add_messages(user: &UserId, id: ConversationId, added: &Addition<'_>, now: Timestamp) -> Added;
        take_turn(user: &UserId, id: ConversationId, holder: &str, time: (Timestamp, i64)) -> Take;
        renew_turn(user: &UserId, id: ConversationId, fence: i64, time: (Timestamp, i64)) -> Option<Timestamp>;
        give_back_turn(user: &UserId, id: ConversationId, fence: i64) -> ();
        confirmations(user: &UserId, id: ConversationId, from: i64, limit: u32) -> Vec<Confirmation>;
        confirmation(user: &UserId, conversation: ConversationId, id: ConfirmationId) -> Option<Confirmation>;
        settle_confirmation(user: &UserId, which: (ConversationId, ConfirmationId), approved: bool, now: Timestamp) -> Settling;
    }

    SealStore {
        seal(now: Timestamp, limit: u32) -> usize;
        seal_of(users: &[UserId], now: Timestamp, limit: u32) -> usize;
        oldest_unsealed(now: Timestamp) -> Option<i64>;
        due_anchors(now: Timestamp, limit: u32) -> DueAnchors;
        anchored(heads: &[ChainHead], again: Timestamp) -> ();
        put_off_anchors(chains: &[(UserId, Timestamp)], until: Timestamp) -> ();
    }

    AccountStore {
        schema_version() -> (i64, i64);
        probe() -> ();
        user(id: &UserId) -> Option<User>;
        users(page: &Page) -> Vec<UserRecord>;
        identified(issuer: &str, subject: &str) -> Option<User>;
        key_set(url: &str) -> Option<KeySetRecord>;
        try_key_set(url: &str, before: Option<Timestamp>, now: Timestamp) -> bool;
        keep_key_set(url: &str, document: &str, now: Timestamp) -> ();
        token_owner(hash: &str, now: Timestamp) -> Option<TokenOwner>;
        token(id: TokenId) -> Option<TokenRow>;
        token_used(user: &UserId, id: TokenId, now: Timestamp) -> ();
        tokens(page: &Page) -> Vec<TokenRow>;
        parked_of_all(page: &Page) -> Vec<ParkedItem>;
        parked_count_of_all() -> i64;
        parked_item_of_all(id: i64) -> Option<ParkedItem>;
    }

    WorkStore {
        due_work(now: Timestamp, tzdata: &str) -> DueWork;
        due_work_of(shard: Option<Shard>, now: Timestamp, tzdata: &str) -> DueWork;
        claim_successors(claim: &Claim) -> Vec<Claimed<DueSeries>>;
        claim_reminders(claim: &Claim) -> Vec<Claimed<DueReminder>>;
        due_series(user: &UserId, task: TaskId, asked: &RecurrenceId) -> Option<DueSeries>;
        owed_successors(user: &UserId, now: Timestamp, limit: u32) -> Vec<(TaskId, RecurrenceId)>;
        claim_zones(claim: &Claim) -> Vec<Claimed<DueSeries>>;
        claim_notifications(claim: &Claim) -> Vec<Claimed<DueNotification>>;
        claim_shares(claim: &Claim, shares: &[Share]) -> Vec<Claimed<DueNotification>>;
        renew(tickets: &[Ticket], now: Timestamp, lease_for: i64) -> Vec<i64>;
        offer_zones(tzdata: &str, limit: u32) -> ();
        clock_went_back(now: Timestamp) -> ();
        settle(settled: &[(Ticket, Settlement)], now: Timestamp) -> ();
        prune(now: Timestamp, limit: u32) -> ();
        make_words(limit: u32) -> ();
    }

    ShardStore {
        take_shard(shard: Shard, now: Timestamp, hold_for: i64) -> Option<i64>;
        give_back_shard(shard: Shard, fence: i64) -> ();
        next_due(shard: Shard, now: Timestamp, before: Timestamp) -> Option<Timestamp>;
        wake_shard(shard: Shard, at: Timestamp, now: Timestamp) -> bool;
    }

    OutboxStore {
        lease_stream(id: &StreamId, now: Timestamp, lease_for: i64) -> Option<Lease>;
        lease_streams(now: Timestamp, lease_for: i64, limit: u32, shard: Option<Shard>) -> Vec<Lease>;
        waiting_events(leases: &[Lease], per_stream: u32) -> Vec<WaitingEvent>;
        lanes(leases: &[Lease]) -> Vec<Lanes>;
        note_lanes(ends: &[LaneEnd]) -> ();
        mark_published(marks: &[Mark], now: Timestamp) -> Vec<StreamId>;
        bury(letters: &[DeadLetter], now: Timestamp) -> ();
    }

    LetterStore {
        keep_letters(letters: &[Letter], now: Timestamp) -> Vec<Keeping>;
        letters(filter: &LetterFilter, after: i64, limit: u32) -> Letters;
        letter(id: &str) -> Option<KeptLetter>;
        take_replays(now: Timestamp, lease_for: i64, limit: u32) -> Option<Replays>;
        settle_replays(fence: i64, what: (&[Replayed], &[Turn]), until: Timestamp, now: Timestamp) -> ();
        count_repeated(consumer: &str, events: &[String]) -> ();
    }

    MetricsStore {
        metrics(now: Timestamp) -> Metrics;
    }
}
