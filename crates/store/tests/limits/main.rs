//! How often a token may write and how much a user may have: both are found out in the statement that writes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod quota;
mod rate;

use std::cell::RefCell;

use perennial_domain::*;
use perennial_fixture::{Fixture, WEEKLY};
use perennial_store::sqlite::{Durability, NativeSql, Sql, SqlError, Sqlite, Value};
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

/// Keeps the last statement that a store issues.
struct Last(NativeSql, RefCell<String>);

impl Sql for &Last {
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, SqlError> {
        self.1.replace(statement.to_owned());
        self.0.execute(statement, parameters)
    }
}

/// The statement that a commit like this one is written by.
fn statement_for(fixture: &mut Fixture, like: &Commit) -> String {
    let last = Last(NativeSql::open(&fixture.path()).unwrap(), RefCell::default());
    let store = Sqlite::open(&last, Durability::Normal).unwrap();
    let one = create(fixture, &like.user);
    store.commit(&Commit { quota: like.quota, rate: like.rate.clone(), ..one }).unwrap();
    last.1.take()
}
