//! Leases and lanes of streams, as they are told to statements and read from their rows.

use std::collections::{BTreeMap, BTreeSet};

use perennial_domain::StreamId;
use serde_json::json;

use super::Row;
use crate::{DeadLetter, Lane, LaneEnd, Lanes, Lease, Mark, StoreError};

/// A lease, from its columns.
pub(crate) fn lease(row: &mut Row) -> Result<Lease, StoreError> {
    Ok(Lease {
        stream: StreamId::new(row.text()?),
        fence: row.integer()?,
        published: row.integer()?,
        tries: row.integer()?,
        refusals: row.integer()?,
    })
}

/// What relays came to: `[[stream, fence, up to, pause, refused]]`.
pub(crate) fn marks(marks: &[Mark]) -> Result<String, StoreError> {
    let mark = |Mark { lease, up_to, pause, refused }: &Mark| {
        json!([lease.stream, lease.fence, up_to, pause, refused])
    };
    Ok(serde_json::to_string(&marks.iter().map(mark).collect::<Vec<_>>())?)
}

/// Events that cannot be published: `[[stream, sequence, reason, event, class, published in, fence]]`.
pub(crate) fn buried(letters: &[DeadLetter]) -> Result<String, StoreError> {
    let letter = |letter: &DeadLetter| {
        json!([
            letter.stream,
            letter.sequence,
            letter.reason,
            letter.event,
            letter.class,
            letter.published_in,
            letter.fence
        ])
    };
    Ok(serde_json::to_string(&letters.iter().map(letter).collect::<Vec<_>>())?)
}

/// Those leases whose streams are published in lanes.
pub(crate) fn hot<'a>(hot: &BTreeSet<StreamId>, leases: &'a [Lease]) -> Vec<&'a Lease> {
    leases.iter().filter(|lease| hot.contains(&lease.stream)).collect()
}

/// What lanes are asked for by: `[[stream, fence, published]]`.
pub(crate) fn asked(leases: &[&Lease]) -> Result<String, StoreError> {
    let asked: Vec<_> =
        leases.iter().map(|lease| json!([lease.stream, lease.fence, lease.published])).collect();
    Ok(serde_json::to_string(&asked)?)
}

/// A lane that has a row, and what came last in it, if anything did. A stream that has no lane yet has a row without one.
pub(crate) type Last = (StreamId, Option<Lane>, Option<i64>);

pub(crate) fn last(row: &mut Row) -> Result<Last, StoreError> {
    let (stream, lane) = (StreamId::new(row.text()?), row.integer_or_null()?);
    let topic = row.text_or_null()?;
    let lane = lane.and_then(|lane| u8::try_from(lane).ok()).zip(topic);
    Ok((stream, lane, row.integer_or_null()?))
}

/// The lanes of leased streams. One of which there is no row at all was overtaken.
pub(crate) fn lanes(leases: &[&Lease], rows: Vec<Last>) -> Vec<Lanes> {
    let mut found: BTreeMap<StreamId, BTreeMap<Lane, i64>> = BTreeMap::new();
    for (stream, lane, last) in rows {
        let lanes = found.entry(stream).or_default();
        if let (Some(lane), Some(last)) = (lane, last) {
            lanes.insert(lane, last);
        }
    }
    let of = |lease: &&Lease| Lanes { stream: lease.stream.clone(), last: found.remove(&lease.stream) };
    leases.iter().map(of).collect()
}

/// How far lanes were published: `[[stream, fence, lane, topic, last, before]]`.
pub(crate) fn ends(ends: &[LaneEnd]) -> Result<String, StoreError> {
    let end = |LaneEnd { stream, fence, lane: (lane, topic), last, before }: &LaneEnd| {
        json!([stream, fence, lane, topic, last, before])
    };
    Ok(serde_json::to_string(&ends.iter().map(end).collect::<Vec<_>>())?)
}
