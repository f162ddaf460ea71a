//! Writes that are only rehearsed: every guard of the store is asked, and nothing is left of them.
//!
//! What is rehearsed goes to the store in a set that is applied whole or not at all, with a commit behind it that can never be applied. If
//! that one is what the store refuses, all before it would have been applied.

use perennial_domain::{Commit, note_never};
use perennial_http_api::{Caller, Request};
use perennial_store::{Apply, Mode, Outcome, Store, StoreError, SystemStore, apply_each_for};

use crate::Api;

impl<S: Store + SystemStore> Api<'_, S> {
    /// Applies a set of commits, or finds out what would become of it.
    pub(crate) fn apply(
        &mut self,
        (caller, request): (&Caller, &Request),
        commits: &[Commit],
        how: Apply,
    ) -> Result<Vec<Outcome>, StoreError> {
        if !self.dry_run {
            return self.store.apply(commits, how);
        }
        let mut set: Vec<Commit> = commits.iter().cloned().map(without_answer).collect();
        set.push(note_never(&mut self.context(caller, request, caller.user.zone)));
        match self.store.apply(&set, Apply { mode: Mode::All, relay_for: 0 }) {
            Err(StoreError::Changed(refusal)) if refusal.index == commits.len() => {
                Ok(vec![Outcome::Applied(None); commits.len()])
            }
            Err(error) => Err(error),
            Ok(_) => Err(StoreError::Corrupt("what can never be applied was applied".to_owned())),
        }
    }

    /// The same of commits each of which is applied if it can be.
    pub(crate) fn apply_each(
        &mut self,
        by: (&Caller, &Request),
        commits: &[Commit],
        relay_for: i64,
    ) -> Result<Vec<Outcome>, StoreError> {
        if !self.dry_run {
            return apply_each_for(self.store, commits, relay_for);
        }
        let mut outcomes = Vec::with_capacity(commits.len());
        for commit in commits {
            let alone = self.apply(by, std::slice::from_ref(commit), Apply { mode: Mode::All, relay_for });
            outcomes.push(match alone.map(|mut outcomes| outcomes.pop()) {
                Ok(Some(outcome)) => outcome,
                Ok(None)
                | Err(StoreError::Changed(_) | StoreError::Duplicate(_) | StoreError::Forbidden(_)) => {
                    Outcome::Refused
                }
                Err(error) => return Err(error),
            });
        }
        Ok(outcomes)
    }
}

/// A rehearsal is no answer to anything: it is kept under no key, and an answer that is kept is none to it.
fn without_answer(mut commit: Commit) -> Commit {
    commit.idempotency = None;
    commit.expect.answer = None;
    commit
}
