//! Seals: each binds the digest of an entry to everything before it.

use perennial_domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::Entry;
use crate::encode::hashed;

/// What makes a hash that of an empty chain.
const FIRST: &str = "perennial audit chain 1";

/// What makes a hash that of a seal.
const NEXT: &str = "perennial audit seal 1";

/// The seal of one entry. It stays when the entry is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The place of the entry in its chain.
    pub seq: i64,
    /// The id of the entry.
    #[serde(rename = "id")]
    pub audit_id: String,
    /// When it was decided.
    pub at: Timestamp,
    /// The entry's digest.
    pub digest: String,
    /// What binds it to everything before it.
    pub hash: String,
}

/// The hash of a chain in which nothing is sealed.
pub fn first_hash(user: &UserId) -> String {
    hashed(&[Some(FIRST), Some(user.as_str())])
}

impl Seal {
    /// The hash that this seal has after the hash before it.
    pub(crate) fn expected_hash(&self, user: &UserId, before: &str) -> String {
        let (seq, at) = (self.seq.to_string(), self.at.as_millis().to_string());
        hashed(&[
            Some(NEXT),
            Some(before),
            Some(user.as_str()),
            Some(&seq),
            Some(&self.audit_id),
            Some(&at),
            Some(&self.digest),
        ])
    }
}

/// Seals a chain further, entry by entry.
#[derive(Debug, Clone)]
pub struct Sealer {
    user: UserId,
    seq: i64,
    hash: String,
}

impl Sealer {
    /// Goes on after a place and its hash.
    pub fn after(user: &UserId, seq: i64, hash: String) -> Self {
        Self { user: user.clone(), seq, hash }
    }

    /// The seal of the next entry; `None` for one that does not come next.
    pub fn seal(&mut self, entry: &Entry) -> Option<Seal> {
        if entry.user != self.user || Some(entry.seq) != self.seq.checked_add(1) {
            return None;
        }
        let mut seal = Seal {
            seq: entry.seq,
            audit_id: entry.id.clone(),
            at: entry.at,
            digest: entry.digest(),
            hash: String::new(),
        };
        seal.hash = seal.expected_hash(&self.user, &self.hash);
        self.seq = seal.seq;
        self.hash.clone_from(&seal.hash);
        Some(seal)
    }
}
