//! What waits to be published, and the right to publish it.

use std::collections::BTreeMap;

use perennial_domain::{Commit, ErrorClass, StreamId, Timestamp, UserId};
use serde::Deserialize;
use serde_json::Value;

/// The right to publish a stream's events, until it is given back or runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The stream.
    pub stream: StreamId,
    /// Grows with every lease: a holder who was overtaken can no longer mark.
    pub fence: i64,
    /// Up to where the stream is published.
    pub published: i64,
    /// Relays of it that failed, in a row, since one of its events was published last.
    pub tries: i64,
    /// How often, in a row, whoever takes its events failed at the one that comes next.
    pub refusals: i64,
}

/// What a relay came to; gives the lease back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The lease.
    pub lease: Lease,
    /// Up to where the stream is published now.
    pub up_to: i64,
    /// Where publishing failed: milliseconds until the next relay.
    pub pause: Option<i64>,
    /// Whether whoever takes its events failed at the one that comes next.
    pub refused: bool,
}

/// A part of a stream that is published as a stream of its own: the events of some subjects on a topic.
pub type Lane = (u8, String);

/// The lanes of a leased stream of a hot user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lanes {
    /// The stream.
    pub stream: StreamId,
    /// The last event of each lane up to where the stream is published; `None`: the lease was overtaken.
    pub last: Option<BTreeMap<Lane, i64>>,
}

/// How far a lane was published under a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneEnd {
    /// The stream.
    pub stream: StreamId,
    /// The fence of the lease.
    pub fence: i64,
    /// The lane.
    pub lane: Lane,
    /// Its last event that was published.
    pub last: i64,
    /// The last before the lease.
    pub before: Option<i64>,
}

/// An event that cannot be published, and why: taken out of the stream and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its stream.
    pub stream: StreamId,
    /// The fence of the lease: who was overtaken keeps no letter.
    pub fence: i64,
    /// Its place in it.
    pub sequence: i64,
    /// The stream that it says to be of: its own, or one of its lanes.
    pub published_in: String,
    /// The event as it would have been published.
    pub event: String,
    /// Why.
    pub reason: String,
    /// Whether it may be another time.
    pub class: ErrorClass,
}

/// An event that waits to be published.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "named like the columns")]
pub struct WaitingEvent {
    #[serde(rename = "stream_id")]
    pub stream: StreamId,
    pub sequence: i64,
    pub topic: String,
    pub previous: Option<i64>,
    pub event_id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: String,
    #[serde(rename = "user_id")]
    pub user: UserId,
    pub data: Value,
    pub at: Timestamp,
    pub correlation_id: String,
    pub causation_id: Option<String>,
    pub traceparent: Option<String>,
    pub idempotency_key: Option<String>,
    /// The history of the store that its sequence is of: a store that was restored has another.
    pub epoch: String,
}

/// Events of one user, as they were told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventPage {
    /// The history of the store that they are of.
    pub epoch: String,
    /// The sequence of the oldest that is kept; where none is, that of the next to come.
    pub oldest: i64,
    /// The sequence of the last that there was, kept or not; 0 = there was none.
    pub last: i64,
    /// The events, in the order of their stream.
    pub events: Vec<WaitingEvent>,
}

/// The lease that a commit took with it, and where its events stand: nothing else waits in its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnLease {
    /// The lease.
    pub lease: Lease,
    /// For each event of the commit its sequence, and that of the stream's event before it on the same topic.
    pub places: Vec<(i64, Option<i64>)>,
    /// The history of the store that they are of.
    pub epoch: String,
}

impl OwnLease {
    /// The events of the commit that took it, as they would be read from the outbox.
    pub fn events(&self, commit: &Commit) -> Vec<WaitingEvent> {
        let event =
            |(event, (sequence, previous)): (&perennial_domain::Event, &(i64, Option<i64>))| WaitingEvent {
                stream: commit.stream.clone(),
                sequence: *sequence,
                topic: event.topic.name().to_owned(),
                previous: *previous,
                event_id: event.id.to_string(),
                kind: name(event.kind),
                subject: event.subject.clone(),
                user: commit.user.clone(),
                data: event.data.clone(),
                at: commit.at,
                correlation_id: event.correlation_id.clone(),
                causation_id: event.causation_id.map(|id| id.to_string()),
                traceparent: event.traceparent.clone(),
                idempotency_key: event.idempotency_key.clone(),
                epoch: self.epoch.clone(),
            };
        commit.events.iter().zip(&self.places).map(event).collect()
    }
}

/// The name of a type of event.
fn name(kind: perennial_domain::EventType) -> String {
    match serde_json::to_value(kind) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}
