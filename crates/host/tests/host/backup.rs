//! `perennial backup`, `restore` and `restored`: what they refuse, and what is the same afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use perennial_postgres::{Server, aside, connect};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::cli::Up;

const EPOCH: &str = "0123456789abcdef";

/// A store of the probe's, of many pages.
const STORE: &str = "PRAGMA journal_mode = WAL;
    CREATE TABLE epoch (only INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT;
    INSERT INTO epoch VALUES (1, '0123456789abcdef');
    CREATE TABLE row (n INTEGER PRIMARY KEY, filler TEXT NOT NULL) STRICT;
    WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 200)
    INSERT INTO row SELECT value, hex(randomblob(500)) FROM n;";

/// Runs the binary; what it printed, or its error.
fn perennial(arguments: &[&Path]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perennial"));
    told(command.args(arguments).env_remove("SPIN_VARIABLE_DATABASE_URL"))
}

fn told(command: &mut Command) -> Result<String, String> {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn backup(state: &Path, to: &Path) -> Result<String, String> {
    perennial(&["backup".as_ref(), "--state-dir".as_ref(), state, to])
}

fn restore(from: &Path, state: &Path) -> Result<String, String> {
    perennial(&["restore".as_ref(), "--state-dir".as_ref(), state, from])
}

/// Makes a store in a state folder that nobody uses, and leaves nothing beside its file.
fn make(state: &Path) {
    fs::create_dir_all(state).unwrap();
    let store = Connection::open(state.join("sqlite_db.db")).unwrap();
    store.execute_batch(STORE).unwrap();
}

fn one<T: rusqlite::types::FromSql>(file: &Path, query: &str) -> T {
    Connection::open(file).unwrap().query_row(query, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_backup_of_a_running_service_has_what_was_answered_and_is_restored() {
    let folder = TempDir::new().unwrap();
    let (state, copy, other) =
        (folder.path().join("state"), folder.path().join("copy.db"), folder.path().join("other"));
    make(&state);
    let mut up = Up::start(&mut Up::command(folder.path()));
    let add = r#"{"statements": [["INSERT INTO row (n, filler) VALUES (201, 'the newest')"]]}"#;
    up.post("/sql", add);
    let told = backup(&state, &copy).unwrap();
    assert!(told.starts_with(&format!("Backup: {}, ", copy.display())), "{told}");
    up.post("/sql", &add.replace("201", "202"));
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter().all(|name| !name.to_string_lossy().starts_with('.')),
        "nothing is left of making it: {left:?}"
    );

    let told = restore(&copy, &other).unwrap();
    let store = other.join("sqlite_db.db");
    let after: String = one(&store, "SELECT id FROM epoch");
    assert_eq!(told, format!("Epoch: {after} (before: {EPOCH})\n"));
    assert!(after != EPOCH && after.len() == 16, "{after}");
    assert_eq!(one::<i64>(&store, "SELECT max(n) FROM row"), 201);
    assert_eq!(one::<String>(&store, "PRAGMA journal_mode"), "wal", "nobody who reads waits for who writes");
    assert_eq!(store.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(one::<String>(&copy, "SELECT id FROM epoch"), EPOCH, "the copy stays as it is");
    assert!(up.stop("-TERM").0.success());
}

#[test]
fn a_backup_replaces_nothing() {
    let folder = TempDir::new().unwrap();
    let (state, copy) = (folder.path().join("state"), folder.path().join("copy.db"));
    let none = backup(&state, &copy).unwrap_err();
    assert!(none.contains("there is no store at") && !state.exists() && !copy.exists(), "{none}");
    make(&state);
    fs::write(&copy, "another").unwrap();
    let refused = backup(&state, &copy).unwrap_err();
    assert!(refused.contains("is there already"), "{refused}");
    assert_eq!(fs::read_to_string(&copy).unwrap(), "another");
}

#[test]
fn a_backup_is_not_restored_over_a_service_or_a_store() {
    let folder = TempDir::new().unwrap();
    let (first, copy, state) =
        (folder.path().join("first"), folder.path().join("copy.db"), folder.path().join("state"));
    make(&first);
    backup(&first, &copy).unwrap();
    // It has not opened a database yet.
    let mut up = Up::start(&mut Up::command(folder.path()));
    let refused = restore(&copy, &state).unwrap_err();
    assert!(refused.contains("already runs on the state folder"), "{refused}");
    assert!(!state.join("sqlite_db.db").exists());
    up.stop("-TERM");

    make(&state);
    Connection::open(state.join("sqlite_db.db")).unwrap().execute("DELETE FROM row", []).unwrap();
    let refused = restore(&copy, &state).unwrap_err();
    assert!(refused.contains("is there already"), "{refused}");
    assert_eq!(one::<i64>(&state.join("sqlite_db.db"), "SELECT count(*) FROM row"), 0);

    fs::remove_file(state.join("sqlite_db.db")).unwrap();
    fs::write(state.join("sqlite_db.db-wal"), "of another").unwrap();
    let refused = restore(&copy, &state).unwrap_err();
    assert!(refused.contains("would spoil this one"), "{refused}");
    fs::remove_file(state.join("sqlite_db.db-wal")).unwrap();
    restore(&copy, &state).unwrap();
    assert_eq!(one::<i64>(&state.join("sqlite_db.db"), "SELECT count(*) FROM row"), 200);
}

#[test]
fn a_backup_that_is_damaged_or_not_whole_is_not_restored() {
    let folder = TempDir::new().unwrap();
    let (first, copy, state) =
        (folder.path().join("first"), folder.path().join("copy.db"), folder.path().join("state"));
    make(&first);
    backup(&first, &copy).unwrap();
    let whole = fs::read(&copy).unwrap();
    let mut damaged = whole.clone();
    let end = damaged.len();
    damaged[end - 40_000..end - 20_000].fill(0xAA);
    fs::write(&copy, damaged).unwrap();
    let refused = restore(&copy, &state).unwrap_err();
    assert!(refused.contains("damaged") || refused.contains("malformed"), "{refused}");
    fs::write(&copy, "no database ".repeat(1000)).unwrap();
    let refused = restore(&copy, &state).unwrap_err();
    assert!(refused.contains("not a database"), "{refused}");

    fs::write(&copy, whole).unwrap();
    let wal = folder.path().join("copy.db-wal");
    fs::write(&wal, "what was written last").unwrap();
    let refused = restore(&copy, &state).unwrap_err();
    assert!(refused.contains("not whole by itself"), "{refused}");
    assert!(!state.join("sqlite_db.db").exists());
    fs::remove_file(&wal).unwrap();
    restore(&copy, &state).unwrap();
}

#[test]
fn a_database_that_was_put_back_goes_on_as_another_history() {
    let Some(server) = Server::shared() else { return };
    let restored = |address: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perennial"));
        told(command.arg("restored").env("SPIN_VARIABLE_DATABASE_URL", address))
    };
    let empty = server.lend_empty();
    let refused = restored(&empty).unwrap_err();
    assert!(refused.contains("there is no store in this database"), "{refused}");

    let database = server.lend();
    let epoch =
        || aside(|| connect(&database).query_one("SELECT id FROM epoch", &[]).unwrap().get::<_, String>(0));
    let before = epoch();
    let mut held = connect(&database);
    held.batch_execute("SET application_name = 'a service'").unwrap();
    let refused = restored(&database).unwrap_err();
    assert!(refused.contains("a store in use stays as it is: a service"), "{refused}");
    assert_eq!(epoch(), before);
    drop(held);

    // A session is seen for a moment after its end.
    let began = Instant::now();
    let told = loop {
        match restored(&database) {
            Err(error) if error.contains("in use") => {
                assert!(began.elapsed() < Duration::from_secs(30), "{error}")
            }
            told => break told.unwrap(),
        }
    };
    let after = epoch();
    assert_eq!(told, format!("Epoch: {after} (before: {before})\n"));
    assert!(
        after != before && after.len() == 16 && after.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{after}"
    );
}
