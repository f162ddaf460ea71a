//! What can go wrong between a commit and the store.

use std::fmt;

use thiserror::Error;

/// An error of the store. Nothing of the write that met it was applied, but for [`StoreError::Unavailable`], where that is not known.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Something the commit was decided upon has changed since: read again and decide again.
    #[error("{0} has changed since it was read")]
    Changed(Refusal),
    /// What the commit makes exists already: its effect has happened.
    #[error("{0} exists already")]
    Duplicate(Refusal),
    /// The commit does what must not be, whoever asks and however often: what names the rule.
    #[error("{0} is against a rule")]
    Forbidden(Refusal),
    /// The event whose effect this is was applied before.
    #[error("the event was applied before")]
    AlreadyApplied,
    /// The database is of another version than this build can work with.
    #[error("the database has schema version {found}, this build needs {needed}")]
    Schema {
        /// Version found.
        found: i64,
        /// Version needed.
        needed: i64,
    },
    /// The database is out of reach: locked by others for too long, out of space, its file cannot be read or written, or the connection was
    /// lost, perhaps after the statement was carried out. Trying again with less helps as little.
    #[error("the database is out of reach: {0}")]
    Unavailable(String),
    /// Somebody else was at it for as long as it was waited for. Nothing of the statement was done.
    #[error("others are at it: {0}")]
    Busy(String),
    /// The database refused the statement.
    #[error("the database failed: {0}")]
    Database(String),
    /// A row does not hold what it should.
    #[error("unreadable row: {0}")]
    Corrupt(String),
}

/// What a commit was refused for, and which of the set it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of row.
    pub what: String,
    /// The commit's place in the set.
    pub index: usize,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of commit {}", self.what, self.index)
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}
