//! Guests that write at once share a transaction and its sync, and none of them can tell.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use perennial_host::Counts;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Host, PROBE, Reply, Setup, eventually};

const TABLES: &str = "CREATE TABLE t (a INTEGER PRIMARY KEY, b);
    CREATE TABLE child (a REFERENCES t DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER stop BEFORE INSERT ON t WHEN new.b = 'rollback' BEGIN SELECT RAISE(ROLLBACK, 'stopped'); END;
    CREATE TRIGGER cut BEFORE INSERT ON t WHEN new.b = 'abort' BEGIN SELECT RAISE(ABORT, 'aborted'); END;
    INSERT INTO t VALUES (1, 'first');";

/// It changes nothing, but takes the lock that changes take.
const OPENER: &str = "DELETE FROM t WHERE false";

const ENDLESS: &str =
    "INSERT INTO t (b) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

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
    let mut asked = before.statements + 1;
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
    let (_, replies, ()) = tokio::join!(host.sql(json!([[OPENER]])), guests, release);
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

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_writers_at_once_cost_fewer_syncs_than_writes() {
    let (host, outside) = house(Setup::new(PROBE), "WAL").await;
    let scripts: Vec<Value> = (100..116).map(insert).collect();
    let (replies, cost) = together(&host, &outside, &scripts).await;
    for (a, reply) in (100..).zip(replies) {
        assert_eq!(reply.json()["connection"], json!({ "rowid": a, "changes": 1 }));
    }
    assert_eq!(rows(&outside).len(), 17);
    assert!((1..=4).contains(&cost.synced_commits), "{cost:?}");
    assert_eq!(cost.unsynced_commits, 0, "{cost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_for_a_sync_has_it_for_all() {
    let (host, outside) = house(Setup::new(PROBE), "WAL").await;
    let normal = |a: usize| json!([["PRAGMA synchronous = NORMAL"], ["INSERT INTO t VALUES (?, 'row')", a]]);
    let (_, cost) = together(&host, &outside, &(100..108).map(normal).collect::<Vec<_>>()).await;
    assert_eq!(cost.synced_commits, 0, "{cost:?}");
    assert!((1..=4).contains(&cost.unsynced_commits), "{cost:?}");
    let scripts: Vec<Value> =
        (200..204).map(normal).chain([insert(204)]).chain((205..208).map(normal)).collect();
    let (_, cost) = together(&host, &outside, &scripts).await;
    assert_eq!(cost.synced_commits, 1, "{cost:?}");
    assert_eq!(rows(&outside).len(), 17);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_among_others_comes_out_as_by_itself() {
    for (statement, error, kept) in [
        ("INSERT INTO t VALUES (1, 'again')", "UNIQUE constraint failed: t.a", vec![]),
        ("INSERT INTO t VALUES (50, 'x'), (1, 'again')", "UNIQUE constraint failed: t.a", vec![]),
        ("INSERT OR FAIL INTO t VALUES (50, 'x'), (1, 'again')", "UNIQUE constraint failed: t.a", vec![50]),
        ("INSERT OR ROLLBACK INTO t VALUES (50, 'x'), (1, 'again')", "UNIQUE constraint failed: t.a", vec![]),
        ("INSERT INTO t VALUES (50, 'abort')", "aborted", vec![]),
        ("INSERT INTO t VALUES (50, 'x'), (51, 'rollback')", "stopped", vec![]),
        ("INSERT INTO child VALUES (77)", "FOREIGN KEY constraint failed", vec![]),
        ("INSERT INTO nowhere VALUES (1)", "no such table: nowhere", vec![]),
        ("INSERT INTO t VALUES (?, ?)", "Wrong number of parameters", vec![]),
        ("INSERT OR IGNORE INTO t VALUES (1, 'again')", "", vec![]),
        ("INSERT INTO t VALUES (50, last_insert_rowid())", "", vec![50]),
    ] {
        let (host, outside) = house(Setup::new(PROBE), "WAL").await;
        let mut scripts: Vec<Value> = (100..108).map(insert).collect();
        scripts.insert(4, json!([[statement]]));
        let (mut replies, cost) = together(&host, &outside, &scripts).await;
        let reply = replies.remove(4).json();
        let said = reply["results"][0]["error"].as_str().unwrap_or_default();
        assert!(said.contains(error) && said.is_empty() == error.is_empty(), "{statement}: {reply}");
        for reply in replies.iter().map(Reply::json) {
            assert_eq!(reply["results"][0]["rows"], json!([]), "beside {statement}: {reply}");
            assert_eq!(reply["connection"]["changes"], 1, "beside {statement}: {reply}");
        }
        let expected: Vec<i64> = [1].into_iter().chain(kept).chain(100..108).collect();
        assert_eq!(rows(&outside), expected, "beside {statement}");
        let children: i64 = outside.query_row("SELECT count(*) FROM child", [], |row| row.get(0)).unwrap();
        assert_eq!(children, 0);
        let unset = "SELECT count(*) FROM t WHERE a = 50 AND b IS NOT 'x' AND b IS NOT 0";
        assert_eq!(outside.query_row(unset, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{statement}");
        assert!(cost.synced_commits >= 1, "{cost:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_owes_nothing_to_the_next_one() {
    let (host, outside) = house(Setup::new(PROBE), "WAL").await;
    let child = json!([["INSERT INTO child VALUES (77)"]]);
    let scripts = [insert(100), child.clone(), insert(77), child];
    let (replies, _) = together(&host, &outside, &scripts).await;
    let said = |n: usize| replies[n].json()["results"][0]["error"].clone();
    assert_eq!(said(1), "io: FOREIGN KEY constraint failed");
    assert_eq!([said(0), said(2), said(3)], [Value::Null, Value::Null, Value::Null]);
    let children: i64 = outside.query_row("SELECT count(*) FROM child", [], |row| row.get(0)).unwrap();
    assert_eq!(children, 1);
    assert_eq!(rows(&outside), [1, 77, 100]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_statement_does_not_hold_the_others() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.until_response = Duration::from_secs(4);
    let (host, outside) = house(setup, "WAL").await;
    let mut scripts: Vec<Value> = (100..108).map(insert).collect();
    scripts.insert(4, json!([[ENDLESS]]));
    let (replies, _) = together(&host, &outside, &scripts).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 500, 200, 200, 200, 200]);
    assert_eq!(rows(&outside), [1].into_iter().chain(100..108).collect::<Vec<_>>());
    // The right to write came back with its guest's end.
    let reply = host.sql(insert(200)).await;
    assert_eq!(reply["connection"]["changes"], 1, "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_goes_while_it_waits_writes_nothing() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.until_response = Duration::from_millis(500);
    let (host, outside) = house(setup, "WAL").await;
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let cut = async |script: Value| {
        let script = json!({ "statements": script }).to_string();
        assert_eq!(host.send(http::Request::post("/sql"), script).await.status, 500);
    };
    let opener = cut(json!([[OPENER]]));
    let guests = async {
        statements(&host, 1).await;
        join_all((100..108).map(|a| cut(insert(a)))).await
    };
    tokio::join!(opener, guests);
    outside.execute_batch("ROLLBACK").unwrap();
    let reply = host.sql(insert(200)).await;
    assert_eq!(reply["connection"]["changes"], 1, "{reply}");
    assert_eq!(rows(&outside), [1, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_before_the_commit() {
    // Without a write-ahead log a commit waits for readers, so that the moment before it can be held.
    let (host, outside) = house(Setup::new(PROBE), "DELETE").await;
    let reader = Connection::open(outside.path().unwrap()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(rows(&reader), [1]);
    let answered = AtomicUsize::new(0);
    let guest = async |a: usize| {
        let reply = host.sql(insert(a)).await;
        answered.fetch_add(1, Ordering::Relaxed);
        reply
    };
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let opener = host.sql(json!([[OPENER]]));
    let guests = async {
        statements(&host, 1).await;
        join_all((100..104).map(guest)).await
    };
    let look = async {
        statements(&host, 5).await;
        outside.execute_batch("ROLLBACK").unwrap();
        outside.busy_timeout(Duration::ZERO).unwrap();
        // Who wants to commit keeps new readers out.
        eventually("all but the commit is done", async || {
            outside.query_row("SELECT count(*) FROM t", [], |_| Ok(())).is_err()
        })
        .await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let early = answered.load(Ordering::Relaxed);
        reader.execute_batch("COMMIT").unwrap();
        early
    };
    let (_, replies, early) = tokio::join!(opener, guests, look);
    assert_eq!(early, 0, "answered before anything was committed");
    for reply in replies {
        assert_eq!(reply["connection"]["changes"], 1, "{reply}");
    }
    assert_eq!(rows(&reader), [1, 100, 101, 102, 103]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_is_acknowledged_to_nobody() {
    let (host, outside) = house(Setup::new(PROBE), "DELETE").await;
    let reader = Connection::open(outside.path().unwrap()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(rows(&reader), [1]);
    // The reader stays for longer than the commit waits.
    let scripts: Vec<Value> = (100..104).map(insert).collect();
    let (replies, cost) = together(&host, &outside, &scripts).await;
    for reply in replies.iter().map(Reply::json) {
        assert_eq!(reply["results"][0]["error"], "io: database is locked");
    }
    assert_eq!(cost.synced_commits, 0);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(rows(&reader), [1]);
    assert_eq!(host.sql(insert(200)).await["connection"]["changes"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_process_has_is_locked_after_five_seconds() {
    let (host, outside) = house(Setup::new(PROBE), "WAL").await;
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let replies = join_all((100..108).map(|a| host.sql(insert(a)))).await;
    assert!(began.elapsed() >= Duration::from_secs(4), "they did not wait");
    for reply in replies {
        assert_eq!(reply["results"][0]["error"], "io: database is locked");
    }
    outside.execute_batch("ROLLBACK").unwrap();
    assert_eq!(host.sql(insert(200)).await["connection"]["changes"], 1);
    assert_eq!(rows(&outside), [1, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_a_guest_hold_for_what_it_writes() {
    let (host, _outside) = house(Setup::new(PROBE), "WAL").await;
    let reply = host
        .sql(json!([
            ["CREATE TABLE strict (a REFERENCES t)"],
            ["INSERT INTO strict VALUES (77)"],
            ["PRAGMA foreign_keys = OFF"],
            ["INSERT INTO strict VALUES (77)"],
            ["CREATE TEMP TABLE t (a, b)"],
            ["INSERT INTO t VALUES (5, 6)"],
            ["SELECT a FROM temp.t"],
        ]))
        .await;
    assert_eq!(reply["results"][1]["error"], "io: FOREIGN KEY constraint failed");
    assert_eq!(reply["results"][3]["rows"], json!([]));
    assert_eq!(reply["results"][6]["rows"], json!([[5]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_stays_bounded() {
    let (host, outside) = house(Setup::new(PROBE), "WAL").await;
    // Ten pages a row, ten thousand in all.
    let rows: Vec<Value> = (0..1000).map(|_| json!(["INSERT INTO t (b) VALUES (zeroblob(40000))"])).collect();
    host.sql(json!([["PRAGMA synchronous = OFF"]])).await;
    host.sql(Value::Array(rows)).await;
    host.running.idle().await;
    let log = std::path::PathBuf::from(format!("{}-wal", outside.path().unwrap()));
    let pages = log.metadata().unwrap().len() / 4096;
    assert!(pages < 6000, "{pages} pages");
}
