//! A database that the first schema's build has made is opened by this one, while that build goes on writing.

use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use perennial_domain::{Commit, Timestamp, UserId, create_task, fire};
use perennial_fixture::{Counting, NOON, WEEKLY, context, sqlite_only, webhook};
use perennial_store::sqlite::{Durability, NativeSql, Sql, SqlError, Sqlite};
use perennial_store::{AccountStore, Claim, OutboxStore, Store, WorkStore};
use serde_json::json;

use crate::older::{count, rows};

const DAY: i64 = 86_400_000;

/// The build before: its schema, and its one way to write.
struct Before {
    sql: NativeSql,
    ids: Counting,
}

impl Before {
    fn open(path: &Path, ids: u64) -> Self {
        Self { sql: NativeSql::open(path).unwrap(), ids: Counting(ids) }
    }

    /// Makes the database, as that build did.
    fn create(path: &Path) -> Self {
        let sql = NativeSql::open(path).unwrap();
        sql.execute("PRAGMA journal_mode = WAL", &[]).unwrap();
        for text in [
            include_str!("../../src/sqlite/schema/0001_tables.sql"),
            include_str!("../../src/sqlite/schema/0001_write.sql"),
        ] {
            for statement in text.split("\n--;\n") {
                sql.execute(statement, &[]).unwrap();
            }
        }
        sql.execute("PRAGMA user_version = 1", &[]).unwrap();
        Self { sql, ids: Counting(0) }
    }

    /// Lists that are empty travelled as such.
    fn write(&self, commit: &Commit) -> Result<(), SqlError> {
        let mut document = serde_json::to_value(commit).unwrap();
        for list in [
            "users",
            "tokens",
            "channels",
            "tasks",
            "opened",
            "occurrences",
            "overrides",
            "alarms",
            "notifications",
            "deliveries",
            "events",
        ] {
            document.as_object_mut().unwrap().entry(list).or_insert_with(|| json!([]));
        }
        for list in ["tasks", "occurrences", "alarms"] {
            document["expect"].as_object_mut().unwrap().entry(list).or_insert_with(|| json!([]));
        }
        self.sql
            .execute("INSERT INTO \"write\" (body) VALUES (?1)", &[document.to_string().into()])
            .map(|_| ())
    }

    fn task(&mut self, user: &UserId) -> Result<(Commit, ()), SqlError> {
        let input = serde_json::from_str(WEEKLY).unwrap();
        let (commit, ..) = create_task(&mut context(user, &mut self.ids), &input).unwrap();
        self.write(&commit)?;
        Ok((commit, ()))
    }
}

/// What yesterday's build left: of each kind of thing that is owed, one that is and one that is not.
fn yesterday(path: &Path) -> Before {
    let mut before = Before::create(path);
    for (id, name) in [("ada", "ada"), ("eve", "eve")] {
        let user = json!({ "id": id, "name": name });
        before.sql.execute(
            "INSERT INTO user (id, name, role, tz, created_at) VALUES (?1 ->> 'id', ?1 ->> 'name', 'member', 'Europe/Berlin', 1)",
            &[user.to_string().into()],
        ).unwrap();
    }
    let (ada, eve) = (UserId::new("ada"), UserId::new("eve"));
    for id in ["there", "gone"] {
        before.sql.execute(
            "INSERT INTO channel (id, user_id, kind, url, secret, created_at, deleted_at) \
             VALUES (?1, 'ada', 'webhook', 'https://hooks.example.com', 'whsec_AAAA', 1, iif(?1 = 'gone', 2, NULL))",
            &[id.into()],
        ).unwrap();
    }
    // Six tasks of ada's: one fires over a channel, one owes a successor, one is deleted; two of eve's.
    let mut commits: Vec<Commit> = (0..6).map(|_| before.task(&ada).unwrap().0).collect();
    commits.extend((0..2).map(|_| before.task(&eve).unwrap().0));
    let alarm = |commit: &Commit| perennial_domain::DueAlarm {
        task: commit.tasks[0].id,
        recurrence_id: commit.alarms[0].recurrence_id.clone(),
        reminder: commit.alarms[0].reminder_id,
        fire_at: commit.alarms[0].fire_at,
        misfire: perennial_domain::Misfire::All,
        priority: perennial_domain::Priority::None,
        quiet_hours: None,
        title: "Bins".to_owned(),
        due_local: None,
        due_tz: None,
        due_at: None,
    };
    for commit in &commits[..2] {
        let fired = fire(&mut context(&ada, &mut before.ids), &alarm(commit), &[webhook("there")]);
        before.write(&fired).unwrap();
    }
    let delivered = commits[0].tasks[0].id;
    before.sql.execute(
        "UPDATE notification SET state = 'delivered', attempts = 1, next_attempt_at = NULL, delivered_at = 3 WHERE task_id = ?1",
        &[delivered.to_string().into()],
    ).unwrap();
    before.sql.execute("UPDATE notification SET attempts = 2 WHERE state = 'pending'", &[]).unwrap();
    before.sql.execute(
        "UPDATE occurrence SET status = 'done', succession = 'pending', completed_at = 4 WHERE task_id = ?1",
        &[commits[2].tasks[0].id.to_string().into()],
    ).unwrap();
    before
        .sql
        .execute("UPDATE task SET deleted_at = 5 WHERE id = ?1", &[commits[3].tasks[0].id.to_string().into()])
        .unwrap();
    // Ada's first five events are published, all of eve's are.
    before
        .sql
        .execute(
            "UPDATE outbox SET published_at = 6 WHERE stream_id = ?1 AND sequence <= 5",
            &[ada.stream().as_str().into()],
        )
        .unwrap();
    before
        .sql
        .execute("UPDATE outbox SET published_at = 6 WHERE stream_id = ?1", &[eve.stream().as_str().into()])
        .unwrap();
    before
}

/// What is owed after the upgrade, by what the tables of the build before say.
fn assert_all_is_owed_once(path: &Path) {
    let owed = [
        (
            "reminder",
            "alarm AS a JOIN task AS t ON t.id = a.task_id WHERE a.state = 'armed' AND t.deleted_at IS NULL",
        ),
        (
            "successor",
            "occurrence AS o JOIN task AS t ON t.id = o.task_id WHERE o.succession IN ('due', 'pending') AND t.deleted_at IS NULL",
        ),
        (
            "notification",
            "notification AS n JOIN task AS t ON t.id = n.task_id WHERE n.state = 'pending' AND t.deleted_at IS NULL",
        ),
    ];
    for (kind, what) in owed {
        assert_eq!(
            count(path, &format!("work WHERE kind = '{kind}' AND wake_at IS NOT NULL")),
            count(path, what),
            "{kind}"
        );
    }
    assert_eq!(
        count(
            path,
            "work AS w WHERE NOT EXISTS (SELECT 1 FROM lane WHERE kind = w.kind AND again = w.again AND lane = w.lane AND next_at <= w.wake_at)"
        ),
        0
    );
    for table in ["channel", "notification"] {
        assert_eq!(count(path, &format!("{table}_v2")), count(path, table), "{table}");
    }
    let differs = count(
        path,
        "notification AS n JOIN notification_v2 AS m ON m.id = n.id WHERE m.state <> n.state OR m.attempts <> n.attempts",
    );
    assert_eq!(differs, 0);
    // Each stream is published up to where the build before has published it, and relayed if more is there.
    let wrong = rows(
        path,
        "SELECT s.id, s.sequence, s.published, s.relay_at FROM stream AS s WHERE s.published <> coalesce( \
        (SELECT min(sequence) - 1 FROM outbox WHERE stream_id = s.id AND published_at IS NULL), s.sequence) \
        OR (s.relay_at IS NULL) <> (s.published = s.sequence)",
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn claim(id: &str) -> Claim {
    let now = NOON.plus_millis(30 * DAY);
    Claim {
        id: id.to_owned(),
        again: false,
        now,
        lease_for: 60_000,
        hold_for: 0,
        lanes: 100,
        per_lane: 10_000,
        shard: None,
    }
}

#[test]
fn what_the_build_before_owed_is_owed_by_this_one_once() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    yesterday(&path);
    let store = Sqlite::open(NativeSql::open(&path).unwrap(), Durability::Normal).unwrap();
    let (found, needed) = store.schema_version().unwrap();
    assert_eq!(found, needed);
    assert_all_is_owed_once(&path);
    assert_eq!(store.claim_reminders(&claim("1")).unwrap().len(), 5);
    assert_eq!(store.claim_successors(&claim("2")).unwrap().len(), 1);
    let notifications = store.claim_notifications(&claim("3")).unwrap();
    let [notification] = notifications.as_slice() else { panic!("{notifications:?}") };
    assert_eq!(notification.ticket.tries, 3, "two attempts were made before");
    assert_eq!(store.channels(&UserId::new("ada")).unwrap().len(), 1);
    let leases = store.lease_streams(NOON, 1_000, 10, None).unwrap();
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].published, 5);
    assert_eq!(store.waiting_events(&leases, 100).unwrap()[0].sequence, 6);
}

#[test]
fn what_the_build_before_writes_while_this_one_migrates_is_owed_too() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    yesterday(&path);
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for writer in 0..2_u64 {
            let (path, stop, written) = (&path, &stop, &written);
            scope.spawn(move || {
                let mut before = Before::open(path, (writer + 1) * 1_000_000);
                while !stop.load(Ordering::Relaxed) {
                    for user in ["ada", "eve"] {
                        before.task(&UserId::new(user)).unwrap();
                        written.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        // Two guests of this build come at once, under that load.
        let opened: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| Sqlite::open(NativeSql::open(&path).unwrap(), Durability::Normal).map(|_| ()))
            })
            .collect();
        let opened: Vec<_> = opened.into_iter().map(|thread| thread.join().unwrap()).collect();
        let so_far = written.load(Ordering::Relaxed);
        while written.load(Ordering::Relaxed) < so_far + 20 {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        assert!(opened.iter().all(Result::is_ok), "{opened:?}");
    });
    assert!(written.load(Ordering::Relaxed) > 20);
    assert_all_is_owed_once(&path);
    assert_eq!(count(&path, "task"), 8 + i64::try_from(written.load(Ordering::Relaxed)).unwrap());
}

/// Rows are taken over in pieces of 50,000, so that others can write in between.
#[test]
fn more_rows_than_one_piece_holds_are_taken_over() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut before = Before::create(&path);
    let run = |statement: &str| before.sql.execute(statement, &[]).map(|_| ()).unwrap();
    run("PRAGMA synchronous = OFF");
    run(
        "INSERT INTO user (id, name, role, tz, created_at) VALUES ('ada', 'ada', 'member', 'Europe/Berlin', 1)",
    );
    let (commit, ()) = before.task(&UserId::new("ada")).unwrap();
    let many = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50001), \
         t (task_id) AS (SELECT '{}')",
        commit.tasks[0].id
    );
    let run = |statement: &str| before.sql.execute(statement, &[]).map(|_| ()).unwrap();
    run(&format!(
        "{many} INSERT INTO alarm (task_id, recurrence_id, reminder_id, user_id, fire_at, state) \
         SELECT task_id, '', n, 'ada', 1, 'armed' FROM n, t"
    ));
    run(&format!(
        "{many} INSERT INTO notification (id, user_id, task_id, recurrence_id, reminder_id, channel_id, state, payload, \
         next_attempt_at, created_at) SELECT n, 'ada', task_id, '', n, 'c', 'pending', '{{}}', 1, 1 FROM n, t"
    ));
    drop(Sqlite::open(NativeSql::open(&path).unwrap(), Durability::Normal).unwrap());
    assert_all_is_owed_once(&path);
    assert_eq!(count(&path, "work WHERE kind = 'reminder'"), 50_002);
    assert_eq!(count(&path, "notification_v2"), 50_001);
}

#[test]
fn a_migration_that_is_cut_off_anywhere_is_finished_by_the_next() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    drop(yesterday(&original));
    let ids = Cell::new(5_000_000);
    crate::cut::is_finished_by_the_next(
        &original,
        |path| {
            // Between the two, the build before writes on.
            ids.set(ids.get() + 1_000);
            let mut before = Before::open(path, ids.get());
            before.sql.execute("PRAGMA synchronous = OFF", &[]).unwrap();
            before.task(&UserId::new("ada")).unwrap();
        },
        assert_all_is_owed_once,
    );
}

/// While both builds are there, what one has delivered the other does not deliver.
#[test]
fn what_this_build_has_delivered_the_build_before_does_not_find() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    yesterday(&path);
    let store = Sqlite::open(NativeSql::open(&path).unwrap(), Durability::Normal).unwrap();
    let due = |at: Timestamp| {
        count(
            &path,
            &format!("notification WHERE state = 'pending' AND next_attempt_at <= {}", at.as_millis()),
        )
    };
    let now = NOON.plus_millis(30 * DAY);
    assert_eq!(due(now), 1);
    let claimed = store.claim_notifications(&claim("1")).unwrap().remove(0);
    assert_eq!(due(now), 0, "what is claimed here is not due there");
    let due_here = claimed.what.unwrap().unwrap();
    let mut ids = Counting(7_000_000);
    let commit = perennial_domain::record_attempt(
        &mut context(&UserId::new("ada"), &mut ids),
        &due_here.notification,
        &perennial_domain::Attempt::Accepted,
        100,
    );
    store.commit(&commit).unwrap();
    assert_eq!(count(&path, "notification WHERE state = 'delivered'"), 2);
}
