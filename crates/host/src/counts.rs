//! What guests cost: how many were started, what they asked of a database, how often they waited for the disk.

use std::iter::Sum;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the guests of one component have cost since the host started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Guests started.
    pub guests: u64,
    /// Calls of `spin:sqlite` `execute`, pragmas and `BEGIN` among them, and of `spin:postgres` `query` and `execute`.
    pub statements: u64,
    /// Commits that wrote pages at `synchronous` FULL or EXTRA: each waited for the disk.
    pub synced_commits: u64,
    /// Commits that wrote pages at `synchronous` NORMAL or OFF.
    pub unsynced_commits: u64,
}

impl Counts {
    /// What has been added since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            guests: self.guests.saturating_sub(earlier.guests),
            statements: self.statements.saturating_sub(earlier.statements),
            synced_commits: self.synced_commits.saturating_sub(earlier.synced_commits),
            unsynced_commits: self.unsynced_commits.saturating_sub(earlier.unsynced_commits),
        }
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, one| Self {
            guests: sum.guests.saturating_add(one.guests),
            statements: sum.statements.saturating_add(one.statements),
            synced_commits: sum.synced_commits.saturating_add(one.synced_commits),
            unsynced_commits: sum.unsynced_commits.saturating_add(one.unsynced_commits),
        })
    }
}

/// A commit that wrote something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    /// It waited for the disk.
    Synced,
    /// A power cut may take it back.
    Unsynced,
}

/// The running counts of one component.
#[derive(Default)]
pub(crate) struct Counters {
    guests: AtomicU64,
    statements: AtomicU64,
    synced_commits: AtomicU64,
    unsynced_commits: AtomicU64,
}

impl Counters {
    pub fn guest(&self) {
        self.guests.fetch_add(1, Ordering::Relaxed);
    }

    pub fn statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub fn commit(&self, commit: Commit) {
        let counter = match commit {
            Commit::Synced => &self.synced_commits,
            Commit::Unsynced => &self.unsynced_commits,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn read(&self) -> Counts {
        Counts {
            guests: self.guests.load(Ordering::Relaxed),
            statements: self.statements.load(Ordering::Relaxed),
            synced_commits: self.synced_commits.load(Ordering::Relaxed),
            unsynced_commits: self.unsynced_commits.load(Ordering::Relaxed),
        }
    }
}
