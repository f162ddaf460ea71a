//! A database that the sixth schema's build has made is opened by this one, while that build goes on writing and relaying.

use std::cell::Cell;
use std::path::Path;

use perennial_domain::{Commit, TaskInput, UserId, create_task};
use perennial_fixture::{Counting, NOON, WEEKLY, context, sqlite_only};
use perennial_store::sqlite::{Durability, NativeSql, Sql, Sqlite};
use perennial_store::{AccountStore, LaneEnd, Mark, OutboxStore};

use crate::older::{count, fresh, quick};

/// The build before: what it executed.
struct Before {
    sql: NativeSql,
    ids: Counting,
}

impl Before {
    fn create(path: &Path) -> Self {
        let sql = fresh(path, (6, 5));
        Self { sql, ids: Counting(0) }
    }

    fn task(&mut self) -> Commit {
        let input: TaskInput = serde_json::from_str(WEEKLY).unwrap();
        let (commit, ..) = create_task(&mut context(&ada(), &mut self.ids), &input).unwrap();
        let write = "INSERT INTO write_new_v5 (ix, mode, relay_for, doc) VALUES (0, 'all', 0, jsonb(?1)) RETURNING ix";
        let rows = self.sql.execute(write, &[serde_json::to_string(&commit).unwrap().into()]).unwrap();
        assert_eq!(rows.len(), 1);
        commit
    }

    /// Publishes all of the user's events, as it did: it knows no lanes.
    fn relay(&self) {
        let relay =
            "UPDATE stream SET fence = fence + 1, published = sequence, relay_at = NULL WHERE id = 'ada'";
        self.sql.execute(relay, &[]).unwrap();
    }
}

fn ada() -> UserId {
    UserId::new("ada")
}

fn open(path: &Path) -> Sqlite<NativeSql> {
    Sqlite::open(NativeSql::open(path).unwrap(), Durability::Full).unwrap()
}

#[test]
fn both_builds_go_on_side_by_side() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut before = Before::create(&path);
    before.task();
    let store = open(&path);
    let (found, needed) = store.schema_version().unwrap();
    assert_eq!(found, needed);
    assert_eq!(count(&path, "schema_version WHERE version >= 7 AND compatible <= 6"), 1);
    before.task();
    assert_eq!(count(&path, "sqlite_schema WHERE name = 'work_is_a_letter_v6'"), 0);

    // What the build before publishes while a user is hot leaves their lanes as they were.
    store.hot_users(&[ada()]);
    let lane = (3, "task-events".to_owned());
    let relay = |last: i64, before: Option<i64>| {
        let lease = store.lease_stream(&ada().stream(), NOON, 1_000).unwrap().unwrap();
        let lanes = store.lanes(std::slice::from_ref(&lease)).unwrap();
        assert_eq!(lanes[0].last.as_ref().unwrap().get(&lane).copied(), before);
        let end = LaneEnd { stream: ada().stream(), fence: lease.fence, lane: lane.clone(), last, before };
        store.note_lanes(&[end]).unwrap();
        let mark = Mark { lease, up_to: last, pause: None, refused: false };
        assert!(store.mark_published(&[mark], NOON).unwrap().is_empty());
    };
    relay(2, None);
    before.task();
    before.relay();
    before.task();
    relay(4, Some(2));
    before.task();
    relay(5, Some(4));
}

#[test]
fn a_migration_that_is_cut_off_anywhere_is_finished_by_the_next() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    Before::create(&original).task();
    let ids = Cell::new(5_000_000);
    crate::cut::is_finished_by_the_next(
        &original,
        |path| {
            ids.set(ids.get() + 1_000);
            let sql = quick(path);
            Before { sql, ids: Counting(ids.get()) }.task();
        },
        |path| assert!(count(path, "task") > 1),
    );
}
