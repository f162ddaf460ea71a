//! Verifying a chain, link by link: the first thing that is wrong, and where.

use perennial_domain::{Timestamp, UserId};
use serde::Serialize;

use crate::{Anchor, Entry, Key, Seal, first_hash};

/// How long an entry may wait to be sealed, in milliseconds: ten minutes. The sweep seals within seconds.
const UNSEALED: i64 = 600_000;

/// How far ahead of the clock an entry may have been made, in milliseconds: a day.
const AHEAD: i64 = 86_400_000;

/// A seal, with its entry where that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The seal.
    pub seal: Seal,
    /// Its entry.
    pub entry: Option<Entry>,
}

/// What is known of a chain beside its links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainState {
    /// How many entries it has been given.
    pub audited: i64,
    /// How many of them are sealed.
    pub sealed: i64,
    /// The hash there; none where its seal is missing.
    pub hash: Option<String>,
    /// Since when an entry waits to be sealed.
    pub waits_since: Option<Timestamp>,
    /// The first entry behind the sealed place.
    pub first_unsealed: Option<i64>,
    /// The last entry that is there.
    pub last_entry: Option<i64>,
    /// The last seal that is there.
    pub last_seal: Option<i64>,
    /// Whether its user was deleted: entries that are sealed go then, seals stay.
    pub erased: bool,
}

/// The kinds of things that can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// An entry is not as it was when it was sealed.
    EntryChanged,
    /// An entry is not there, though its user was not deleted.
    EntryMissing,
    /// An entry is there that the chain knows nothing of.
    EntryUnexpected,
    /// An entry has waited too long to be sealed.
    Unsealed,
    /// A seal is not there.
    SealMissing,
    /// A seal does not follow from the one before it and what it says.
    SealChanged,
    /// A seal stands where another belongs.
    SealReordered,
    /// A seal is there that the chain knows nothing of.
    SealUnexpected,
    /// The chain ends before an anchor.
    Shorter,
    /// The chain has another hash than an anchor says: it was made anew.
    Recomputed,
    /// An anchor was not signed with the key, or not as it is.
    AnchorForged,
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Wrong {
    /// What.
    pub what: What,
    /// Where: the place in the chain.
    pub seq: i64,
    /// In words.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 200)))]
    pub detail: String,
}

impl Wrong {
    fn new(what: What, seq: i64, detail: &str) -> Self {
        Self { what, seq, detail: detail.to_owned() }
    }
}

/// Verifies a chain in pieces: what it carries is the last place and its hash.
#[derive(Debug, Clone)]
pub struct Verifier {
    user: UserId,
    erased: bool,
    seq: i64,
    hash: String,
}

impl Verifier {
    /// Begins with a chain. `erased`: whether its user was deleted.
    pub fn new(user: &UserId, erased: bool) -> Self {
        Self { user: user.clone(), erased, seq: 0, hash: first_hash(user) }
    }

    /// Goes on after a place that was verified, with its hash.
    pub fn after(user: &UserId, erased: bool, seq: i64, hash: String) -> Self {
        Self { user: user.clone(), erased, seq, hash }
    }

    /// Up to where the chain is verified.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// The hash there.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Verifies the next link.
    pub fn check(&mut self, link: &Link) -> Result<(), Wrong> {
        let Link { seal, entry } = link;
        let next = self.seq.saturating_add(1);
        if seal.seq > next {
            return Err(Wrong::new(What::SealMissing, next, "the seal is not there"));
        }
        if seal.seq < next {
            return Err(Wrong::new(What::SealReordered, next, "another seal stands in its place"));
        }
        if seal.hash != seal.expected_hash(&self.user, &self.hash) {
            return Err(Wrong::new(
                What::SealChanged,
                next,
                "the seal does not follow from the one before it",
            ));
        }
        match entry {
            Some(entry) if entry.user != self.user || entry.seq != next || entry.digest() != seal.digest => {
                return Err(Wrong::new(What::EntryChanged, next, "the entry is not as it was sealed"));
            }
            Some(entry) if entry.id != seal.audit_id || entry.at != seal.at => {
                return Err(Wrong::new(What::EntryChanged, next, "the seal is that of another entry"));
            }
            None if !self.erased => {
                return Err(Wrong::new(What::EntryMissing, next, "the entry is not there"));
            }
            Some(_) | None => {}
        }
        self.seq = next;
        self.hash.clone_from(&seal.hash);
        Ok(())
    }

    /// Verifies, after the last link, that the chain ends there, and that nothing waits behind it that should be sealed.
    pub fn end(&self, state: &ChainState, now: Timestamp) -> Result<(), Wrong> {
        let next = self.seq.saturating_add(1);
        if self.seq < state.sealed {
            return Err(Wrong::new(What::SealMissing, next, "the seal is not there"));
        }
        if self.seq > state.sealed {
            let detail = "seals stand behind the last that was made";
            return Err(Wrong::new(What::SealUnexpected, state.sealed.saturating_add(1), detail));
        }
        let waits = state.audited > state.sealed;
        if waits && state.first_unsealed != Some(next) {
            return Err(Wrong::new(What::EntryMissing, next, "the entry is not there, and was never sealed"));
        }
        let last = state.last_entry.unwrap_or_default();
        if last > state.audited {
            return Err(Wrong::new(What::EntryUnexpected, last, "the chain was not given this entry"));
        }
        if last < state.audited && !self.erased {
            return Err(Wrong::new(What::EntryMissing, state.audited, "the last entry is not there"));
        }
        let is_overdue =
            |since: Timestamp| since.plus_millis(UNSEALED) < now || since > now.plus_millis(AHEAD);
        if waits && state.waits_since.is_none_or(is_overdue) {
            return Err(Wrong::new(What::Unsealed, next, "the entry waits to be sealed for too long"));
        }
        Ok(())
    }
}

/// Holds an anchor against a chain: `hash` is what the chain has at the anchor's place, if it is that long.
pub fn check_anchor(anchor: &Anchor, key: &Key, hash: Option<&str>) -> Result<(), Wrong> {
    if !anchor.is_genuine(key) {
        return Err(Wrong::new(What::AnchorForged, anchor.seq, "the anchor is not as it was signed"));
    }
    let first = first_hash(&anchor.user);
    let hash = if anchor.seq == 0 { Some(first.as_str()) } else { hash };
    match hash {
        None => {
            Err(Wrong::new(What::Shorter, anchor.seq, "the chain has ended before the place of an anchor"))
        }
        Some(hash) if hash != anchor.hash => {
            Err(Wrong::new(What::Recomputed, anchor.seq, "the chain has another hash than an anchor says"))
        }
        Some(_) => Ok(()),
    }
}
