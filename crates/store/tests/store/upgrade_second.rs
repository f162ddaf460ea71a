//! A database that the second schema's build has made is opened by this one, while that build goes on working.

use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use perennial_domain::{Commit, TaskInput, UserId, create_task};
use perennial_fixture::{Counting, NOON, WEEKLY, context, sqlite_only};
use perennial_store::sqlite::{Durability, NativeSql, Sql, SqlError, Sqlite, Value};
use perennial_store::{AccountStore, Claim, Listing, OutboxStore, Page, Store, WorkStore};

use crate::older::{count, make, rows};

const DAY: i64 = 86_400_000;

/// The schema of the build before.
const SECOND: [&str; 5] = [
    include_str!("../../src/sqlite/schema/0001_tables.sql"),
    include_str!("../../src/sqlite/schema/0001_write.sql"),
    include_str!("../../src/sqlite/schema/0002_tables.sql"),
    include_str!("../../src/sqlite/schema/0002_work.sql"),
    include_str!("../../src/sqlite/schema/0002_write.sql"),
];

/// The build before: what it executed.
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
        let before = Self { sql: make(path, (2, 2), &SECOND), ids: Counting(0) };
        let run = |statement: &str| before.sql.execute(statement, &[]).map(|_| ());
        for id in ["ada", "eve"] {
            run(&format!("INSERT INTO user (id, name, role, tz, created_at) VALUES ('{id}', '{id}', 'member', 'Europe/Berlin', 1)"))
                .unwrap();
        }
        before
    }

    fn write(&self, commit: &Commit) -> Result<usize, SqlError> {
        let documents = serde_json::to_string(&[commit]).unwrap();
        let write = "INSERT INTO write_v2 (ix, mode, relay_for, doc) \
             SELECT key, ?2, ?3, jsonb(value) FROM json_each(?1) WHERE true RETURNING ix";
        Ok(self.sql.execute(write, &[documents.into(), "all".into(), 0_i64.into()])?.len())
    }

    fn task(&mut self, user: &UserId, document: &str) -> Commit {
        let input: TaskInput = serde_json::from_str(document).unwrap();
        let (commit, ..) = create_task(&mut context(user, &mut self.ids), &input).unwrap();
        assert_eq!(self.write(&commit).unwrap(), 1);
        commit
    }

    /// Claims as that build did; gives how many.
    fn claim(&mut self, kind: &str, again: i64, now: i64) -> usize {
        let id = perennial_domain::Ids::next(&mut self.ids).to_string();
        let claim = "INSERT INTO claim_v2 (id, kind, again, now, lease_for, hold_for, lanes, per_lane) \
             VALUES (?1, ?2, ?3, ?4, 60000, 0, 100, 10000) RETURNING (SELECT count(*) FROM work WHERE claim = ?1)";
        let found = self.sql.execute(claim, &[id.into(), kind.into(), again.into(), now.into()]).unwrap();
        match found[0][0] {
            Value::Integer(count) => usize::try_from(count).unwrap(),
            _ => panic!("no count"),
        }
    }
}

/// What yesterday's build left: reminders ahead, a successor that its clock has put off, one that is owed at no time.
fn yesterday(path: &Path) -> Before {
    let mut before = Before::create(path);
    let (ada, eve) = (UserId::new("ada"), UserId::new("eve"));
    let made: Vec<Commit> = (0..4).map(|_| before.task(&ada, WEEKLY)).collect();
    before.task(&eve, WEEKLY);
    let run = |statement: String| before.sql.execute(&statement, &[]).map(|_| ()).unwrap();
    let done = NOON.plus_millis(300 * DAY).as_millis();
    run(format!(
        "UPDATE occurrence SET status = 'done', succession = 'pending', completed_at = {done} WHERE task_id = '{}'",
        made[0].tasks[0].id
    ));
    run(format!("UPDATE occurrence SET due_at = NULL WHERE task_id = '{}'", made[1].tasks[0].id));
    run(format!("UPDATE occurrence SET succession = 'due' WHERE task_id = '{}'", made[1].tasks[0].id));
    before
}

fn assert_all_is_owed_once(path: &Path) {
    assert_eq!(count(path, "work WHERE kind = 'reminder'"), count(path, "alarm WHERE state = 'armed'"));
    assert_eq!(
        count(path, "work WHERE kind = 'successor' AND wake_at = 0"),
        count(path, "occurrence WHERE succession = 'pending'")
    );
    assert_eq!(count(path, "work WHERE wake_at IS NULL AND parked_at IS NULL"), 0);
    assert_eq!(
        count(
            path,
            "work AS w WHERE w.wake_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM lane WHERE kind = w.kind \
             AND again = w.again AND lane = w.lane AND next_at <= w.wake_at)"
        ),
        0
    );
}

fn open(path: &Path) -> Sqlite<NativeSql> {
    Sqlite::open(NativeSql::open(path).unwrap(), Durability::Normal).unwrap()
}

fn page() -> Page {
    Page { after: None, limit: 100 }
}

/// How many tasks are in the list of a user, page by page.
fn listed(store: &impl Store, user: &UserId) -> usize {
    let (listing, mut after, mut seen) = (Listing::default(), None, 0);
    loop {
        let page = store.tasks(user, &listing, after.as_ref(), u32::MAX).unwrap();
        let tasks = page.read().unwrap();
        seen += tasks.len();
        after = tasks.last().and_then(|task| page.place(task, &listing));
        if !page.cut() {
            return seen;
        }
    }
}

#[test]
fn what_the_build_before_put_off_or_lost_is_owed_or_told() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(yesterday(&path));
    let store = open(&path);
    let (found, needed) = store.schema_version().unwrap();
    assert_eq!(found, needed);
    assert_eq!(rows(&path, "SELECT compatible FROM schema_version"), [[Value::Integer(2)]]);
    assert_all_is_owed_once(&path);
    let ada = UserId::new("ada");
    assert_eq!(store.parked(&ada, &page()).unwrap().len(), 1);
    let claim = Claim {
        id: "1".to_owned(),
        again: false,
        now: NOON,
        lease_for: 60_000,
        hold_for: 0,
        lanes: 100,
        per_lane: 100,
        shard: None,
    };
    assert_eq!(store.claim_successors(&claim).unwrap().len(), 1);
    assert_eq!(store.tasks(&ada, &Listing::default(), None, 10).unwrap().read().unwrap().len(), 4);
}

#[test]
fn what_the_build_before_writes_while_this_one_migrates_is_owed_too() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(yesterday(&path));
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for writer in 0..2_u64 {
            let (path, stop, written) = (&path, &stop, &written);
            scope.spawn(move || {
                let mut before = Before::open(path, (writer + 1) * 1_000_000);
                while !stop.load(Ordering::Relaxed) {
                    for user in ["ada", "eve"] {
                        before.task(&UserId::new(user), WEEKLY);
                        written.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        // Two guests of this build come at once, under that load.
        let opened: Vec<_> = (0..2).map(|_| scope.spawn(|| drop(open(&path)))).collect();
        let opened: Vec<_> = opened.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        let so_far = written.load(Ordering::Relaxed);
        while written.load(Ordering::Relaxed) < so_far + 20 {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        assert!(opened.iter().all(Result::is_ok));
    });
    assert_all_is_owed_once(&path);
    let tasks = 5 + i64::try_from(written.load(Ordering::Relaxed)).unwrap();
    assert_eq!(count(&path, "task"), tasks);
    let store = open(&path);
    let listed = ["ada", "eve"].map(|user| listed(&store, &UserId::new(user)));
    assert_eq!(listed.iter().sum::<usize>(), usize::try_from(tasks).unwrap());
}

/// While both are there, each finds and settles what the other has written, and nobody has twice what one has claimed.
#[test]
fn the_build_before_goes_on_beside_this_one() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut before = yesterday(&path);
    let store = open(&path);
    let eve = UserId::new("eve");
    let input: TaskInput = serde_json::from_str(WEEKLY).unwrap();
    let mut ids = Counting(9_000_000);
    let (commit, ..) = create_task(&mut context(&eve, &mut ids), &input).unwrap();
    store.commit(&commit).unwrap();
    before.task(&eve, WEEKLY);
    let later = NOON.plus_millis(30 * DAY);
    let armed = usize::try_from(count(&path, "work WHERE kind = 'reminder'")).unwrap();
    assert_eq!(before.claim("reminder", 0, later.as_millis()), armed);
    let claim = |again| Claim {
        id: format!("{again}"),
        again,
        now: later,
        lease_for: 60_000,
        hold_for: 0,
        lanes: 100,
        per_lane: 100,
        shard: None,
    };
    assert!(store.claim_reminders(&claim(false)).unwrap().is_empty(), "claimed there");
    let next = Claim { now: later.plus_millis(61_000), ..claim(true) };
    assert_eq!(store.claim_reminders(&next).unwrap().len(), armed, "given up there");
    assert_eq!(before.claim("reminder", 1, next.now.as_millis()), 0, "claimed here");
    // What the build before executes beside commits and claims.
    for statement in [
        "SELECT 1 FROM idempotency WHERE created_at < 1",
        "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency WHERE created_at < 1 LIMIT 10)",
        "SELECT 1 FROM lane WHERE hold_until > 1 AND (kind <> 'notification' OR failures = 0)",
        "UPDATE occurrence SET zone_offered = '1' WHERE id IN (SELECT id FROM occurrence WHERE status = 'open' AND zone_seen < '1' LIMIT 5)",
        "UPDATE work SET wake_at = 1, unsettled = 0, tries = 0 WHERE id = 1 AND tries = 7",
    ] {
        before.sql.execute(statement, &[]).unwrap();
    }
    let leases = store.lease_streams(NOON, 1_000, 10, None).unwrap();
    assert_eq!(leases.len(), 2);
    assert_eq!(store.waiting_events(&leases, 100).unwrap().len(), 7);
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
            // Between the two, the build before works on.
            ids.set(ids.get() + 1_000);
            let mut before = Before::open(path, ids.get());
            before.sql.execute("PRAGMA synchronous = OFF", &[]).unwrap();
            before.task(&UserId::new("ada"), WEEKLY);
        },
        assert_all_is_owed_once,
    );
}
