//! What waits to be published.

use std::collections::BTreeMap;

use perennial_domain::{StreamId, Timestamp};
use serde_json::json;

use super::lanes;
use super::shards::number;
use crate::rows::{Row, relay};
use crate::sqlite::feed::EVENT;
use crate::sqlite::{Sql, Sqlite, Sync};
use crate::{DeadLetter, LaneEnd, Lanes, Lease, Mark, OutboxStore, Shard, StoreError, WaitingEvent};

/// Bytes of events that are read at once, about.
const LARGEST_ANSWER: i64 = 4 << 20;

/// Bytes of an event beside its data, about.
const HEAD: i64 = 600;

impl<S: Sql> OutboxStore for Sqlite<S> {
    fn lease_stream(
        &self,
        id: &StreamId,
        now: Timestamp,
        lease_for: i64,
    ) -> Result<Option<Lease>, StoreError> {
        self.sync(Sync::Normal)?;
        self.query_one(
            "UPDATE stream SET relay_at = ?2 + ?3, relay_by = NULL, fence = fence + 1 WHERE id = ?1 AND relay_at <= ?2 \
             RETURNING id, fence, published, relay_tries, iif(refused_after = published, refusals, 0)",
            &[id.as_str().into(), now.into(), lease_for.into()],
            relay::lease,
        )
    }

    fn lease_streams(
        &self,
        now: Timestamp,
        lease_for: i64,
        limit: u32,
        shard: Option<Shard>,
    ) -> Result<Vec<Lease>, StoreError> {
        self.sync(Sync::Normal)?;
        // An update tells its rows in the order of their ids: since when each waits is remembered where a commit is named that
        // has the lease.
        let mut leases = self.query(
            "UPDATE stream SET relay_at = ?1 + ?2, relay_by = relay_at, fence = fence + 1 WHERE id IN ( \
             SELECT w.id FROM shard AS s CROSS JOIN stream AS w ON w.id IN ( \
             SELECT id FROM stream WHERE shard = s.shard AND relay_at <= ?1 ORDER BY relay_at LIMIT ?3) \
             WHERE s.shard BETWEEN coalesce(?4, 0) AND coalesce(?4, 15) ORDER BY w.relay_at LIMIT ?3) \
             RETURNING id, fence, published, relay_tries, iif(refused_after = published, refusals, 0), CAST(relay_by AS INTEGER)",
            &[now.into(), lease_for.into(), limit.into(), number(shard)],
            |row| Ok((relay::lease(row)?, row.integer()?)),
        )?;
        leases.sort_by_key(|(_, since)| *since);
        Ok(leases.into_iter().map(|(lease, _)| lease).collect())
    }

    fn waiting_events(&self, leases: &[Lease], per_stream: u32) -> Result<Vec<WaitingEvent>, StoreError> {
        let from: Vec<_> = leases.iter().map(|lease| json!([lease.stream, lease.published])).collect();
        // How large they are is told without reading them.
        let sizes = self.query(
            "SELECT e.key, o.sequence, octet_length(o.data) \
             FROM json_each(?1) AS e CROSS JOIN outbox AS o ON o.stream_id = e.value ->> 0 AND o.sequence IN ( \
             SELECT sequence FROM outbox WHERE stream_id = e.value ->> 0 AND sequence > e.value ->> 1 \
             ORDER BY sequence LIMIT ?2) ORDER BY e.key, o.sequence",
            &[serde_json::to_string(&from)?.into(), per_stream.into()],
            |row| Ok(Waiting { lease: row.integer()?, sequence: row.integer()?, size: row.integer()? }),
        )?;
        let fit: Vec<_> = fitting(sizes)
            .iter()
            .filter_map(|(lease, up_to)| Some((leases.get(usize::try_from(*lease).ok()?)?, up_to)))
            .map(|(lease, up_to)| json!([lease.stream, lease.published, up_to]))
            .collect();
        self.query(
            &format!(
                "SELECT {EVENT} FROM json_each(?1) AS e CROSS JOIN outbox AS o ON o.stream_id = e.value ->> 0 \
                 AND o.sequence > e.value ->> 1 AND o.sequence <= e.value ->> 2 ORDER BY e.key, o.sequence"
            ),
            &[serde_json::to_string(&fit)?.into()],
            Row::json,
        )
    }

    fn lanes(&self, leases: &[Lease]) -> Result<Vec<Lanes>, StoreError> {
        lanes::of(self, leases)
    }

    fn note_lanes(&self, ends: &[LaneEnd]) -> Result<(), StoreError> {
        lanes::note(self, ends)
    }

    // A stream that was leased and had no turn stands before those that had one.
    fn mark_published(&self, marks: &[Mark], now: Timestamp) -> Result<Vec<StreamId>, StoreError> {
        if marks.is_empty() {
            return Ok(Vec::new());
        }
        self.sync(Sync::Normal)?;
        let streams = self.query(
            "UPDATE stream SET published = max(published, e.value ->> 2), relay_by = NULL, \
             relay_tries = CASE WHEN e.value ->> 3 IS NULL THEN 0 WHEN e.value ->> 2 > published THEN 1 ELSE relay_tries + 1 END, \
             refusals = CASE WHEN NOT e.value ->> 4 THEN refusals \
              WHEN refused_after = max(published, e.value ->> 2) THEN refusals + 1 ELSE 1 END, \
             refused_after = CASE WHEN e.value ->> 4 THEN max(published, e.value ->> 2) ELSE refused_after END, \
             relay_at = CASE WHEN sequence > max(published, e.value ->> 2) \
              THEN ?2 + coalesce(e.value ->> 3, -(e.value ->> 2 <= published)) END \
             FROM json_each(?1) AS e WHERE stream.id = e.value ->> 0 AND stream.fence = e.value ->> 1 \
             RETURNING id, sequence > published",
            &[relay::marks(marks)?.into(), now.into()],
            |row| Ok((StreamId::new(row.text()?), row.integer()?)),
        )?;
        Ok(streams.into_iter().filter(|(_, more)| *more != 0).map(|(id, _)| id).collect())
    }

    fn bury(&self, letters: &[DeadLetter], now: Timestamp) -> Result<(), StoreError> {
        if letters.is_empty() {
            return Ok(());
        }
        self.sync(Sync::Full)?;
        // Where its data cannot be read, they are kept as the text that they are.
        self.execute(
            "INSERT INTO letter_v6 (now, doc) SELECT ?2, json_object('topic', o.topic, 'event_id', o.event_id, 'consumer', '', \
             'user', o.user_id, 'stream', e.value ->> 5, 'sequence', o.sequence, 'type', o.type, 'subject', o.subject, \
             'error', e.value ->> 2, 'error_class', e.value ->> 4, 'instance', '', 'event', iif(json_valid(o.data) OR NOT json_valid(e.value ->> 3), \
             e.value ->> 3, json_set(e.value ->> 3, '$.data', substr(o.data, 1, 100000)))) \
             FROM json_each(?1) AS e CROSS JOIN stream AS s ON s.id = e.value ->> 0 AND s.fence = e.value ->> 6 \
             CROSS JOIN outbox AS o ON o.stream_id = s.id AND o.sequence = e.value ->> 1 WHERE true",
            &[relay::buried(letters)?.into(), now.into()],
        )?;
        Ok(())
    }
}

/// An event that waits: the place of its lease, its sequence, and the bytes of its data.
struct Waiting {
    lease: i64,
    sequence: i64,
    size: i64,
}

/// Up to where each lease's events are read so that all fit in one answer: the first of each stream come before the second of
/// any. One always fits.
fn fitting(waiting: Vec<Waiting>) -> BTreeMap<i64, i64> {
    let mut ranks: BTreeMap<i64, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, Waiting)> = Vec::with_capacity(waiting.len());
    for event in waiting {
        let rank = ranks.entry(event.lease).or_default();
        *rank = rank.saturating_add(1);
        ranked.push((*rank, event));
    }
    ranked.sort_by_key(|(rank, event)| (*rank, event.lease));
    let (mut fit, mut sum) = (BTreeMap::new(), 0_i64);
    for (_, event) in ranked {
        sum = sum.saturating_add(event.size).saturating_add(HEAD);
        if sum > LARGEST_ANSWER && !fit.is_empty() {
            break;
        }
        fit.insert(event.lease, event.sequence);
    }
    fit
}
