//! Tasks past the API, many in one write: a million of them would take an hour over HTTP.
//!
//! This is the one place that calls the store's own write.

use std::path::Path;

use perennial_domain::{Actor, Commit, Context, Ids, TaskInput, Timestamp, UserId, create_task};
use perennial_events::CloudEvent;
use perennial_recurrence::Zone;
use perennial_store::postgres::{Clock, NativePg, Postgres};
use perennial_store::sqlite::{Durability, NativeSql, Sqlite};
use perennial_store::{Apply, Lease, Mode, OutboxStore, Store};
use serde_json::Value;
use uuid::Uuid;

/// Tasks in one write.
const BATCH: usize = 200;

/// Events of each user whose length is looked at.
const SAMPLE: u32 = 10;

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
    fill(&file(database), seed, |commit| commit.events.clear());
}

/// The same in the database of a PostgreSQL, by its address.
///
/// # Panics
/// When the store refuses one.
pub fn seed_postgres(address: &str, seed: &Seed<'_>) {
    let store = Postgres::open(NativePg::open(address).unwrap(), Clock::Database).unwrap();
    fill(&store, seed, |commit| commit.events.clear());
}

/// Creates tasks with their events, one each, which wait to be published; gives the median length of one as it is published.
///
/// # Panics
/// When the store refuses one, or a task has not one event.
pub fn seed_events(database: &Path, seed: &Seed<'_>) -> usize {
    let store = file(database);
    fill(&store, seed, |commit| assert_eq!(commit.events.len(), 1));
    let all = |user: &UserId| Lease { stream: user.stream(), fence: 0, published: 0, tries: 0, refusals: 0 };
    let leases: Vec<Lease> = seed.users.iter().map(all).collect();
    let events = store.waiting_events(&leases, SAMPLE).unwrap();
    let length = |event| serde_json::to_string(&CloudEvent::from(event)).unwrap().len();
    let mut lengths: Vec<usize> = events.into_iter().map(length).collect();
    lengths.sort_unstable();
    lengths[lengths.len() / 2]
}

fn file(database: &Path) -> Sqlite<NativeSql> {
    Sqlite::open(NativeSql::open(database).unwrap(), Durability::Normal).unwrap()
}

fn fill(store: &impl Store, seed: &Seed<'_>, prepare: impl Fn(&mut Commit)) {
    let mut number = 0;
    while number < seed.count {
        let user = &seed.users[number / BATCH % seed.users.len()];
        let until = seed.count.min(number + BATCH);
        let commits: Vec<Commit> =
            (number..until).map(|number| create(user, seed, number, &prepare)).collect();
        store.apply(&commits, Apply { mode: Mode::All, relay_for: 0 }).unwrap();
        number = until;
    }
}

fn create(user: &UserId, seed: &Seed<'_>, number: usize, prepare: impl Fn(&mut Commit)) -> Commit {
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
    prepare(&mut commit);
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
