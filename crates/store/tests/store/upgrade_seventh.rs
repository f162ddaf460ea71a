//! A database that the seventh schema's build has made is opened by this one, while that build goes on writing.

use std::cell::Cell;
use std::path::Path;

use perennial_domain::{Commit, DueAlarm, Misfire, Priority, TaskInput, UserId, create_task, fire};
use perennial_fixture::{Counting, NOON, WEEKLY, context, sqlite_only};
use perennial_store::sqlite::{Durability, NativeSql, Sql, Sqlite};
use perennial_store::{AccountStore, WorkStore};

use crate::older::{count, fresh, quick};

/// The build before: what it executed.
struct Before {
    sql: NativeSql,
    ids: Counting,
}

impl Before {
    fn create(path: &Path) -> Self {
        let sql = fresh(path, (7, 5));
        Self { sql, ids: Counting(0) }
    }

    fn write(&self, view: &str, commit: &Commit) {
        let write = format!(
            "INSERT INTO {view} (ix, mode, relay_for, doc) VALUES (0, 'all', 0, jsonb(?1)) RETURNING ix"
        );
        let rows = self.sql.execute(&write, &[serde_json::to_string(&commit).unwrap().into()]).unwrap();
        assert_eq!(rows.len(), 1);
    }

    /// Makes a task and fires its reminder, which goes to the inbox.
    fn reminds(&mut self) {
        let input: TaskInput = serde_json::from_str(WEEKLY).unwrap();
        let (commit, ..) = create_task(&mut context(&ada(), &mut self.ids), &input).unwrap();
        self.write("write_new_v5", &commit);
        let alarm = DueAlarm {
            task: commit.tasks[0].id,
            recurrence_id: commit.alarms[0].recurrence_id.clone(),
            reminder: commit.alarms[0].reminder_id,
            fire_at: commit.alarms[0].fire_at,
            misfire: Misfire::All,
            priority: Priority::None,
            quiet_hours: None,
            title: "Bins".to_owned(),
            due_local: None,
            due_tz: None,
            due_at: None,
        };
        let fired = fire(&mut context(&ada(), &mut self.ids), &alarm, &[]);
        self.write("write_fired_v5", &fired);
    }
}

fn ada() -> UserId {
    UserId::new("ada")
}

#[test]
fn what_the_build_before_has_sent_is_forgotten() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut before = Before::create(&path);
    before.reminds();
    let store = Sqlite::open(NativeSql::open(&path).unwrap(), Durability::Full).unwrap();
    let (found, needed) = store.schema_version().unwrap();
    assert_eq!(found, needed);
    assert_eq!(count(&path, "schema_version WHERE version >= 8 AND compatible <= 7"), 1);
    before.reminds();
    assert_eq!(count(&path, "notification_v2"), 2);
    store.prune(NOON.plus_millis(31 * 86_400_000), 10).unwrap();
    assert_eq!(count(&path, "notification_v2"), 0);
    before.reminds();
    assert_eq!(count(&path, "alarm WHERE state = 'fired'"), 3);
}

#[test]
fn a_migration_that_is_cut_off_anywhere_is_finished_by_the_next() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    Before::create(&original).reminds();
    let ids = Cell::new(5_000_000);
    crate::cut::is_finished_by_the_next(
        &original,
        |path| {
            ids.set(ids.get() + 1_000);
            let sql = quick(path);
            Before { sql, ids: Counting(ids.get()) }.reminds();
        },
        |path| assert!(count(path, "notification_v2") > 1),
    );
}
