//! How chains are sealed further: what is read of them, and what comes of it.

use std::collections::BTreeMap;

use perennial_audit::{Entry, Seal, Sealer, first_hash};
use perennial_domain::{Timestamp, UserId};
use serde::Serialize;
use serde_json::json;

use super::Row;
use crate::{ChainHead, DueAnchors, StoreError};

/// Chains sealed at once.
pub(crate) const CHAINS: u32 = 100;

/// Bytes of entries that are read at once, about.
pub(crate) const BYTES: u32 = 4 << 20;

/// How long a chain waits that cannot be sealed further, as where somebody took an entry away, in milliseconds.
const PAUSE: i64 = 60_000;

/// How long after its first new seal a chain is anchored, in milliseconds: a day.
const ANCHORED_WITHIN: i64 = 86_400_000;

/// A chain that is to be sealed further.
pub(crate) struct Waiting {
    user: UserId,
    sealed: i64,
    /// The hash of its last seal; none where it cannot be sealed further, the next entry or that seal being gone.
    hash: Option<String>,
}

impl Waiting {
    /// Whose it is, up to where it is sealed, the hash there, whether a seal stands where the next belongs, and whether the next entry
    /// is there.
    pub fn read(row: &mut Row) -> Result<Self, StoreError> {
        let (user, sealed) = (UserId::new(row.text()?), row.integer()?);
        let last = row.text_or_null()?;
        let hash = if sealed == 0 { Some(first_hash(&user)) } else { last };
        let (is_taken, has_next) = (row.integer()? != 0, row.integer()? != 0);
        Ok(Self { user, sealed, hash: hash.filter(|_| has_next && !is_taken) })
    }

    /// The seals of the entries that come next, up to the first that is not there.
    fn seals(&self, entries: &[Entry]) -> Vec<Seal> {
        let Some(hash) = self.hash.clone() else { return Vec::new() };
        let mut sealer = Sealer::after(&self.user, self.sealed, hash);
        entries.iter().map_while(|entry| sealer.seal(entry)).collect()
    }
}

/// After which places entries of these chains are to be read, `[[user, sealed]]`, and how many of each.
pub(crate) fn after(chains: &[Waiting], limit: u32) -> Result<(String, i64), StoreError> {
    let from: Vec<_> = chains
        .iter()
        .filter(|chain| chain.hash.is_some())
        .map(|chain| json!([chain.user, chain.sealed]))
        .collect();
    let share = i64::from(limit).checked_div(i64::try_from(from.len()).unwrap_or(1)).unwrap_or(1).max(1);
    Ok((serde_json::to_string(&from)?, share))
}

/// How a chain is sealed further.
#[derive(Serialize)]
pub(crate) struct Further<'a> {
    pub user: &'a UserId,
    from: i64,
    again: i64,
    broken: bool,
    anchor: i64,
    seals: Vec<Seal>,
}

/// How these chains are sealed further by the entries that were read of them; times are after `now`.
pub(crate) fn further(chains: &[Waiting], entries: Vec<Entry>, now: i64) -> Vec<Further<'_>> {
    let mut read: BTreeMap<UserId, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        read.entry(entry.user.clone()).or_default().push(entry);
    }
    read.values_mut().for_each(|entries| entries.sort_by_key(|entry| entry.seq));
    chains
        .iter()
        .map(|chain| {
            let entries = read.remove(&chain.user);
            let seals = chain.seals(entries.as_deref().unwrap_or_default());
            // One whose turn did not come, because the others filled the answer, stands before those that had theirs.
            let is_next = seals.is_empty() && chain.hash.is_some() && entries.is_none();
            let broken = seals.is_empty() && !is_next;
            let pause = if broken { PAUSE } else { i64::from(is_next).saturating_neg() };
            Further {
                user: &chain.user,
                from: chain.sealed,
                again: now.saturating_add(pause),
                broken,
                anchor: now.saturating_add(ANCHORED_WITHIN),
                seals,
            }
        })
        .collect()
}

/// A chain that is to be anchored: whose it is, up to where it is sealed, when it was to be, and the hash there.
pub(crate) type Due = (UserId, i64, Timestamp, Option<String>);

pub(crate) fn due(row: &mut Row) -> Result<Due, StoreError> {
    Ok((UserId::new(row.text()?), row.integer()?, row.instant()?, row.text_or_null()?))
}

/// Those that can be, and those whose last seal is not there.
pub(crate) fn anchors(due: Vec<Due>) -> DueAnchors {
    let mut found = DueAnchors::default();
    for (user, seq, due_at, hash) in due {
        match hash {
            Some(hash) => found.heads.push(ChainHead { user, seq, hash, due_at }),
            None => found.broken.push((user, due_at)),
        }
    }
    found
}

/// Chains that were anchored: `[[user, place, when they were to be]]`.
pub(crate) fn heads(heads: &[ChainHead]) -> Vec<serde_json::Value> {
    heads.iter().map(|head| json!([head.user, head.seq, head.due_at])).collect()
}
