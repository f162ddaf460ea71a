//! A database that the fifth schema's build has made is opened by this one, while that build goes on writing: every audit entry has its
//! place in a chain that verifies.

use std::cell::Cell;
use std::path::Path;

use perennial_audit::Verifier;
use perennial_domain::{Commit, Completion, LetterStatus, TaskInput, UserId, complete, create_task};
use perennial_fixture::{Counting, NOON, WEEKLY, context, sqlite_only};
use perennial_store::sqlite::{Durability, NativeSql, Sql, Sqlite, Value};
use perennial_store::{
    AccountStore, AuditStore, LetterFilter, LetterStore, Page, SealStore, Store, WorkStore,
};

use crate::older::{make, quick};

/// The schema of the build before.
const FIFTH: [&str; 22] = [
    include_str!("../../src/sqlite/schema/0001_tables.sql"),
    include_str!("../../src/sqlite/schema/0001_write.sql"),
    include_str!("../../src/sqlite/schema/0002_tables.sql"),
    include_str!("../../src/sqlite/schema/0002_work.sql"),
    include_str!("../../src/sqlite/schema/0002_write.sql"),
    include_str!("../../src/sqlite/schema/0003_tables.sql"),
    include_str!("../../src/sqlite/schema/0003_claims.sql"),
    include_str!("../../src/sqlite/schema/0003_write.sql"),
    include_str!("../../src/sqlite/schema/0003_fired.sql"),
    include_str!("../../src/sqlite/schema/0004_tables.sql"),
    include_str!("../../src/sqlite/schema/0004_identity.sql"),
    include_str!("../../src/sqlite/schema/0004_write.sql"),
    include_str!("../../src/sqlite/schema/0004_new.sql"),
    include_str!("../../src/sqlite/schema/0004_fired.sql"),
    include_str!("../../src/sqlite/schema/0005_search.sql"),
    include_str!("../../src/sqlite/schema/0005_forget.sql"),
    include_str!("../../src/sqlite/schema/0005_limits.sql"),
    include_str!("../../src/sqlite/schema/0005_channels.sql"),
    include_str!("../../src/sqlite/schema/0005_places.sql"),
    include_str!("../../src/sqlite/schema/0005_write.sql"),
    include_str!("../../src/sqlite/schema/0005_new.sql"),
    include_str!("../../src/sqlite/schema/0005_fired.sql"),
];

/// The build before: what it executed.
struct Before {
    sql: NativeSql,
    ids: Counting,
}

impl Before {
    fn create(path: &Path) -> Self {
        let sql = make(path, (5, 2), &FIFTH);
        let run = |statement: &str| sql.execute(statement, &[]).map(|_| ()).unwrap();
        for user in ["ada", "bo"] {
            run(&format!(
                "INSERT INTO user (id, name, role, tz, created_at) VALUES ('{user}', '{user}', 'member', 'Europe/Berlin', 1)"
            ));
        }
        Self { sql, ids: Counting(0) }
    }

    fn write(&self, view: &str, commit: &Commit) {
        let write = format!(
            "INSERT INTO {view} (ix, mode, relay_for, doc) VALUES (0, 'all', 0, jsonb(?1)) RETURNING ix"
        );
        assert_eq!(
            self.sql.execute(&write, &[serde_json::to_string(commit).unwrap().into()]).unwrap().len(),
            1
        );
    }

    fn task(&mut self, user: &str) -> Commit {
        let input: TaskInput = serde_json::from_str(WEEKLY).unwrap();
        let (commit, ..) = create_task(&mut context(&UserId::new(user), &mut self.ids), &input).unwrap();
        self.write("write_new_v5", &commit);
        commit
    }
}

fn open(path: &Path) -> Sqlite<NativeSql> {
    Sqlite::open(NativeSql::open(path).unwrap(), Durability::Full).unwrap()
}

/// How long a chain is, if nothing is wrong with it and all of it is sealed.
fn verified(store: &Sqlite<NativeSql>, user: &str) -> i64 {
    let user = UserId::new(user);
    let (state, mut verifier) = (store.chain(&user).unwrap(), Verifier::new(&user, false));
    for link in store.links(&user, 0, 10_000, 1 << 30).unwrap() {
        verifier.check(&link).unwrap();
    }
    verifier.end(&state, NOON).unwrap();
    assert_eq!((state.sealed, state.sealed), (state.audited, verifier.seq()));
    verifier.seq()
}

#[test]
fn what_the_build_before_has_and_writes_is_in_chains() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut before = Before::create(&path);
    let first = before.task("ada");
    before.task("bo");
    before.task("ada");
    let order = "SELECT group_concat(id) FROM (SELECT id FROM audit_v4 WHERE user_id = 'ada' ORDER BY place)";
    let made = before.sql.execute(order, &[]).unwrap();
    let store = open(&path);
    let (found, needed) = store.schema_version().unwrap();
    assert_eq!(found, needed);
    let chained = "SELECT group_concat(id) FROM (SELECT id FROM audit_v4 WHERE user_id = 'ada' ORDER BY seq)";
    assert_eq!(before.sql.execute(chained, &[]).unwrap(), made, "in the order of their making");
    // It waits since now, not since it was made: nothing is overdue.
    let waits =
        "SELECT min(seal_at) > (strftime('%s', 'now') - 60) * 1000 FROM stream WHERE seal_at IS NOT NULL";
    assert_eq!(before.sql.execute(waits, &[]).unwrap(), [[Value::Integer(1)]]);

    // While it is replaced, it goes on.
    before.task("ada");
    let ada = UserId::new("ada");
    let task = first.tasks.first().unwrap().id;
    let name = first.opened.first().unwrap().recurrence_id.clone();
    let state = store.series(&ada, task, Some(&name)).unwrap().unwrap();
    let Completion::Closes(commit, _) = complete(&mut context(&ada, &mut before.ids), &state).unwrap() else {
        panic!("it is open")
    };
    before.write("write_v5", &commit);
    while store.seal(far(), 500).unwrap() > 0 {}
    assert_eq!((verified(&store, "ada"), verified(&store, "bo")), (4, 1));

    // Whom it deletes leaves a chain, and it is not kept from it.
    before.sql.execute("UPDATE user SET deleted_at = 1, forget_at = 1 WHERE id = 'bo'", &[]).unwrap();
    before.task("ada");
    for statement in [
        "DELETE FROM outbox WHERE stream_id = 'bo'",
        "DELETE FROM stream_topic WHERE stream_id = 'bo'",
        "DELETE FROM stream WHERE id = 'bo'",
        "DELETE FROM audit_v4 WHERE user_id = 'bo'",
    ] {
        before.sql.execute(statement, &[]).unwrap();
    }
    let bo = UserId::new("bo");
    let state = store.chain(&bo).unwrap();
    assert_eq!((state.erased, state.sealed, state.last_entry), (true, 1, None));
    let mut verifier = Verifier::new(&bo, true);
    store.links(&bo, 0, 10, 1_000).unwrap().iter().try_for_each(|link| verifier.check(link)).unwrap();
    verifier.end(&state, NOON).unwrap();
}

/// After the time of the machine, by which entries are taken over.
fn far() -> perennial_domain::Timestamp {
    perennial_domain::Timestamp::from_millis(4_000_000_000_000)
}

#[test]
fn a_migration_that_is_cut_off_anywhere_is_finished_by_the_next() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    let mut before = Before::create(&original);
    before.task("ada");
    before.task("bo");
    drop(before);
    let ids = Cell::new(5_000_000);
    crate::cut::is_finished_by_the_next(
        &original,
        |path| {
            ids.set(ids.get() + 1_000);
            let sql = quick(path);
            Before { sql, ids: Counting(ids.get()) }.task("ada");
        },
        |path| {
            let store = open(path);
            while store.seal(far(), 500).unwrap() > 0 {}
            assert!(verified(&store, "ada") >= 1);
            assert_eq!(verified(&store, "bo"), 1);
            let sql = NativeSql::open(path).unwrap();
            assert_eq!(sql.execute("SELECT 1 FROM audit_v4 WHERE seq IS NULL", &[]).unwrap().len(), 0);
        },
    );
}

/// What the build before gives up to publish while it is replaced is a letter as well: its owner can ask for another try.
#[test]
fn what_the_build_before_gives_up_is_a_letter() {
    sqlite_only!();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut before = Before::create(&path);
    before.task("ada");
    before.task("ada");
    // That build's statement, as it was.
    let bury = |before: &Before, sequence: i64| {
        let letters = serde_json::json!([["ada", sequence, "too long"]]).to_string();
        let statement = "INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at, reason, parked_at) \
             SELECT 'event', o.user_id, o.stream_id, o.subject, '', o.event_id, NULL, e.value ->> 2, ?2 \
             FROM json_each(?1) AS e CROSS JOIN outbox AS o \
             ON o.stream_id = e.value ->> 0 AND o.sequence = e.value ->> 1 WHERE true ON CONFLICT DO NOTHING";
        before.sql.execute(statement, &[letters.into(), NOON.into()]).unwrap();
    };
    bury(&before, 1);
    let store = open(&path);
    // Twice the second, as after a cut.
    bury(&before, 2);
    bury(&before, 2);
    // One is a letter since the sixth schema; of the other the sweep makes one, though it was cut off once.
    let looks = || store.due_work(NOON, "").unwrap().old;
    assert!(looks());
    let ada = UserId::new("ada");
    let letters = || store.letters(&LetterFilter::default(), 0, 10).unwrap().letters.len();
    assert_eq!(letters(), 1);
    store.prune(NOON, 1).unwrap();
    store.prune(NOON, 1).unwrap();
    assert_eq!(letters(), 2);
    before.sql.execute("UPDATE work SET tries = 0", &[]).unwrap();
    assert!(looks());
    store.prune(NOON, 2).unwrap();
    assert!(!looks(), "nothing is left to do");
    let parked = store.parked(&ada, &Page { after: None, limit: 10 }).unwrap();
    assert_eq!(parked.len(), 2, "{parked:?}");
    for item in &parked {
        let letter = store.letter_of(&ada, &item.item, item.recurrence_id.as_str()).unwrap().unwrap();
        assert!(letter.is_event() && letter.user_id == "ada" && letter.error == "too long", "{letter:?}");
        assert_eq!((letter.topic.as_str(), letter.kind.as_str()), ("task-events", "task.created"));
        assert_eq!((letter.last_at, letter.status), (NOON, LetterStatus::Open));
    }
    assert_eq!(letters(), 2);
    before.task("ada");
    bury(&before, 3);
    store.prune(NOON, 100).unwrap();
    assert_eq!(letters(), 3);
    // Forgotten as others are.
    let late = NOON.plus_millis(31 * 86_400_000);
    store.prune(late, 100).unwrap();
    assert!(store.parked(&ada, &Page { after: None, limit: 10 }).unwrap().is_empty());
}
