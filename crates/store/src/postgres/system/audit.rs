//! Sealing the audit's chains, and having them anchored (schema/0001_system.sql).

use perennial_audit::Entry;
use perennial_domain::{Timestamp, UserId};
use serde_json::{Value as Json, json};

use super::outbox::{FOR_MOMENTS, MAY_BE_LOST};
use crate::postgres::audit::{ENTRY, SIZE};
use crate::postgres::busy::write_all;
use crate::postgres::{Pg, Postgres};
use crate::rows::audit::entry;
use crate::rows::seals::{self, BYTES, CHAINS, Further, Waiting};
use crate::rows::{Row, Value};
use crate::{ChainHead, DueAnchors, SealStore, StoreError};

/// Whether a chain is to be sealed at `c.now`. One that lies further ahead than any waits was put there by a clock that was wrong.
pub(super) const LOOK: &str = "coalesce((SELECT s.seal_at FROM stream AS s WHERE s.seal_at IS NOT NULL ORDER BY s.seal_at LIMIT 1) <= c.now \
     OR (SELECT s.seal_at FROM stream AS s WHERE s.seal_at > c.now + 120000 ORDER BY s.seal_at LIMIT 1) IS NOT NULL, false)";

/// Whether one is to be anchored at `c.now`, likewise.
pub(super) const LOOK_ANCHORS: &str = "coalesce((SELECT s.anchor_at FROM stream AS s WHERE s.anchor_at IS NOT NULL ORDER BY s.anchor_at LIMIT 1) \
     <= c.now OR (SELECT s.anchor_at FROM stream AS s WHERE s.anchor_at > c.now + 86520000 ORDER BY s.anchor_at LIMIT 1) IS NOT NULL, false)";

/// What is told of a chain `s` that waits: whose it is, up to where it is sealed, the hash there, whether a seal stands where the
/// next belongs, and whether the next entry is there.
const WAITING: &str = "s.id, s.sealed, (SELECT l.hash FROM seal AS l WHERE l.user_id = s.id AND l.seq = s.sealed), \
     (SELECT count(*) FROM (SELECT 1 FROM seal AS l WHERE l.user_id = s.id AND l.seq > s.sealed ORDER BY l.seq LIMIT 1) AS taken), \
     (SELECT count(*) FROM audit AS a WHERE a.user_id = s.id AND a.seq = s.sealed + 1)";

/// When the oldest entry was made that waits to be sealed, or the first behind one that is gone: of the hundred chains that are sealed
/// next, and of the hundred that could not be most often.
pub(super) const UNSEALED_SINCE: &str = "(SELECT min((SELECT a.at FROM audit AS a WHERE a.user_id = s.id AND a.seq > s.sealed \
     ORDER BY a.seq LIMIT 1)) FROM ( \
      (SELECT s.id, s.sealed FROM stream AS s WHERE s.seal_at IS NOT NULL ORDER BY s.seal_at LIMIT 100) \
      UNION ALL \
      (SELECT s.id, s.sealed FROM stream AS s WHERE s.seal_tries > 0 ORDER BY s.seal_tries DESC LIMIT 100)) AS s)";

impl<S: Pg> SealStore for Postgres<S> {
    fn seal(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let chains = self.query(
            &format!(
                "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) AS now) SELECT {WAITING} FROM c CROSS JOIN LATERAL ( \
                 (SELECT s.id, s.sealed, s.seal_at FROM stream AS s WHERE s.seal_at <= c.now ORDER BY s.seal_at LIMIT $2::bigint) \
                 UNION ALL (SELECT s.id, s.sealed, s.seal_at FROM stream AS s WHERE s.seal_at > c.now + 120000 \
                  ORDER BY s.seal_at LIMIT $2::bigint) ORDER BY seal_at LIMIT $2::bigint) AS s"
            ),
            &[self.now(now), CHAINS.min(limit).into()],
            Waiting::read,
        )?;
        self.seal_chains(&chains, now, limit)
    }

    fn seal_of(&self, users: &[UserId], now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let chains = self.query(
            &format!(
                "SELECT {WAITING} FROM (SELECT DISTINCT e.id FROM json_array_elements_text($1::text::json) AS e (id) LIMIT $2::bigint) AS e \
                 JOIN stream AS s ON s.id = e.id WHERE coalesce(s.seal_at > 0, false)"
            ),
            &[serde_json::to_string(users)?.into(), CHAINS.min(limit).into()],
            Waiting::read,
        )?;
        self.seal_chains(&chains, now, limit)
    }

    fn oldest_unsealed(&self, now: Timestamp) -> Result<Option<i64>, StoreError> {
        self.query_one(
            &format!(
                "SELECT greatest(perennial_now($1::bigint) - u.since, 0) FROM (SELECT {UNSEALED_SINCE} AS since) AS u \
                 WHERE u.since IS NOT NULL"
            ),
            &[self.now(now)],
            Row::integer,
        )
    }

    fn due_anchors(&self, now: Timestamp, limit: u32) -> Result<DueAnchors, StoreError> {
        let due = self.query(
            "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) AS now) \
             SELECT s.id, s.sealed, s.anchor_at, (SELECT l.hash FROM seal AS l WHERE l.user_id = s.id AND l.seq = s.sealed) \
             FROM c CROSS JOIN LATERAL ( \
             (SELECT s.id, s.sealed, s.anchor_at FROM stream AS s WHERE s.anchor_at <= c.now ORDER BY s.anchor_at LIMIT $2::bigint) \
             UNION ALL (SELECT s.id, s.sealed, s.anchor_at FROM stream AS s WHERE s.anchor_at > c.now + 86520000 \
              ORDER BY s.anchor_at LIMIT $2::bigint) ORDER BY anchor_at LIMIT $2::bigint) AS s",
            &[self.now(now), limit.into()],
            seals::due,
        )?;
        Ok(seals::anchors(due))
    }

    fn anchored(&self, heads: &[ChainHead], again: Timestamp) -> Result<(), StoreError> {
        if heads.is_empty() {
            return Ok(());
        }
        self.move_anchors(
            "CASE WHEN s.sealed > (e ->> 1)::bigint THEN $2::bigint END",
            "(e ->> 2)::bigint",
            &seals::heads(heads),
            again,
        )
    }

    fn put_off_anchors(&self, chains: &[(UserId, Timestamp)], until: Timestamp) -> Result<(), StoreError> {
        if chains.is_empty() {
            return Ok(());
        }
        let chains: Vec<_> = chains.iter().map(|chain| json!(chain)).collect();
        self.move_anchors("$2::bigint", "(e ->> 1)::bigint", &chains, until)
    }
}

impl<S: Pg> Postgres<S> {
    /// Says when chains `e` are to be anchored next; one that was moved meanwhile stays where it is. Whoever writes right now is waited for
    /// alone, with nobody else's stream locked; those who go on writing have their anchors set once more.
    fn move_anchors(&self, to: &str, from: &str, chains: &[Json], at: Timestamp) -> Result<(), StoreError> {
        let moved = |chains: &[Json], skip: &str| {
            self.query(
                &format!(
                    "WITH l AS MATERIALIZED (SELECT s.id FROM stream AS s \
                      WHERE s.id IN (SELECT e ->> 0 FROM json_array_elements($1::text::json) AS e) AND {MAY_BE_LOST} AND {FOR_MOMENTS} \
                      ORDER BY s.id FOR NO KEY UPDATE {skip}), \
                     u AS (UPDATE stream AS s SET anchor_at = {to} FROM json_array_elements($1::text::json) AS e JOIN l ON l.id = e ->> 0 \
                      WHERE s.id = l.id AND s.anchor_at IS NOT DISTINCT FROM {from}) \
                     SELECT l.id FROM l"
                ),
                &[serde_json::to_string(chains)?.into(), at.into()],
                Row::text,
            )
        };
        // Of several, those whose streams somebody holds are left.
        let write = |chains: &[Json]| -> Result<Vec<Json>, StoreError> {
            let free = match chains {
                [_] => return moved(chains, "").map(|_| Vec::new()),
                several => moved(several, "SKIP LOCKED")?,
            };
            Ok(chains
                .iter()
                .filter(|chain| !free.iter().any(|id| chain[0] == id.as_str()))
                .cloned()
                .collect())
        };
        write_all(chains.to_vec(), write)?;
        Ok(())
    }

    /// Seals these chains further. Who is overtaken has sealed nothing. A chain to which somebody is writing is waited for when all the
    /// others are done with, by itself.
    fn seal_chains(&self, chains: &[Waiting], now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        if chains.is_empty() {
            return Ok(0);
        }
        let further = seals::further(chains, self.unsealed(chains, limit)?, 0);
        // Whoever goes on writing has a turn at the next sweep.
        write_all(further.iter().collect(), |chains: &[&Further<'_>]| {
            let busy = self.seal_further(chains, now, chains.len() == 1)?;
            Ok(chains.iter().filter(|chain| busy.contains(chain.user)).copied().collect())
        })?;
        Ok(chains.len())
    }

    fn seal_further(
        &self,
        chains: &[&Further<'_>],
        now: Timestamp,
        waits: bool,
    ) -> Result<Vec<UserId>, StoreError> {
        self.query(
            "SELECT u FROM perennial_seal($1::text::jsonb, perennial_now($2::bigint), $3::bigint = 1) AS u",
            &[serde_json::to_string(chains)?.into(), self.now(now), Value::Integer(waits.into())],
            |row| row.text().map(UserId::new),
        )
    }

    /// The entries that come next in these chains: of each its share of the limit. The first of each come before the second of any,
    /// as long as they fit into one answer; one always does.
    fn unsealed(&self, chains: &[Waiting], limit: u32) -> Result<Vec<Entry>, StoreError> {
        let (from, share) = seals::after(chains, limit)?;
        self.query(
            &format!(
                "SELECT {ENTRY} FROM (SELECT user_id, seq, sum(size) OVER ranked AS total, row_number() OVER ranked AS rank \
                 FROM (SELECT a.user_id, a.seq, e.n, a.nth, a.size \
                  FROM json_array_elements($1::text::json) WITH ORDINALITY AS e (doc, n) CROSS JOIN LATERAL ( \
                   SELECT a.user_id, a.seq, a.seq - (e.doc ->> 1)::bigint AS nth, {SIZE} AS size FROM audit AS a \
                   WHERE a.user_id = e.doc ->> 0 AND a.seq > (e.doc ->> 1)::bigint AND a.seq <= (e.doc ->> 1)::bigint + $2::bigint \
                   ORDER BY a.seq LIMIT $2::bigint) AS a) AS next \
                 WINDOW ranked AS (ORDER BY nth, n ROWS UNBOUNDED PRECEDING)) AS p \
                 CROSS JOIN LATERAL (SELECT * FROM audit AS a WHERE a.user_id = p.user_id AND a.seq = p.seq LIMIT 1) AS a \
                 WHERE p.total <= $3::bigint OR p.rank = 1"
            ),
            &[from.into(), share.into(), BYTES.into()],
            entry,
        )
    }
}
