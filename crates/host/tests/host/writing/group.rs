//! What comes of statements that are written together.

use serde_json::{Value, json};

use super::{house, insert, rows, together};
use crate::support::{PROBE, Reply, Setup};

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
