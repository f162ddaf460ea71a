//! Dead letters: events that someone has given up on, kept with their reasons, to be sent again or discarded.

use std::collections::BTreeMap;

use perennial_domain::{ErrorClass, LetterStatus, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{StoreError, WaitingEvent};

/// An event that is given up. What is too long here is for whoever makes it to cut.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct Letter {
    pub topic: String,
    /// That of the event; of a message that is no event, a digest of its text.
    pub event_id: String,
    /// Who gave it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<&'static str>,
    /// Where that is not known: those who act upon it. It is that of the first who has not applied it.
    pub consumers: Vec<&'static str>,
    /// Those who act upon each type of its topic: what counts is the type that the store has told under its id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hearers: BTreeMap<&'static str, Vec<&'static str>>,
    /// Whose it says that it is.
    pub user: String,
    pub stream: String,
    pub sequence: i64,
    /// Empty of a message that is no event.
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: String,
    /// The event as it was received.
    pub event: String,
    pub error: String,
    pub error_class: ErrorClass,
    pub instance: &'static str,
}

/// A dead letter, as it is kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct KeptLetter {
    /// Its place in the list of all.
    pub place: i64,
    pub id: String,
    /// Empty where it is nobody's.
    pub user_id: String,
    pub topic: String,
    pub event_id: String,
    /// Empty where it is not known.
    pub consumer: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub error: String,
    pub error_class: ErrorClass,
    pub tries: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub instance: String,
    pub status: LetterStatus,
    pub status_at: Timestamp,
    pub replays: i64,
    /// The event as it was received; a list does not tell it.
    pub event: Option<String>,
}

impl KeptLetter {
    /// Whether it is an event, which can be sent again.
    pub fn is_event(&self) -> bool {
        !self.kind.is_empty()
    }
}

/// Which dead letters are meant: those that are all of this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct LetterFilter {
    pub status: Option<LetterStatus>,
    pub topic: Option<String>,
    pub consumer: Option<String>,
    pub user: Option<String>,
    pub kind: Option<String>,
    /// Those with one of these ids.
    pub ids: Option<Vec<String>>,
}

/// Dead letters of a list, in the order of their making.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Letters {
    /// The letters, without their events.
    pub letters: Vec<KeptLetter>,
    /// Where looking for more ended, if there may be more.
    pub end: Option<i64>,
}

/// What became of an event that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// There is a letter of it.
    Kept,
    /// None is needed: whoever acts upon it has applied it.
    Applied,
    /// It is of a user who was deleted.
    Deleted,
    /// It is nobody's, and of those too many are open.
    NoRoom,
}

/// Dead letters that are to be sent again, and the right to say what becomes of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Replays {
    /// Grows with each holder: one who was overtaken says nothing.
    pub fence: i64,
    /// The letters: some of each of several streams, one stream after the other, each in its order.
    pub letters: Vec<Replay>,
}

/// A dead letter that is to be sent again.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct Replay {
    pub place: i64,
    pub id: String,
    pub topic: String,
    /// The stream of the event; empty where it says none.
    pub stream: String,
    /// How often it was not taken and stayed to be sent again.
    pub replay_tries: i64,
    /// The event as it was received.
    pub event: String,
    /// The event as its stream has it, while that is kept.
    pub waiting: Option<WaitingEvent>,
}

/// What became of a dead letter that was to be sent again.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The letter.
    pub place: i64,
    /// What it is now, unless it was given up once more meanwhile.
    pub status: LetterStatus,
    /// How often it was not taken and stayed to be sent again.
    pub tries: i64,
    /// Why it was not sent.
    pub error: Option<String>,
}

/// A stream some of whose letters had their turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The stream.
    pub stream: String,
    /// Milliseconds until its next turn, at most a minute; 0: after the others.
    pub pause: i64,
}

/// Dead letters, across users: what consumers, the relay and admins reach.
pub trait LetterStore {
    /// Keeps events that were given up, in one statement; says of each, in order, what became of it. One that is there already
    /// has been given up once more. Where it is not known who gave it up, it is not kept if all who act upon it have applied it
    /// (they are counted as repeated), and belongs to the letter that there is of it on its topic, whosoever that is.
    fn keep_letters(&self, letters: &[Letter], now: Timestamp) -> Result<Vec<Keeping>, StoreError>;
    /// Those that are meant, after a place in the list of all.
    fn letters(&self, filter: &LetterFilter, after: i64, limit: u32) -> Result<Letters, StoreError>;
    /// One, with its event.
    fn letter(&self, id: &str) -> Result<Option<KeptLetter>, StoreError>;
    /// Takes those that are to be sent again and may be for `lease_for` milliseconds: at most `limit`, and some 4 MiB; the oldest
    /// of each stream, streams in turn, as many of each. Nothing where another is at it, or was a moment ago.
    fn take_replays(&self, now: Timestamp, lease_for: i64, limit: u32)
    -> Result<Option<Replays>, StoreError>;
    /// Says what became of them, and when their streams have their next turns; from `until` on others may be sent.
    fn settle_replays(
        &self,
        fence: i64,
        what: (&[Replayed], &[Turn]),
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Counts those among these events that the consumer has applied before.
    fn count_repeated(&self, consumer: &str, events: &[String]) -> Result<(), StoreError>;
}
