//! An entry, and the digest of all that it says.

use perennial_domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::encode::hashed;

/// What makes this digest one of an entry.
const TAG: &str = "perennial audit entry 1";

/// An audit entry, as it is stored: who did what, and what was there before and after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose chain it is in.
    #[serde(rename = "user")]
    pub user: UserId,
    /// Its place in the chain, from 1 on.
    pub seq: i64,
    /// Random: without it nobody can tell from the digest what the entry said.
    pub salt: String,
    /// 1 where the user is told of it as a change, else 0.
    pub told: i64,
    /// That of its commit; the change id.
    pub id: String,
    /// When it was decided, in milliseconds since the epoch.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// The request that it came in.
    pub correlation_id: String,
    /// Version of the zone data that it was decided with.
    pub tzdata: String,
    /// What was there before, as JSON text.
    pub before: Option<String>,
    /// What was there after it, as JSON text.
    pub after: Option<String>,
    /// The change of the same thing before it.
    pub previous: Option<String>,
}

impl Entry {
    /// The digest over the salt and everything that the entry says, in hexadecimal digits.
    pub fn digest(&self) -> String {
        let (seq, told) = (self.seq.to_string(), self.told.to_string());
        let at = self.at.as_millis().to_string();
        hashed(&[
            Some(TAG),
            Some(&self.salt),
            Some(self.user.as_str()),
            Some(&seq),
            Some(&told),
            Some(&self.id),
            Some(&at),
            Some(&self.actor),
            Some(&self.action),
            Some(&self.subject),
            Some(&self.correlation_id),
            Some(&self.tzdata),
            self.before.as_deref(),
            self.after.as_deref(),
            self.previous.as_deref(),
        ])
    }
}
