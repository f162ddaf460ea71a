//! Migrations on a real server.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use perennial_postgres::{Server, connect};
use postgres::Client;

use super::files::{FILES, File};
use super::{MigrateError, Migrated, Patience, Plan, Step, checksum, migrate};
use crate::StoreError;
use crate::postgres::schema::{COMPATIBLE, VERSION};
use crate::postgres::{Clock, NativePg, Postgres};

const FIRST: File =
    File { version: 1, name: "0001_first", text: "CREATE TABLE task (id bigint PRIMARY KEY, title text)" };
const SECOND: File =
    File { version: 2, name: "0002_second", text: "ALTER TABLE task ADD COLUMN rank bigint" };

/// Does not wait long for anything.
fn brief() -> Patience {
    let pause = Duration::from_millis(50);
    Patience { turn: pause, lock: pause, pause, tries: 3, ..Patience::default() }
}

fn carry_out(client: &mut Client, files: &[File], version: i64) -> Result<Migrated, MigrateError> {
    Plan { files, version, compatible: 1 }.carry_out(client, &brief(), &mut |_| {})
}

fn names(migrated: &Migrated) -> Vec<&str> {
    migrated.applied.iter().map(|done| done.name.as_str()).collect()
}

fn number(client: &mut Client, query: &str) -> i64 {
    client.query_one(query, &[]).unwrap().get(0)
}

#[test]
fn files_are_applied_in_order_and_once() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let mut client = connect(&database);
    let first = carry_out(&mut client, &[FIRST], 1).unwrap();
    assert_eq!((first.before, first.now, names(&first)), (0, 1, vec!["0001_first"]));
    let second = carry_out(&mut client, &[FIRST, SECOND], 2).unwrap();
    assert_eq!((second.before, second.now, names(&second)), (1, 2, vec!["0002_second"]));
    let third = carry_out(&mut client, &[FIRST, SECOND], 2).unwrap();
    assert_eq!((third.before, third.now, names(&third)), (2, 2, vec![]));
    let row = client
        .query_one("SELECT version, checksum, applied_at FROM schema_migration ORDER BY version LIMIT 1", &[])
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, String>(1)), (1, checksum(FIRST.text)));
    assert!(row.get::<_, i64>(2) > 1_700_000_000_000);
    // The limits of the migration are its own.
    assert_eq!(client.query_one("SHOW lock_timeout", &[]).unwrap().get::<_, String>(0), "0");
    assert_eq!(
        number(
            &mut client,
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND l.locktype = 'advisory'"
        ),
        0
    );
}

#[test]
fn a_file_that_has_changed_is_refused_by_name() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let mut client = connect(&database);
    carry_out(&mut client, &[FIRST, SECOND], 2).unwrap();
    let changed = File { text: "ALTER TABLE task ADD COLUMN rank integer", ..SECOND };
    let error = carry_out(&mut client, &[FIRST, changed], 2).unwrap_err();
    assert!(matches!(&error, MigrateError::Changed(name) if name == "0002_second"), "{error}");
    let error = carry_out(&mut client, &[FIRST], 2).unwrap_err();
    assert!(matches!(&error, MigrateError::Unknown(name) if name == "0002_second"), "{error}");
}

#[test]
fn a_newer_database_is_left_alone_as_long_as_it_is_fit() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let mut client = connect(&database);
    carry_out(&mut client, &[FIRST, SECOND], 2).unwrap();
    let older = carry_out(&mut client, &[FIRST], 1).unwrap();
    assert_eq!((older.before, older.now, names(&older)), (2, 2, vec![]));
    client.batch_execute("UPDATE schema_version SET compatible = 2").unwrap();
    let error = carry_out(&mut client, &[FIRST], 1).unwrap_err();
    assert!(matches!(error, MigrateError::TooNew { found: 2, compatible: 2, needed: 1 }), "{error}");
}

#[test]
fn what_a_newer_build_has_begun_is_left_alone_and_goes_on_later() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let mut client = connect(&database);
    carry_out(&mut client, &[FIRST], 1).unwrap();
    let broken = File { version: 2, name: "0002_third", text: "ALTER TABLE nothing ADD COLUMN a text" };
    carry_out(&mut client, &[FIRST, SECOND, broken], 2).unwrap_err();
    let older = carry_out(&mut client, &[FIRST], 1).unwrap();
    assert_eq!((older.before, older.now, names(&older)), (1, 1, vec![]));
    let mended = File { text: "ALTER TABLE task ADD COLUMN a text", ..broken };
    let newer = carry_out(&mut client, &[FIRST, SECOND, mended], 2).unwrap();
    assert_eq!((newer.before, newer.now, names(&newer)), (1, 2, vec!["0002_third"]));
}

#[test]
fn a_file_that_fails_leaves_nothing_and_says_where() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let mut client = connect(&database);
    let broken = File {
        version: 2,
        name: "0002_broken",
        text: "CREATE TABLE other (id bigint);\n\nALTER TABLE nothing ADD COLUMN a text;",
    };
    let error = carry_out(&mut client, &[FIRST, broken], 2).unwrap_err();
    assert!(
        error.to_string().starts_with("0002_broken.sql, line 1: 42P01: relation \"nothing\" does not exist"),
        "{error}"
    );
    assert_eq!(number(&mut client, "SELECT count(*) FROM pg_class WHERE relname = 'other'"), 0);
    // The file before it stays, and the version is not yet that of the second.
    assert_eq!(number(&mut client, "SELECT count(*) FROM schema_migration"), 1);
    assert_eq!(number(&mut client, "SELECT count(*) FROM schema_version"), 0);
    let whole = carry_out(&mut client, &[FIRST, SECOND], 2).unwrap();
    assert_eq!(names(&whole), ["0002_second"]);

    let misspelt = File {
        version: 3,
        name: "0003_misspelt",
        text: "CREATE TABLE a (id bigint);\n\nCRATE TABLE b (id bigint);",
    };
    let error = carry_out(&mut client, &[FIRST, SECOND, misspelt], 3).unwrap_err();
    assert!(error.to_string().starts_with("0003_misspelt.sql, line 3: 42601"), "{error}");
}

#[test]
fn those_who_migrate_at_once_take_turns() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let start = Barrier::new(4);
    let applied: usize = thread::scope(|scope| {
        let all: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = connect(&database);
                    start.wait();
                    migrate(&mut client, &Patience::default(), &mut |_| {}).unwrap().applied.len()
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(applied, FILES.len());
}

#[test]
fn whoever_waits_too_long_for_another_gives_up() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let (mut other, mut client) = (connect(&database), connect(&database));
    other.query_one("SELECT pg_advisory_lock($1)", &[&super::TURN]).unwrap();
    let mut waited = false;
    let plan = Plan { files: &[FIRST], version: 1, compatible: 1 };
    let error =
        plan.carry_out(&mut client, &brief(), &mut |step| waited |= matches!(step, Step::Waits)).unwrap_err();
    assert!(waited && matches!(error, MigrateError::Turn(_)), "{error}");
    drop(other);
    carry_out(&mut client, &[FIRST], 1).unwrap();
}

/// Whoever waits for a lock that keeps others waiting does so for a moment only, and comes back.
#[test]
fn a_lock_of_others_is_waited_for_in_moments() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let (mut other, mut client) = (connect(&database), connect(&database));
    carry_out(&mut client, &[FIRST], 1).unwrap();
    let mut reader = other.transaction().unwrap();
    reader.query("SELECT * FROM task", &[]).unwrap();
    let mut tries = 0;
    let mut count = |step: Step<'_>| tries += i32::from(matches!(step, Step::InTheWay { .. }));
    let plan = Plan { files: &[FIRST, SECOND], version: 2, compatible: 1 };
    let error = plan.carry_out(&mut client, &brief(), &mut count).unwrap_err();
    assert!(error.to_string().contains("55P03") && error.is_in_the_way(), "{error}");
    assert_eq!(tries, 2);
    // Nobody waits behind it any more.
    let mut third = connect(&database);
    third.batch_execute("SET lock_timeout = 1000").unwrap();
    third.query("SELECT * FROM task", &[]).unwrap();
    reader.commit().unwrap();
    assert_eq!(names(&carry_out(&mut client, &[FIRST, SECOND], 2).unwrap()), ["0002_second"]);
}

#[test]
fn without_a_transaction_whoever_was_cut_off_begins_again() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let mut client = connect(&database);
    carry_out(&mut client, &[FIRST], 1).unwrap();
    client.batch_execute("INSERT INTO task SELECT n, 'same' FROM generate_series(1, 2500) n").unwrap();
    let second = File {
        version: 2,
        name: "0002_second",
        text: "-- no transaction\n\
               UPDATE task SET title = id::text WHERE id IN (SELECT id FROM task WHERE title = 'same' LIMIT 1000) RETURNING 1;\n\
               ALTER TABLE task ADD COLUMN IF NOT EXISTS rank bigint;\n\
               CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS task_title ON task (title)",
    };
    // One that was cut off while it made the index leaves a broken one.
    let error =
        client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY task_title ON task (title)").unwrap_err();
    assert_eq!(error.code().map(|code| code.code()), Some("23505"));
    assert_eq!(names(&carry_out(&mut client, &[FIRST, second], 2).unwrap()), ["0002_second"]);
    let valid = "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE relname = 'task_title' AND indisvalid";
    assert_eq!(number(&mut client, valid), 1);
    assert_eq!(number(&mut client, "SELECT count(DISTINCT title) FROM task"), 2500);
}

/// A reader of long ago holds up whoever makes an index beside it, and nobody else meanwhile.
#[test]
fn an_index_that_waits_for_an_old_reader_keeps_nobody_waiting() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let (mut other, mut client) = (connect(&database), connect(&database));
    carry_out(&mut client, &[FIRST], 1).unwrap();
    let mut reader =
        other.build_transaction().isolation_level(postgres::IsolationLevel::RepeatableRead).start().unwrap();
    reader.query("SELECT * FROM task", &[]).unwrap();
    let address = database.to_owned();
    let indexing = thread::spawn(move || {
        let second = File {
            version: 2,
            name: "0002_second",
            text: "-- no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a ON task (title)",
        };
        carry_out(&mut connect(&address), &[FIRST, second], 2).unwrap().now
    });
    while number(&mut client, "SELECT count(*) FROM pg_stat_progress_create_index") == 0 {
        thread::sleep(Duration::from_millis(10));
    }
    client.batch_execute("SET statement_timeout = 2000; INSERT INTO task VALUES (1, 'new')").unwrap();
    thread::sleep(Duration::from_millis(200));
    assert!(!indexing.is_finished());
    reader.commit().unwrap();
    assert_eq!(indexing.join().unwrap(), 2);
}

#[test]
fn a_store_refuses_a_schema_that_it_cannot_work_with() {
    let Some(server) = Server::shared() else { return };
    let database = server.lend_empty();
    let store = || Postgres::open(NativePg::open(&database).unwrap(), Clock::Database).unwrap();
    let schema = |result: Result<(), StoreError>| match result {
        Err(StoreError::Schema { found, needed }) => Some((found, needed)),
        other => panic!("{other:?}"),
    };
    assert_eq!(schema(store().check()), Some((0, VERSION)));
    // A statement that misses something asks what the schema is.
    assert_eq!(schema(store().execute("SELECT id FROM task", &[]).map(drop)), Some((0, VERSION)));
    assert_eq!(schema(store().execute("SELECT perennial_nothing()", &[]).map(drop)), Some((0, VERSION)));

    let mut client = connect(&database);
    migrate(&mut client, &Patience::default(), &mut |_| {}).unwrap();
    store().check().unwrap();
    assert!(matches!(store().execute("SELECT perennial_nothing()", &[]), Err(StoreError::Database(_))));

    client.batch_execute(&format!("UPDATE schema_version SET version = 9, compatible = {VERSION}")).unwrap();
    store().check().unwrap();
    client.batch_execute("UPDATE schema_version SET compatible = compatible + 1").unwrap();
    assert_eq!(schema(store().check()), Some((9, VERSION)));
    assert_eq!(schema(store().execute("SELECT perennial_nothing()", &[]).map(drop)), Some((9, VERSION)));
}

/// From each version that there was to this one, with rows in the tables.
#[test]
fn a_database_of_each_version_is_brought_up_to_this_one() {
    let Some(server) = Server::shared() else { return };
    for from in 1..VERSION {
        let database = server.lend_empty();
        let (mut client, mut other) = (connect(&database), connect(&database));
        let older = || {
            let files: Vec<File> = FILES.iter().filter(|file| file.version <= from).copied().collect();
            carry_out(&mut connect(&database), &files, from)
        };
        older().unwrap();
        client
            .batch_execute(
                "INSERT INTO outbox (stream_id, sequence, topic, event_id, type, subject, user_id, data, at, correlation_id) \
                 SELECT 'ada', n, 'task-events', n::text, 'task.created', 'x', 'ada', '{}', 1, 'x' FROM generate_series(1, 1000) n",
            )
            .unwrap();
        let now = migrate(&mut client, &Patience::default(), &mut |_| {}).unwrap();
        let missing = FILES.iter().filter(|file| file.version > from);
        assert_eq!((now.before, now.now), (from, VERSION));
        assert_eq!(names(&now), missing.map(|file| file.name).collect::<Vec<_>>());
        assert_eq!(number(&mut other, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
        assert_eq!(number(&mut other, "SELECT count(*) FROM outbox"), 1000);
        Postgres::open(NativePg::open(&database).unwrap(), Clock::Database).unwrap().check().unwrap();
        // Whoever comes with the build of that version finds a schema that it can work with, or one that is too new.
        match older() {
            Ok(left) => assert!(from >= COMPATIBLE && left.applied.is_empty()),
            Err(error) => {
                assert!(from < COMPATIBLE && matches!(error, MigrateError::TooNew { .. }), "{error}");
            }
        }
    }
}

#[test]
fn a_database_of_another_encoding_is_refused() {
    let Some(server) = Server::shared() else { return };
    let mut client = connect(&server.address("postgres"));
    let other = "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'";
    client.batch_execute(other).unwrap();
    let error = carry_out(&mut connect(&server.address("latin")), &[FIRST], 1).unwrap_err();
    assert!(error.to_string().contains("this one is in LATIN1"), "{error}");
    client.batch_execute("DROP DATABASE latin WITH (FORCE)").unwrap();
}
