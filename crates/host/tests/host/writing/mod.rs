//! Guests that write at once share a transaction and its sync, and none of them can tell.

mod group;
mod waiting;

use futures_util::future::join_all;
use perennial_host::Counts;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Host, Reply, Setup, eventually};

const TABLES: &str = "CREATE TABLE t (a INTEGER PRIMARY KEY, b);
    CREATE TABLE child (a REFERENCES t DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER stop BEFORE INSERT ON t WHEN new.b = 'rollback' BEGIN SELECT RAISE(ROLLBACK, 'stopped'); END;
    CREATE TRIGGER cut BEFORE INSERT ON t WHEN new.b = 'abort' BEGIN SELECT RAISE(ABORT, 'aborted'); END;
    INSERT INTO t VALUES (1, 'first');";

/// It changes nothing, but takes the lock that changes take.
const OPENER: &str = "DELETE FROM t WHERE false";

/// A host on a database with tables in it, and a connection to it as another process would have it.
async fn house(setup: Setup, journal: &str) -> (Host, Connection) {
    let state = setup.folder.path().join(".spin");
    std::fs::create_dir_all(&state).unwrap();
    let outside = Connection::open(state.join("sqlite_db.db")).unwrap();
    outside.pragma_update(None, "journal_mode", journal).unwrap();
    outside.execute_batch(TABLES).unwrap();
    (setup.start().await, outside)
}

async fn statements(host: &Host, at_least: u64) {
    eventually("all have asked", async || host.running.counts()["probe"].statements >= at_least).await;
}

/// Runs each script in a guest of its own, in this order. Another process has the database until all have asked, and an
/// opener waits for it: then all that write do so together.
async fn together(host: &Host, outside: &Connection, scripts: &[Value]) -> (Vec<Reply>, Counts) {
    host.running.idle().await;
    let before = host.running.counts()["probe"];
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Should one of them come before the opener waits, it is written with it: the opener itself asks for no sync.
    let opener = json!([["PRAGMA synchronous = NORMAL"], [OPENER]]);
    let mut asked = before.statements + 2;
    let guests = scripts.iter().map(|script| {
        let turn = asked;
        asked += script.as_array().unwrap().len() as u64;
        let script = json!({ "statements": script }).to_string();
        async move {
            statements(host, turn).await;
            host.send(http::Request::post("/sql"), script).await
        }
    });
    let guests = join_all(guests.collect::<Vec<_>>());
    let release = async {
        statements(host, asked).await;
        outside.execute_batch("ROLLBACK").unwrap();
    };
    let (_, replies, ()) = tokio::join!(host.sql(opener), guests, release);
    host.running.idle().await;
    (replies, host.running.counts()["probe"].since(before))
}

fn insert(a: usize) -> Value {
    json!([["INSERT INTO t VALUES (?, 'row')", a]])
}

fn rows(outside: &Connection) -> Vec<i64> {
    let mut rows = outside.prepare("SELECT a FROM t ORDER BY a").unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}
