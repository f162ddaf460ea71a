//! Sealing the audit's chains, and having them anchored (schema/0006_audit.sql).

use perennial_audit::Entry;
use perennial_domain::{Timestamp, UserId};

use crate::rows::audit::entry;
use crate::rows::seals::{self, BYTES, CHAINS, Waiting};
use crate::sqlite::audit::{ENTRY, SIZE};
use crate::sqlite::{Sql, Sqlite, Sync};
use crate::{ChainHead, DueAnchors, SealStore, StoreError};

/// Whether a chain is to be sealed at `?1`. One that lies further ahead than any waits was put there by a clock that was wrong.
pub(super) const LOOK: &str = "(EXISTS (SELECT 1 FROM stream WHERE seal_at <= ?1) \
     OR EXISTS (SELECT 1 FROM stream WHERE seal_at > ?1 + 120000))";

/// Whether one is to be anchored at `?1`, likewise.
pub(super) const LOOK_ANCHORS: &str = "(EXISTS (SELECT 1 FROM stream WHERE anchor_at <= ?1) \
     OR EXISTS (SELECT 1 FROM stream WHERE anchor_at > ?1 + 86520000))";

/// What is told of a chain `s` that waits: whose it is, up to where it is sealed, the hash there, whether a seal stands where the
/// next belongs, and whether the next entry is there.
const WAITING: &str = "s.id, s.sealed, (SELECT hash FROM seal WHERE user_id = s.id AND seq = s.sealed), \
     EXISTS (SELECT 1 FROM seal WHERE user_id = s.id AND seq > s.sealed), \
     EXISTS (SELECT 1 FROM audit_v4 WHERE user_id = s.id AND seq = s.sealed + 1)";

/// When the oldest entry was made that waits to be sealed, or the first behind one that is gone: of the hundred chains that are sealed
/// next, and of the hundred that could not be most often.
pub(super) const UNSEALED_SINCE: &str = "(SELECT min((SELECT a.at FROM audit_v4 AS a WHERE a.user_id = s.id AND a.seq > s.sealed \
     ORDER BY a.seq LIMIT 1)) FROM ( \
      SELECT * FROM (SELECT id, sealed FROM stream INDEXED BY stream_unsealed WHERE seal_at IS NOT NULL ORDER BY seal_at LIMIT 100) \
      UNION ALL \
      SELECT * FROM (SELECT id, sealed FROM stream INDEXED BY stream_broken WHERE seal_tries > 0 ORDER BY seal_tries DESC LIMIT 100)) AS s)";

impl<S: Sql> SealStore for Sqlite<S> {
    fn seal(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let chains = self.query(
            &format!(
                "SELECT {WAITING} FROM (SELECT id, sealed FROM stream INDEXED BY stream_unsealed WHERE seal_at IS NOT NULL \
                 AND (seal_at <= ?1 OR seal_at > ?1 + 120000) ORDER BY seal_at LIMIT ?2) AS s"
            ),
            &[now.into(), CHAINS.min(limit).into()],
            Waiting::read,
        )?;
        self.seal_chains(&chains, now, limit)
    }

    fn seal_of(&self, users: &[UserId], now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let chains = self.query(
            &format!(
                "SELECT {WAITING} FROM (SELECT value FROM json_each(?1) LIMIT ?2) AS e CROSS JOIN stream AS s ON s.id = e.value \
                 WHERE s.seal_at IS NOT NULL"
            ),
            &[serde_json::to_string(users)?.into(), CHAINS.min(limit).into()],
            Waiting::read,
        )?;
        self.seal_chains(&chains, now, limit)
    }

    fn oldest_unsealed(&self, now: Timestamp) -> Result<Option<i64>, StoreError> {
        let oldest = self.query_one(&format!("SELECT {UNSEALED_SINCE}"), &[], |row| row.integer_or_null())?;
        Ok(oldest.flatten().map(|at| now.as_millis().saturating_sub(at).max(0)))
    }

    fn due_anchors(&self, now: Timestamp, limit: u32) -> Result<DueAnchors, StoreError> {
        let due = self.query(
            "SELECT s.id, s.sealed, s.anchor_at, (SELECT hash FROM seal WHERE user_id = s.id AND seq = s.sealed) FROM ( \
             SELECT id, sealed, anchor_at FROM stream INDEXED BY stream_unanchored WHERE anchor_at IS NOT NULL \
             AND (anchor_at <= ?1 OR anchor_at > ?1 + 86520000) ORDER BY anchor_at LIMIT ?2) AS s",
            &[now.into(), limit.into()],
            seals::due,
        )?;
        Ok(seals::anchors(due))
    }

    fn anchored(&self, heads: &[ChainHead], again: Timestamp) -> Result<(), StoreError> {
        if heads.is_empty() {
            return Ok(());
        }
        self.sync(Sync::Normal)?;
        self.execute(
            "UPDATE stream SET anchor_at = CASE WHEN sealed > e.value ->> 1 THEN ?2 END \
             FROM json_each(?1) AS e WHERE stream.id = e.value ->> 0 AND stream.anchor_at = e.value ->> 2",
            &[serde_json::to_string(&seals::heads(heads))?.into(), again.into()],
        )?;
        Ok(())
    }

    fn put_off_anchors(&self, chains: &[(UserId, Timestamp)], until: Timestamp) -> Result<(), StoreError> {
        if chains.is_empty() {
            return Ok(());
        }
        self.sync(Sync::Normal)?;
        self.execute(
            "UPDATE stream SET anchor_at = ?2 \
             FROM json_each(?1) AS e WHERE stream.id = e.value ->> 0 AND stream.anchor_at = e.value ->> 1",
            &[serde_json::to_string(chains)?.into(), until.into()],
        )?;
        Ok(())
    }
}

impl<S: Sql> Sqlite<S> {
    /// Seals these chains further. Who is overtaken has sealed nothing.
    fn seal_chains(&self, chains: &[Waiting], now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        if chains.is_empty() {
            return Ok(0);
        }
        let further = seals::further(chains, self.unsealed(chains, limit)?, now.as_millis());
        self.sync(Sync::Normal)?;
        self.execute(
            "INSERT INTO seal_v6 (doc) SELECT value FROM json_each(?1)",
            &[serde_json::to_string(&further)?.into()],
        )?;
        Ok(chains.len())
    }

    /// The entries that come next in these chains: of each its share of the limit. The first of each come before the second of any,
    /// as long as they fit into one answer; one always does.
    fn unsealed(&self, chains: &[Waiting], limit: u32) -> Result<Vec<Entry>, StoreError> {
        let (from, share) = seals::after(chains, limit)?;
        self.query(
            &format!(
                "SELECT {ENTRY} FROM (SELECT place, nth, sum(size) OVER ranked AS total, row_number() OVER ranked AS rank \
                 FROM (SELECT a.place, e.key, a.seq - (e.value ->> 1) AS nth, {SIZE} AS size \
                 FROM json_each(?1) AS e CROSS JOIN audit_v4 AS a ON a.user_id = e.value ->> 0 \
                 AND a.seq > e.value ->> 1 AND a.seq <= (e.value ->> 1) + ?2) \
                 WINDOW ranked AS (ORDER BY nth, key ROWS UNBOUNDED PRECEDING)) AS p \
                 CROSS JOIN audit_v4 AS a ON a.place = p.place WHERE p.total <= ?3 OR p.rank = 1"
            ),
            &[from.into(), share.into(), BYTES.into()],
            entry,
        )
    }
}
