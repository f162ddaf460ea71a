//! Sealing the audit's chains, and having them anchored (schema/0006_audit.sql).

use std::collections::BTreeMap;

use perennial_audit::{Entry, Seal, Sealer, first_hash};
use perennial_domain::{Timestamp, UserId};
use serde::Serialize;
use serde_json::json;

use crate::sqlite::audit::{ENTRY, SIZE, entry};
use crate::sqlite::row::Row;
use crate::sqlite::{Sql, Sqlite, Sync};
use crate::{ChainHead, DueAnchors, SealStore, StoreError};

/// Chains sealed at once.
const CHAINS: u32 = 100;

/// Bytes of entries that are read at once, about.
const BYTES: u32 = 4 << 20;

/// How long a chain waits that cannot be sealed further, as where somebody took an entry away, in milliseconds.
const PAUSE: i64 = 60_000;

/// How long after its first new seal a chain is anchored, in milliseconds: a day.
const ANCHORED_WITHIN: i64 = 86_400_000;

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

/// A chain that is to be sealed further.
struct Waiting {
    user: UserId,
    sealed: i64,
    /// The hash of its last seal; none where it cannot be sealed further, the next entry or that seal being gone.
    hash: Option<String>,
}

/// How a chain is sealed further.
#[derive(Serialize)]
struct Further<'a> {
    user: &'a UserId,
    from: i64,
    again: i64,
    broken: bool,
    anchor: i64,
    seals: Vec<Seal>,
}

impl<S: Sql> SealStore for Sqlite<S> {
    fn seal(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let chains = self.query(
            &format!(
                "SELECT {WAITING} FROM (SELECT id, sealed FROM stream INDEXED BY stream_unsealed WHERE seal_at IS NOT NULL \
                 AND (seal_at <= ?1 OR seal_at > ?1 + 120000) ORDER BY seal_at LIMIT ?2) AS s"
            ),
            &[now.into(), CHAINS.min(limit).into()],
            waiting,
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
            waiting,
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
            |row| {
                let (user, seq, due_at) = (UserId::new(row.text()?), row.integer()?, row.instant()?);
                Ok((user, seq, due_at, row.text_or_null()?))
            },
        )?;
        let mut found = DueAnchors::default();
        for (user, seq, due_at, hash) in due {
            match hash {
                Some(hash) => found.heads.push(ChainHead { user, seq, hash, due_at }),
                None => found.broken.push((user, due_at)),
            }
        }
        Ok(found)
    }

    fn anchored(&self, heads: &[ChainHead], again: Timestamp) -> Result<(), StoreError> {
        if heads.is_empty() {
            return Ok(());
        }
        let heads: Vec<_> = heads.iter().map(|head| json!([head.user, head.seq, head.due_at])).collect();
        self.sync(Sync::Normal)?;
        self.execute(
            "UPDATE stream SET anchor_at = CASE WHEN sealed > e.value ->> 1 THEN ?2 END \
             FROM json_each(?1) AS e WHERE stream.id = e.value ->> 0 AND stream.anchor_at = e.value ->> 2",
            &[serde_json::to_string(&heads)?.into(), again.into()],
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
        let mut entries = self.unsealed(chains, limit)?;
        let further: Vec<Further<'_>> = chains
            .iter()
            .map(|chain| {
                let entries = entries.remove(&chain.user);
                let seals = chain.seals(entries.as_deref().unwrap_or_default());
                // One whose turn did not come, because the others filled the answer, stands before those that had theirs.
                let is_next = seals.is_empty() && chain.hash.is_some() && entries.is_none();
                let broken = seals.is_empty() && !is_next;
                let pause = if broken { PAUSE } else { i64::from(is_next).saturating_neg() };
                Further {
                    user: &chain.user,
                    from: chain.sealed,
                    again: now.plus_millis(pause).as_millis(),
                    broken,
                    anchor: now.plus_millis(ANCHORED_WITHIN).as_millis(),
                    seals,
                }
            })
            .collect();
        self.sync(Sync::Normal)?;
        self.execute(
            "INSERT INTO seal_v6 (doc) SELECT value FROM json_each(?1)",
            &[serde_json::to_string(&further)?.into()],
        )?;
        Ok(chains.len())
    }

    /// The entries that come next in these chains: of each its share of the limit. The first of each come before the second of any,
    /// as long as they fit into one answer; one always does.
    fn unsealed(&self, chains: &[Waiting], limit: u32) -> Result<BTreeMap<UserId, Vec<Entry>>, StoreError> {
        let from: Vec<_> = chains
            .iter()
            .filter(|chain| chain.hash.is_some())
            .map(|chain| json!([chain.user, chain.sealed]))
            .collect();
        let share = i64::from(limit).checked_div(i64::try_from(from.len()).unwrap_or(1)).unwrap_or(1).max(1);
        let entries = self.query(
            &format!(
                "SELECT {ENTRY} FROM (SELECT place, nth, sum(size) OVER ranked AS total, row_number() OVER ranked AS rank \
                 FROM (SELECT a.place, e.key, a.seq - (e.value ->> 1) AS nth, {SIZE} AS size \
                 FROM json_each(?1) AS e CROSS JOIN audit_v4 AS a ON a.user_id = e.value ->> 0 \
                 AND a.seq > e.value ->> 1 AND a.seq <= (e.value ->> 1) + ?2) \
                 WINDOW ranked AS (ORDER BY nth, key ROWS UNBOUNDED PRECEDING)) AS p \
                 CROSS JOIN audit_v4 AS a ON a.place = p.place WHERE p.total <= ?3 OR p.rank = 1"
            ),
            &[serde_json::to_string(&from)?.into(), share.into(), BYTES.into()],
            entry,
        )?;
        let mut all: BTreeMap<UserId, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            all.entry(entry.user.clone()).or_default().push(entry);
        }
        all.values_mut().for_each(|entries| entries.sort_by_key(|entry| entry.seq));
        Ok(all)
    }
}

impl Waiting {
    /// The seals of the entries that come next, up to the first that is not there.
    fn seals(&self, entries: &[Entry]) -> Vec<Seal> {
        let Some(hash) = self.hash.clone() else { return Vec::new() };
        let mut sealer = Sealer::after(&self.user, self.sealed, hash);
        entries.iter().map_while(|entry| sealer.seal(entry)).collect()
    }
}

fn waiting(row: &mut Row) -> Result<Waiting, StoreError> {
    let (user, sealed) = (UserId::new(row.text()?), row.integer()?);
    let last = row.text_or_null()?;
    let hash = if sealed == 0 { Some(first_hash(&user)) } else { last };
    let (is_taken, has_next) = (row.integer()? != 0, row.integer()? != 0);
    Ok(Waiting { user, sealed, hash: hash.filter(|_| has_next && !is_taken) })
}
