//! What waits to be published (schema/0001_tables.sql: stream, outbox). Streams are locked in the order of their ids, or not waited for.

use perennial_domain::{StreamId, Timestamp};
use serde_json::json;

use super::shards::number;
use super::{lanes, letters};
use crate::postgres::busy::write_all;
use crate::postgres::feed::EVENT;
use crate::postgres::{Pg, Postgres};
use crate::rows::{Row, relay};
use crate::{DeadLetter, LaneEnd, Lanes, Lease, Mark, OutboxStore, Shard, StoreError, WaitingEvent};

/// Bytes of events that are read at once, about.
const LARGEST_ANSWER: i64 = 4 << 20;

/// Bytes of an event beside its data, about.
const HEAD: i64 = 600;

/// Whether a crash of the database may take what a statement does: it would only be done again. Never of a fence: who holds one would be
/// told from nobody who gets it anew.
pub(super) const MAY_BE_LOST: &str = "(SELECT set_config('synchronous_commit', 'off', true)) = 'off'";

/// What a statement waits for it waits for two and a half seconds, and is then refused (SQLSTATE 55P03). Requests wait for two: whoever stood
/// before it has been served by then, or is gone. With less it would never have its turn where requests of one user come without end.
pub(super) const FOR_MOMENTS: &str = "(SELECT set_config('lock_timeout', '2500ms', true)) = '2500ms'";

/// The columns of a lease on the stream `s`.
const LEASE: &str = "s.id, s.fence, s.published, s.relay_tries, \
     CASE WHEN s.refused_after = s.published THEN s.refusals ELSE 0 END";

/// What a mark `m` makes of its stream `s` at `c.now`. One that was leased and had no turn stands before those that had one.
const MARK: &str = "published = greatest(s.published, m.up_to), relay_by = NULL, \
     relay_tries = CASE WHEN m.pause IS NULL THEN 0 WHEN m.up_to > s.published THEN 1 ELSE s.relay_tries + 1 END, \
     refusals = CASE WHEN NOT m.refused THEN s.refusals \
      WHEN s.refused_after = greatest(s.published, m.up_to) THEN s.refusals + 1 ELSE 1 END, \
     refused_after = CASE WHEN m.refused THEN greatest(s.published, m.up_to) ELSE s.refused_after END, \
     relay_at = CASE WHEN s.sequence > greatest(s.published, m.up_to) \
      THEN c.now + coalesce(m.pause, -(m.up_to <= s.published)::int) END";

/// The columns of a stream that was marked: which, and whether more waits there.
const MORE: &str = "s.id, (s.sequence > s.published)::int::bigint";

impl<S: Pg> OutboxStore for Postgres<S> {
    // One stream is waited for, a commit at most: where many write to it, it would never be free. What is found by its id has its other
    // conditions within functions: an index of only those few that meet them would be thought as good as that of the id, and may have
    // grown since anybody counted.
    fn lease_stream(
        &self,
        id: &StreamId,
        now: Timestamp,
        lease_for: i64,
    ) -> Result<Option<Lease>, StoreError> {
        self.query_one(
            &format!(
                "WITH c AS MATERIALIZED (SELECT perennial_now($2::bigint) AS now) \
                 UPDATE stream AS s SET relay_at = c.now + $3::bigint, relay_by = NULL, fence = s.fence + 1 FROM c \
                 WHERE s.id = $1::text AND coalesce(s.relay_at <= c.now, false) AND {FOR_MOMENTS} RETURNING {LEASE}"
            ),
            &[id.as_str().into(), self.now(now), lease_for.into()],
            relay::lease,
        )
    }

    // Of many, those that are free: each shard's first are looked at, as many as are asked for, so that others who lease at once find
    // others.
    fn lease_streams(
        &self,
        now: Timestamp,
        lease_for: i64,
        limit: u32,
        shard: Option<Shard>,
    ) -> Result<Vec<Lease>, StoreError> {
        let mut leases = self.query(
            &format!(
                "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) AS now), \
                 w AS MATERIALIZED (SELECT s.id, s.relay_at FROM c \
                  CROSS JOIN generate_series(coalesce($4::bigint, 0), coalesce($4::bigint, 15)) AS h (shard) \
                  CROSS JOIN LATERAL (SELECT d.id FROM stream AS d WHERE d.shard = h.shard AND d.relay_at <= c.now \
                   ORDER BY d.relay_at LIMIT $3::bigint) AS d \
                  JOIN stream AS s ON s.id = d.id \
                  WHERE coalesce(s.relay_at <= c.now, false) ORDER BY s.relay_at LIMIT $3::bigint FOR NO KEY UPDATE OF s SKIP LOCKED) \
                 UPDATE stream AS s SET relay_at = c.now + $2::bigint, relay_by = NULL, fence = s.fence + 1 FROM w CROSS JOIN c \
                 WHERE s.id = w.id RETURNING {LEASE}, w.relay_at"
            ),
            &[self.now(now), lease_for.into(), limit.into(), number(shard)],
            |row| Ok((relay::lease(row)?, row.integer()?)),
        )?;
        leases.sort_by_key(|(_, since)| *since);
        Ok(leases.into_iter().map(|(lease, _)| lease).collect())
    }

    // As many as fit in one answer: the first of each stream come before the second of any. One always fits.
    fn waiting_events(&self, leases: &[Lease], per_stream: u32) -> Result<Vec<WaitingEvent>, StoreError> {
        let from: Vec<_> = leases.iter().map(|lease| json!([lease.stream, lease.published])).collect();
        self.query(
            &format!(
                "SELECT {EVENT}::text FROM ( \
                 SELECT n, stream_id, sequence, sum(size) OVER turn AS total, row_number() OVER turn AS nth FROM ( \
                  SELECT e.n, w.stream_id, w.sequence, w.size, row_number() OVER (PARTITION BY e.n ORDER BY w.sequence) AS rank \
                  FROM json_array_elements($1::text::json) WITH ORDINALITY AS e (doc, n) CROSS JOIN LATERAL ( \
                   SELECT o.stream_id, o.sequence, octet_length(o.data::text) + {HEAD} AS size FROM outbox AS o \
                   WHERE o.stream_id = e.doc ->> 0 AND o.sequence > (e.doc ->> 1)::bigint \
                   ORDER BY o.sequence LIMIT $2::bigint) AS w) AS ranked \
                 WINDOW turn AS (ORDER BY rank, n ROWS UNBOUNDED PRECEDING)) AS p \
                 CROSS JOIN LATERAL (SELECT * FROM outbox AS o WHERE o.stream_id = p.stream_id AND o.sequence = p.sequence LIMIT 1) AS o \
                 WHERE p.total <= {LARGEST_ANSWER} OR p.nth = 1 ORDER BY p.n, p.sequence"
            ),
            &[serde_json::to_string(&from)?.into(), per_stream.into()],
            Row::json,
        )
    }

    fn lanes(&self, leases: &[Lease]) -> Result<Vec<Lanes>, StoreError> {
        lanes::of(self, leases)
    }

    fn note_lanes(&self, ends: &[LaneEnd]) -> Result<(), StoreError> {
        lanes::note(self, ends)
    }

    fn mark_published(&self, marks: &[Mark], now: Timestamp) -> Result<Vec<StreamId>, StoreError> {
        let read = |row: &mut Row| Ok((StreamId::new(row.text()?), row.integer()?));
        // As after every commit.
        let one = |Mark { lease, up_to, pause, refused }: &Mark| {
            self.query(
                &format!(
                    "UPDATE stream AS s SET {MARK} FROM (SELECT perennial_now($2::bigint) AS now) AS c CROSS JOIN (SELECT $1::text AS id, \
                     $3::bigint AS fence, $4::bigint AS up_to, $5::bigint AS pause, $6::bigint = 1 AS refused) AS m \
                     WHERE s.id = m.id AND s.fence = m.fence AND {MAY_BE_LOST} AND {FOR_MOMENTS} RETURNING {MORE}"
                ),
                &[
                    lease.stream.as_str().into(),
                    self.now(now),
                    lease.fence.into(),
                    (*up_to).into(),
                    (*pause).into(),
                    i64::from(*refused).into(),
                ],
                read,
            )
        };
        // Those whose streams nobody holds.
        let free = |marks: &[Mark]| {
            self.query(
                &format!(
                    "WITH c AS MATERIALIZED (SELECT perennial_now($2::bigint) AS now), \
                     m AS MATERIALIZED (SELECT e ->> 0 AS id, (e ->> 1)::bigint AS fence, (e ->> 2)::bigint AS up_to, \
                      (e ->> 3)::bigint AS pause, (e ->> 4)::boolean AS refused FROM json_array_elements($1::text::json) AS e), \
                     l AS MATERIALIZED (SELECT s.id FROM stream AS s WHERE s.id IN (SELECT id FROM m) ORDER BY s.id \
                      FOR NO KEY UPDATE SKIP LOCKED) \
                     UPDATE stream AS s SET {MARK} FROM m JOIN l ON l.id = m.id CROSS JOIN c \
                     WHERE s.id = l.id AND s.fence = m.fence AND {MAY_BE_LOST} RETURNING {MORE}"
                ),
                &[relay::marks(marks)?.into(), self.now(now)],
                read,
            )
        };
        let mut streams: Vec<(StreamId, i64)> = Vec::new();
        let write = |marks: &[Mark]| {
            let marked = match marks {
                [mark] => {
                    streams.extend(one(mark)?);
                    return Ok(Vec::new());
                }
                several => free(several)?,
            };
            let is_left = |mark: &&Mark| !marked.iter().any(|(id, _)| *id == mark.lease.stream);
            let left = marks.iter().filter(is_left).cloned().collect();
            streams.extend(marked);
            Ok(left)
        };
        // Of those who go on writing it is known again when the lease has ended.
        write_all(marks.to_vec(), write)?;
        Ok(streams.into_iter().filter(|(_, more)| *more != 0).map(|(id, _)| id).collect())
    }

    fn bury(&self, buried: &[DeadLetter], now: Timestamp) -> Result<(), StoreError> {
        if buried.is_empty() {
            return Ok(());
        }
        let statement = format!(
            "WITH e AS MATERIALIZED (SELECT e.doc, e.n FROM json_array_elements($1::text::json) WITH ORDINALITY AS e (doc, n) \
              WHERE {FOR_MOMENTS}), \
             l AS MATERIALIZED (SELECT s.id FROM stream AS s \
              WHERE (s.id, s.fence) IN (SELECT e.doc ->> 0, (e.doc ->> 6)::bigint FROM e) ORDER BY s.id FOR NO KEY UPDATE) \
             SELECT count(k)::bigint FROM (SELECT jsonb_agg(jsonb_build_object('topic', o.topic, 'event_id', o.event_id, 'consumer', '', \
              'consumers', '[]'::jsonb, 'user', o.user_id, 'stream', e.doc ->> 5, 'sequence', o.sequence, 'type', o.type, \
              'subject', o.subject, 'error', e.doc ->> 2, 'error_class', e.doc ->> 4, 'instance', '', 'event', e.doc ->> 3) \
              ORDER BY e.n) AS letters \
              FROM e JOIN l ON l.id = e.doc ->> 0 JOIN outbox AS o ON o.stream_id = l.id AND o.sequence = (e.doc ->> 1)::bigint) AS b \
             CROSS JOIN LATERAL perennial_keep_letters(b.letters, perennial_now($2::bigint)) AS k WHERE b.letters IS NOT NULL"
        );
        self.execute(&statement, &[letters::sound(relay::buried(buried)?)?.into(), self.now(now)])?;
        Ok(())
    }
}
