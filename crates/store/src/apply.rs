//! Commits and what applying them comes to.

use perennial_domain::Commit;
use serde::Deserialize;

use crate::{IdempotentAnswer, OwnLease, Store, StoreError};

/// What becomes of a set of commits of which one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// None of them is applied; the error names the one.
    All,
    /// The others are applied.
    Each,
}

/// How to apply a set of commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apply {
    /// What becomes of the set when one is refused.
    pub mode: Mode,
    /// Milliseconds for which a commit that finds nothing waiting in its stream takes the relay's lease; 0: not at all.
    pub relay_for: i64,
}

/// How often a token has written in the window that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct RateCount {
    /// Commits that were applied in it, this one among them.
    pub count: i64,
    /// Milliseconds until the next window may begin.
    pub left: i64,
}

/// What became of one commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is applied, and has taken the relay's lease where it asked for it and nothing else waits.
    Applied(Option<OwnLease>),
    /// The same of one that is counted for its token, with how often that has written.
    Counted(RateCount, Option<OwnLease>),
    /// Its idempotency key was used before: this was the answer. Nothing is applied.
    Answered(IdempotentAnswer),
    /// What it was decided upon has changed, or its effect has happened ([`Mode::Each`] only). Nothing is applied.
    Refused,
    /// Its statement failed, for this reason, though it was alone in it ([`Mode::Each`] only). Nothing is applied.
    Failed(String),
    /// The store went out of reach after others of the set were applied ([`Mode::Each`] only): whether this one is applied is not known.
    Lost(String),
    /// Its user was writing for as long as that was waited for ([`Mode::Each`] without the relay's lease only). Nothing is applied; the same
    /// may work in a moment.
    Busy,
}

impl Outcome {
    /// What became of it, apart from how often its token has written.
    pub fn counted(self) -> (Option<RateCount>, Self) {
        match self {
            Self::Counted(count, own) => (Some(count), Self::Applied(own)),
            other => (None, other),
        }
    }
}

/// Applies each commit that can be applied. One that makes the whole statement fail is found by halving, so that it spoils no
/// other; where the store itself is out of reach, that is the answer.
pub fn apply_each<S: Store>(store: &S, commits: &[Commit]) -> Result<Vec<Outcome>, StoreError> {
    apply_each_for(store, commits, 0)
}

/// The same of commits that may take the relay's lease for so many milliseconds.
pub fn apply_each_for<S: Store>(
    store: &S,
    commits: &[Commit],
    relay_for: i64,
) -> Result<Vec<Outcome>, StoreError> {
    let how = Apply { mode: Mode::Each, relay_for };
    match store.apply(commits, how) {
        Ok(outcomes) => Ok(outcomes),
        Err(StoreError::Busy(_)) if relay_for == 0 => Ok(vec![Outcome::Busy; commits.len()]),
        Err(error @ (StoreError::Unavailable(_) | StoreError::Busy(_) | StoreError::Schema { .. })) => {
            Err(error)
        }
        Err(error) if commits.len() <= 1 => Ok(vec![Outcome::Failed(error.to_string()); commits.len()]),
        Err(_) => {
            let (left, right) = commits.split_at(commits.len() / 2);
            let mut outcomes = apply_each_for(store, left, relay_for)?;
            outcomes.extend(apply_each_for(store, right, relay_for)?);
            Ok(outcomes)
        }
    }
}
