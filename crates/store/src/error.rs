//! What can go wrong between a commit and the store.

use thiserror::Error;

/// An error of the store. Nothing of the write that met it was applied.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Something the commit was decided upon has changed since: read again and decide again.
    #[error("the {0} has changed since it was read")]
    Changed(String),
    /// What the commit makes exists already: its effect has happened.
    #[error("exists already: {0}")]
    Duplicate(String),
    /// The event whose effect this is was applied before.
    #[error("the event was applied before")]
    AlreadyApplied,
    /// The idempotency key was used before: the stored answer is the answer.
    #[error("the idempotency key was used before")]
    AnsweredBefore,
    /// The database is of another version than this build.
    #[error("the database has schema version {found}, this build needs {needed}")]
    Schema {
        /// Version found.
        found: i64,
        /// Version needed.
        needed: i64,
    },
    /// The database did not answer in time, or refused.
    #[error("the database failed: {0}")]
    Database(String),
    /// A row does not hold what it should.
    #[error("unreadable row: {0}")]
    Corrupt(String),
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}
