//! Tasks past the API, many in one write: a million of them would take an hour over HTTP.
//!
//! This is the one place that calls the store's own write.

use std::path::Path;

use perennial_domain::{Actor, Commit, Context, Ids, TaskInput, Timestamp, UserId, create_task};
use perennial_recurrence::Zone;
use perennial_store::sqlite::{Durability, NativeSql, Sqlite};
use perennial_store::{Apply, Mode, Store};
use serde_json::Value;
use uuid::Uuid;

/// Tasks in one write.
const BATCH: usize = 200;

/// What is to be in the store.
pub struct Seed<'a> {
    /// Whose tasks: they take turns.
    pub users: &'a [UserId],
    /// How many in all.
    pub count: usize,
    /// When they were created.
    pub at: Timestamp,
    /// The document of one, as a client would send it.
    pub document: &'a dyn Fn(usize) -> Value,
}

struct FreshIds;

impl Ids for FreshIds {
    fn next(&mut self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Creates tasks with all that creating brings, but for their events: those count as published long ago.
///
/// # Panics
/// When the store refuses one.
pub fn seed(database: &Path, seed: &Seed<'_>) {
    let store = Sqlite::open(NativeSql::open(database).unwrap(), Durability::Normal).unwrap();
    let mut number = 0;
    while number < seed.count {
        let user = &seed.users[number / BATCH % seed.users.len()];
        let until = seed.count.min(number + BATCH);
        let commits: Vec<Commit> = (number..until).map(|number| create(user, seed, number)).collect();
        store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
        number = until;
    }
}

fn create(user: &UserId, seed: &Seed<'_>, number: usize) -> Commit {
    let mut context = Context {
        user: user.clone(),
        zone: Zone::parse("UTC").unwrap(),
        now: seed.at,
        ids: &mut FreshIds,
        actor: Actor::component("benchmark"),
        correlation_id: "benchmark".to_owned(),
        causation_id: None,
        traceparent: None,
    };
    let input: TaskInput = serde_json::from_value((seed.document)(number)).unwrap();
    let mut commit = create_task(&mut context, &input).unwrap().0;
    commit.events.clear();
    commit
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Look;

    #[test]
    fn every_task_is_there_with_its_alarm() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db");
        let count = 2 * BATCH + 1;
        let document = |number| {
            json!({ "title": format!("Task {number}"), "due": { "local": "2026-11-30T09:00:00", "tz": "UTC" },
                "reminders": [{ "trigger": "PT0S" }] })
        };
        let at = Timestamp::from_millis(1_795_262_400_000);
        seed(&file, &Seed { users: &[UserId::admin()], count, at, document: &document });
        let look = Look::at(&file);
        assert_eq!((look.armed(), look.notifications()), (count, 0));
    }
}
