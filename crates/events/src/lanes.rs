//! Lanes: a hot user's events are published in sixteen streams, so that they spread over the partitions of a topic.
//!
//! An event is in the lane of its subject: what happens to one task keeps its order. The user's log stays one stream, and an event's place
//! in it stays its sequence; what came before it is what came before it in its lane.

use std::collections::BTreeMap;

use perennial_domain::StreamId;
use perennial_store::{Lane, LaneEnd, Lease, Mark, OutboxStore, StoreError};
use sha2::{Digest, Sha256};

use crate::Message;

/// How many lanes a stream has.
pub const LANES: u8 = 16;

/// The lane of a subject.
fn lane_of(subject: &str) -> u8 {
    Sha256::digest(subject).first().map_or(0, |byte| byte % LANES)
}

/// The stream in which a hot user's events about a subject are published: `user|07`.
pub fn lane_stream(stream: &str, subject: &str) -> String {
    format!("{stream}|{:02}", lane_of(subject))
}

/// Those of leased streams that are published in lanes.
pub(crate) struct Laned(BTreeMap<StreamId, Stream>);

struct Stream {
    /// The last event of each lane up to where the stream is published; `None`: the lease was overtaken.
    last: Option<BTreeMap<Lane, i64>>,
    /// The events of the slice, in order.
    placed: Vec<Placed>,
}

/// Where an event is, and what comes before it there.
struct Placed {
    lane: Lane,
    sequence: i64,
    previous: Option<i64>,
}

impl Laned {
    pub fn of(store: &impl OutboxStore, leases: &[Lease]) -> Result<Self, StoreError> {
        let lanes = store.lanes(leases)?.into_iter();
        Ok(Self(lanes.map(|lanes| (lanes.stream, Stream { last: lanes.last, placed: Vec::new() })).collect()))
    }

    /// Puts events that wait in a stream into its lanes, if it has any. Those of a lease that was overtaken are left to who has it now: what
    /// comes before them is not known here.
    pub fn split(&mut self, stream: &StreamId, sequences: &[i64], batch: &mut Vec<Message>) {
        let Some(Stream { last, placed }) = self.0.get_mut(stream) else { return };
        let Some(last) = last else { return batch.clear() };
        for (message, sequence) in batch.iter_mut().zip(sequences) {
            let lane: Lane = (lane_of(&message.event.subject), message.topic.clone());
            let previous = last.insert(lane.clone(), *sequence);
            let stream = lane_stream(stream.as_str(), &message.event.subject);
            message.event.move_to(stream, previous);
            placed.push(Placed { lane, sequence: *sequence, previous });
        }
    }

    /// How far each lane was published by what is to be marked.
    pub fn ends(&self, marks: &[Mark]) -> Vec<LaneEnd> {
        marks.iter().flat_map(|mark| self.ends_of(mark)).collect()
    }

    fn ends_of(&self, mark: &Mark) -> Vec<LaneEnd> {
        let Mark { lease, up_to, .. } = mark;
        let placed = self.0.get(&lease.stream).map_or(&[][..], |stream| &stream.placed);
        let mut ends: BTreeMap<&Lane, (i64, Option<i64>)> = BTreeMap::new();
        for Placed { lane, sequence, previous } in
            placed.iter().take_while(|placed| placed.sequence <= *up_to)
        {
            // What came before the first of them came before the lease.
            ends.entry(lane).or_insert((*sequence, *previous)).0 = *sequence;
        }
        let end = |(lane, (last, before)): (&Lane, (i64, Option<i64>))| LaneEnd {
            stream: lease.stream.clone(),
            fence: lease.fence,
            lane: lane.clone(),
            last,
            before,
        };
        ends.into_iter().map(end).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever keeps order by these streams relies on them.
    #[test]
    fn a_subject_has_its_lane_for_good() {
        for (subject, stream) in [
            ("01980000-0000-7000-8000-000000000001", "ada|05"),
            ("01980000-0000-7000-8000-000000000002", "ada|15"),
            ("", "ada|03"),
        ] {
            assert_eq!(lane_stream("ada", subject), stream);
        }
    }

    #[test]
    fn subjects_spread_over_all_lanes() {
        let lanes: std::collections::BTreeSet<u8> =
            (0..500_u64).map(|number| lane_of(&format!("task {number}"))).collect();
        assert_eq!(lanes.into_iter().collect::<Vec<_>>(), (0..LANES).collect::<Vec<_>>());
    }
}
