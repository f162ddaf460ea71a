//! SQLite: `perennial backup` under load, `perennial restore` into another folder.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use perennial_tests::{Client, Service, Setup, State, perennial};
use rusqlite::Connection;

use crate::after::Reader;
use crate::load::under_load;
use crate::{CLIENTS, writes};

fn run(arguments: &[&Path]) -> String {
    let output = perennial().args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn backup(state: &Path, to: &Path) -> String {
    run(&["backup".as_ref(), "--state-dir".as_ref(), state, to])
}

/// Restores a copy; how long that took.
fn restore(from: &Path, state: &Path) -> Duration {
    let began = Instant::now();
    run(&["restore".as_ref(), "--state-dir".as_ref(), state, from]);
    began.elapsed()
}

fn number(store: &Connection, query: &str) -> i64 {
    store.query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// A copy that was made under load is how the store was at one moment: it has all of each stream's events to a place, and none after it.
fn is_of_one_moment(copy: &Path, store: &Path) {
    let copy = Connection::open(copy).unwrap();
    copy.execute("ATTACH ?1 AS later", [store.to_str().unwrap()]).unwrap();
    for (what, query) in [
        (
            "an event that nobody wrote",
            "SELECT stream_id, sequence, event_id, type, subject, data FROM main.outbox
             EXCEPT SELECT stream_id, sequence, event_id, type, subject, data FROM later.outbox",
        ),
        (
            "an event before the end of its stream that is not there",
            "SELECT o.event_id FROM later.outbox AS o JOIN main.stream AS s ON s.id = o.stream_id AND o.sequence <= s.sequence
             EXCEPT SELECT event_id FROM main.outbox",
        ),
        (
            "an event after the end of its stream",
            "SELECT 1 FROM main.outbox AS o JOIN main.stream AS s ON s.id = o.stream_id AND o.sequence > s.sequence",
        ),
        ("a task without its event", "SELECT id FROM main.task EXCEPT SELECT subject FROM main.outbox"),
    ] {
        assert_eq!(number(&copy, &format!("SELECT count(*) FROM ({query})")), 0, "{what}");
    }
}

fn titles(store: &Path) -> HashSet<String> {
    let store = Connection::open(store).unwrap();
    let mut titles = store.prepare("SELECT title FROM task").unwrap();
    titles.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_store_on_sqlite_is_restored_from_a_backup_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut service = Service::with(Setup { state_dir: Some(at("first")), ..Setup::default() });
    let store = at("first").join("sqlite_db.db");
    let users: Vec<Client> = (0..CLIENTS).map(|number| service.user(&format!("Client {number}"))).collect();

    let (all, (reader, held)) = under_load(&users, "sqlite", |ledger| {
        ledger.wait_for(writes());
        let known = ledger.so_far();
        print!("SQLite: under load, {}", backup(&at("first"), &at("under-load.db")));
        ledger.wait_for(writes());
        let there = titles(&at("under-load.db"));
        assert!(
            known.iter().all(|write| there.contains(&write.title)),
            "what was acknowledged before it is in it"
        );

        // Nobody writes while this is held, and the service goes on with everything else.
        let reader = Reader::new(&service);
        let hold = Connection::open(&store).unwrap();
        hold.busy_timeout(Duration::from_secs(20)).unwrap();
        hold.execute_batch("BEGIN IMMEDIATE").unwrap();
        let held = State::of_file(&store);
        backup(&at("first"), &at("held.db"));
        assert_eq!(State::of_file(&store), held);
        let armed =
            format!("SELECT count(*) FROM alarm WHERE task_id = '{}' AND state = 'armed'", reader.task());
        assert_eq!(number(&hold, &armed), 1, "nobody was reminded before");
        service.kill();
        (reader, held)
    });
    assert_eq!(State::of_file(&store), held, "nobody wrote meanwhile");
    let there = titles(&store);
    assert!(all.iter().all(|write| there.contains(&write.title)), "all that was acknowledged is there");

    restore(&at("under-load.db"), &at("second"));
    is_of_one_moment(&at("second").join("sqlite_db.db"), &store);
    let took = restore(&at("held.db"), &at("third"));
    let restored = State::of_file(&at("third").join("sqlite_db.db"));
    assert_eq!(restored.tables, held.tables, "it holds the same");
    assert_ne!(restored.epoch, held.epoch, "and is another history");
    assert_eq!(restored.hash(), held.hash());
    println!(
        "SQLite: {} writes; state {} of {} rows in {} tables, equal once restored, which took {:.2} s",
        all.len(),
        &held.hash()[..16],
        held.rows(),
        held.tables.len(),
        took.as_secs_f64()
    );
    let service = Service::with(Setup { state_dir: Some(at("third")), ..Setup::default() });
    reader.comes_again(&service);
}
