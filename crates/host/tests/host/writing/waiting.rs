//! Statements that wait, for each other or for somebody outside, and guests that do not.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{OPENER, house, insert, rows, statements, together};
use crate::support::{PROBE, Reply, Setup};

const ENDLESS: &str =
    "INSERT INTO t (b) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

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
async fn a_commit_that_fails_is_acknowledged_to_nobody() {
    let (host, outside) = house(Setup::new(PROBE), "DELETE").await;
    let reader = Connection::open(outside.path().unwrap()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(rows(&reader), [1]);
    // Without a write-ahead log a commit waits for readers; this one stays for longer than it waits.
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
