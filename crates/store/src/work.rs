//! Work lists: what is owed or due, who takes it, and what becomes of what cannot be done.
//!
//! Work is claimed in sets, round by lane (a user; for notifications the endpoint), so that a backlog costs its owner. A
//! claim is a lease: who does not settle it in time loses it, and the item counts as one that may have brought its
//! claimer down (`again`): such items are taken one by one, apart from the others. Each item leaves its list, waits for its
//! next try with growing pauses, or is parked with its reason.

use perennial_domain::{
    Channel, DueAlarm, Notification, RecurrenceId, SeriesState, TaskId, Timestamp, User, UserId,
};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WorkKind {
    /// An occurrence is owed its successor.
    Successor,
    /// A reminder comes due.
    Reminder,
    /// An open occurrence is to be laid on newer zone data.
    Zone,
    /// A notification is to be delivered.
    Notification,
    /// An event that was given up: a dead letter. It is only ever parked.
    Event,
}

impl WorkKind {
    /// Its name in the store and outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Successor => "successor",
            Self::Reminder => "reminder",
            Self::Zone => "zone",
            Self::Notification => "notification",
            Self::Event => "event",
        }
    }
}

/// A claim on a set of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Names this claim; fresh each time.
    pub id: String,
    /// Whether to take items whose last claim was never settled, rather than the others.
    pub again: bool,
    /// The caller's clock. A store with a clock of its own goes by that.
    pub now: Timestamp,
    /// Milliseconds until another may claim what is not settled.
    pub lease_for: i64,
    /// Milliseconds for which a lane that was served is not served again; 0: it goes to the end of the round.
    pub hold_for: i64,
    /// Lanes served at most.
    pub lanes: u32,
    /// Items of one lane at most.
    pub per_lane: u32,
    /// Only lanes of this shard; `None`: of all. A claim on notifications looks at all.
    pub shard: Option<Shard>,
}

/// Shards of users and streams: what sweeps are divided into where a clock is shared.
pub const SHARDS: u8 = 16;

/// One of the [`SHARDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard(u8);

impl Shard {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }

    /// The shard of this number, below [`SHARDS`].
    pub fn new(number: u8) -> Option<Self> {
        (number < SHARDS).then_some(Self(number))
    }

    /// The shard of a user, an endpoint or a stream: the last digit of its id; the first where that is none.
    pub fn of(id: &str) -> Self {
        let digit = id
            .chars()
            .next_back()
            .filter(|last| !last.is_ascii_uppercase())
            .and_then(|last| last.to_digit(16));
        Self(digit.and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default())
    }

    /// Its number.
    pub fn number(self) -> u32 {
        self.0.into()
    }
}

/// What a claim on notifications takes of one class of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Whether of those that answered promptly last time, rather than of the others.
    pub proven: bool,
    /// Endpoints at most.
    #[serde(rename = "lanes")]
    pub endpoints: u32,
    /// Notifications of one endpoint at most.
    #[serde(rename = "per_lane")]
    pub per_endpoint: u32,
    /// Endpoints of one user that may have an attempt under way, whoever makes it.
    pub per_user: u32,
}

/// The right to see to one item, until it is settled or the lease is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The item.
    pub id: i64,
    /// The claim it was taken with. Another can settle nothing.
    pub claim: String,
    /// How often it was claimed, with this time.
    pub tries: i64,
    /// Whose it is.
    pub user: UserId,
    /// The task it belongs to.
    pub task: TaskId,
    /// The occurrence of it.
    pub recurrence_id: RecurrenceId,
}

/// A claimed item and what the store says of it: `None` where it is gone, an error where it cannot be read.
#[derive(Debug)]
pub struct Claimed<T> {
    /// The right to it.
    pub ticket: Ticket,
    /// What is to be done.
    pub what: Result<Option<T>, StoreError>,
}

/// A reminder that is due, with everything it takes to fire it.
#[derive(Debug, Clone, PartialEq)]
pub struct DueReminder {
    /// Whose it is.
    pub user: User,
    /// The alarm.
    pub alarm: DueAlarm,
    /// Where they are notified.
    pub channels: Vec<Channel>,
}

/// A series that there is work to do for.
#[derive(Debug, Clone, PartialEq)]
pub struct DueSeries {
    /// Whose it is.
    pub user: User,
    /// Its state; `asked` is the occurrence in question.
    pub state: SeriesState,
}

/// A notification that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct DueNotification {
    /// Whose it is.
    pub user: User,
    /// The notification.
    pub notification: Notification,
    /// Whether its endpoint answered promptly last time.
    pub proven: bool,
}

/// What becomes of an item that was claimed and not done. What was done leaves its list by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// Nobody needs it any more. What is owed later all the same waits until then.
    Drop,
    /// Others were at it: to be looked at again in so many milliseconds, and no try counted.
    Release {
        /// The pause.
        after: i64,
    },
    /// To be tried again in so many milliseconds.
    Retry {
        /// The pause.
        after: i64,
        /// What went wrong, without any user's words.
        reason: String,
    },
    /// Given up until its owner or an operator asks for another try.
    Park {
        /// Why.
        reason: String,
    },
}

/// Pauses after the first, second, … failed try, in milliseconds.
const PAUSES: [i64; 7] = [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];

impl Settlement {
    /// After a try that failed for a reason that may pass: a growing pause, and parked after the last.
    pub fn failed(ticket: &Ticket, reason: String) -> Self {
        let step = usize::try_from(ticket.tries.saturating_sub(1)).unwrap_or(usize::MAX);
        match PAUSES.get(step) {
            Some(after) => Self::Retry { after: *after, reason },
            None => Self::Park { reason },
        }
    }
}

/// Which kinds of work have something that is due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueWork {
    /// Kinds, and whether it is what was claimed before and never settled.
    pub kinds: Vec<(WorkKind, bool)>,
    /// Occurrences lie on older zone data.
    pub zones: bool,
    /// Events wait to be published.
    pub relay: bool,
    /// Dead letters are to be sent again.
    pub letters: bool,
    /// Something is past its retention.
    pub old: bool,
    /// Holds or leases lie further ahead than any is made.
    pub ahead: bool,
    /// Tasks have no words that a search could find.
    pub words: bool,
    /// Audit entries wait to be sealed.
    pub seals: bool,
    /// Chains of audit entries are to be anchored.
    pub anchors: bool,
}

/// An item that was given up.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct ParkedItem {
    pub id: i64,
    pub kind: WorkKind,
    pub user_id: UserId,
    pub task_id: String,
    pub recurrence_id: RecurrenceId,
    pub item: String,
    pub reason: Option<String>,
    pub tries: i64,
    pub parked_at: Timestamp,
}
