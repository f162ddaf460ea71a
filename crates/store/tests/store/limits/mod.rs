//! How often a token may write and how much a user may have: both are found out in the statement that writes.

mod quota;
mod rate;

use perennial_domain::*;
use perennial_fixture::{Fixture, Recorded, WEEKLY};
use perennial_store::{Outcome, Store, StoreError};

/// A commit that makes a task.
fn create(fixture: &mut Fixture, user: &UserId) -> Commit {
    create_task(&mut fixture.context(user), &serde_json::from_str(WEEKLY).unwrap()).unwrap().0
}

/// The name of the rule that a commit is against, or none.
fn refused(applied: Result<Outcome, StoreError>) -> Option<String> {
    match applied {
        Ok(Outcome::Applied(_) | Outcome::Counted(..)) => None,
        Err(StoreError::Forbidden(refusal)) => Some(refusal.what),
        other => panic!("{other:?}"),
    }
}

fn commit(fixture: &Fixture, commit: &Commit) -> Option<String> {
    refused(fixture.store.commit(commit))
}

/// The statement that a commit like this one is written by.
fn statement_for(fixture: &mut Fixture, like: &Commit) -> String {
    let recorded = Recorded::default();
    let store = fixture.watched(&recorded);
    let one = create(fixture, &like.user);
    store.commit(&Commit { quota: like.quota, rate: like.rate.clone(), ..one }).unwrap();
    recorded.last_with("INSERT INTO").0
}
