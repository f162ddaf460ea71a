//! The audit: entries, the chains they are sealed into, and their anchors.

use std::collections::BTreeMap;

use perennial_audit::{ChainState, Entry, Link, Seal};
use perennial_domain::{Timestamp, UserId};

use crate::StoreError;

/// Which entries of a user are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audited {
    /// Only those of this task or project.
    pub subject: Option<String>,
    /// Only those from this instant on.
    pub from: Option<Timestamp>,
    /// Only those before this instant.
    pub until: Option<Timestamp>,
}

/// A place in a list of entries, the newest first: the last entry that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPlace {
    /// The id of it; of the entries of one subject, of the last that the user was told of (`""`: of none yet).
    pub id: String,
    /// Its place in the chain.
    pub seq: i64,
}

/// Entries of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditPage {
    /// The entries, the newest first, with their seals.
    pub entries: Vec<(Entry, Option<Seal>)>,
    /// Where it goes on; none at the end.
    pub next: Option<AuditPlace>,
}

/// The sealed end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    /// Whose it is.
    pub user: UserId,
    /// Up to where it is sealed.
    pub seq: i64,
    /// The hash there.
    pub hash: String,
    /// When it was to be anchored.
    pub due_at: Timestamp,
}

/// Chains that are to be anchored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueAnchors {
    /// Their sealed ends.
    pub heads: Vec<ChainHead>,
    /// Those whose last seal is not there, with when they were to be anchored.
    pub broken: Vec<(UserId, Timestamp)>,
}

/// What is read of a user's audit: each statement carries the user's id.
pub trait AuditStore {
    /// Entries after a place, the newest first: up to `limit`, and fewer where they are large or far between.
    fn audited(
        &self,
        user: &UserId,
        asked: &Audited,
        after: Option<&AuditPlace>,
        limit: usize,
    ) -> Result<AuditPage, StoreError>;
    /// The entries by which a task was as it was at a time, the newest first: the last that was told of the task itself, and the last
    /// `limit` of its occurrences. Says besides whether these are all, and the log was read to its beginning.
    fn audited_at(
        &self,
        user: &UserId,
        task: &str,
        at: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), StoreError>;
    /// What is known of the user's chain.
    fn chain(&self, user: &UserId) -> Result<ChainState, StoreError>;
    /// Links of the chain after a place, in order: up to `limit`, and fewer where their entries have `bytes` bytes, but one at least
    /// where there is any.
    fn links(&self, user: &UserId, after: i64, limit: u32, bytes: u32) -> Result<Vec<Link>, StoreError>;
    /// The hashes of the chain at some places, where it has them.
    fn hashes(&self, user: &UserId, places: &[i64]) -> Result<BTreeMap<i64, String>, StoreError>;
}

/// Sealing and anchoring, across users.
pub trait SealStore {
    /// Seals about `limit` entries, of the chains that have waited longest, each its share. Says of how many chains there was
    /// something to seal. A power cut only has it done again.
    fn seal(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;
    /// The same of the chains of these users.
    fn seal_of(&self, users: &[UserId], now: Timestamp, limit: u32) -> Result<usize, StoreError>;
    /// For how many milliseconds the oldest entry has waited to be sealed: of the hundred chains that are sealed next, and
    /// of the hundred that could not be most often.
    fn oldest_unsealed(&self, now: Timestamp) -> Result<Option<i64>, StoreError>;
    /// Chains that are to be anchored by now, those that have waited longest, at most so many.
    fn due_anchors(&self, now: Timestamp, limit: u32) -> Result<DueAnchors, StoreError>;
    /// Notes that chains were anchored: one that has grown since is due again at a time, others once they grow.
    fn anchored(&self, heads: &[ChainHead], again: Timestamp) -> Result<(), StoreError>;
    /// Puts chains off that were to be anchored.
    fn put_off_anchors(&self, chains: &[(UserId, Timestamp)], until: Timestamp) -> Result<(), StoreError>;
}
