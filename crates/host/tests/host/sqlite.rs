//! `spin:sqlite`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Host, PROBE, Setup};

fn error(results: &Value, n: usize) -> &str {
    results["results"][n]["error"].as_str().unwrap_or_else(|| panic!("no error: {results}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn values_go_in_and_come_out() {
    let host = Host::probe().await;
    let reply = host
        .sql(json!([["SELECT ? AS i, ? AS r, ? AS t, ? AS b, ? AS n", 7, 1.5, "text", [0, 255], null]]))
        .await;
    assert_eq!(reply["results"][0]["columns"], json!(["i", "r", "t", "b", "n"]));
    assert_eq!(reply["results"][0]["rows"], json!([[7, 1.5, "text", [0, 255], null]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn permission_is_asked_before_existence() {
    let app = PROBE.replace("[\"default\"]", "[\"default\", \"other\"]");
    let refusal = Setup::new(&app).refusal().await;
    assert!(refusal.contains("line 12") && refusal.contains("\"other\", which is not defined"), "{refusal}");
    let host = Setup::new(&app)
        .runtime_config(
            "[sqlite_database.other]\ntype = \"spin\"\n[sqlite_database.third]\ntype = \"spin\"\n",
        )
        .start()
        .await;
    for (database, expected) in [("third", "access-denied"), ("nowhere", "access-denied")] {
        let reply = host.post("/sql", &json!({ "database": database })).await;
        assert_eq!(reply["error"], expected, "{database}");
    }
    // Without a path it is in memory, and new at each `open`.
    let script = json!({ "database": "other", "statements": [["CREATE TABLE t (a)"]] });
    assert_eq!(host.post("/sql", &script).await["results"][0]["rows"], json!([]));
    assert_eq!(host.post("/sql", &script).await["results"][0]["rows"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_in_sqlites_words() {
    let host = Host::probe().await;
    let reply = host
        .sql(json!([
            ["CREATE TABLE t (c TEXT UNIQUE, v INTEGER CHECK (v > 0))"],
            ["INSERT INTO t VALUES ('a', 1)"],
            ["INSERT INTO t VALUES ('a', 1)"],
            ["INSERT INTO t VALUES ('b', 0)"],
            ["CREATE TRIGGER r BEFORE INSERT ON t WHEN new.c = 'stop' BEGIN SELECT RAISE(ABORT, 'version'); END"],
            ["INSERT INTO t VALUES ('stop', 1)"],
            ["SELEC"],
            ["SELECT ?"],
        ]))
        .await;
    assert_eq!(error(&reply, 2), "io: UNIQUE constraint failed: t.c");
    assert_eq!(error(&reply, 3), "io: CHECK constraint failed: v > 0");
    assert_eq!(error(&reply, 5), "io: version");
    assert!(error(&reply, 6).starts_with("io: near \"SELEC\": syntax error"));
    assert_eq!(error(&reply, 7), "io: Wrong number of parameters passed to query. Got 0, needed 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_statement_at_a_time() {
    let host = Host::probe().await;
    let reply = host
        .sql(json!([["CREATE TABLE a (x); CREATE TABLE b (x)"], ["SELECT 1;"], ["SELECT 1; -- done"], [""]]))
        .await;
    assert!(error(&reply, 0).contains("more than one statement"));
    assert_eq!(reply["results"][1]["rows"], json!([[1]]));
    assert_eq!(reply["results"][2]["rows"], json!([[1]]));
    assert_eq!(host.rows("SELECT count(*) FROM sqlite_schema").await, json!([[0]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_files_and_the_process_are_out_of_reach() {
    let host = Host::probe().await;
    let reply = host
        .sql(json!([
            ["ATTACH DATABASE '/tmp/elsewhere.db' AS other"],
            ["ATTACH DATABASE ? AS other", "/tmp/elsewhere.db"],
            ["ATTACH DATABASE '' AS other"],
            ["DETACH DATABASE main"],
            ["VACUUM INTO '/tmp/elsewhere.db'"],
            ["PRAGMA temp_store_directory = '/tmp'"],
            ["PRAGMA soft_heap_limit = 1"],
            ["SELECT load_extension('x')"],
        ]))
        .await;
    for n in 0..8 {
        let refused = ["not authorized", "authorization denied", "too many attached databases"];
        assert!(refused.iter().any(|text| error(&reply, n).contains(text)), "{n}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_starts_as_a_fresh_one_of_spin() {
    let host = Host::probe().await;
    let defaults = json!([
        ["PRAGMA foreign_keys"],
        ["PRAGMA busy_timeout"],
        ["PRAGMA synchronous"],
        ["PRAGMA journal_mode"],
        ["SELECT last_insert_rowid()"],
    ]);
    let told = |reply: &Value| (0..5).map(|n| reply["results"][n]["rows"][0][0].clone()).collect::<Vec<_>>();
    let expected = json!([1, 5000, 2, "delete", 0]);
    assert_eq!(json!(told(&host.sql(defaults.clone()).await)), expected);
    // Each of these would leak into the next guest through a pooled connection.
    for leak in [
        json!([["PRAGMA foreign_keys = OFF"], ["PRAGMA busy_timeout = 1"], ["PRAGMA synchronous = OFF"]]),
        json!([["/* hidden */ PRAGMA synchronous = OFF"], ["-- hidden\nPRAGMA foreign_keys(0)"]]),
        json!([["PRAGMA query_only = ON"]]),
        json!([["PRAGMA case_sensitive_like = ON"]]),
        json!([["PRAGMA main.locking_mode = EXCLUSIVE"], ["SELECT * FROM sqlite_schema"]]),
        json!([["CREATE TEMP TABLE t (a)"], ["INSERT INTO t VALUES (1)"]]),
        json!([["CREATE TEMP VIEW sqlite_lookalike AS SELECT 1"]]),
        json!([["BEGIN IMMEDIATE"], ["CREATE TABLE leaked (a)"]]),
        json!([["BEGIN"], ["SELECT * FROM sqlite_schema"]]),
        json!([["SAVEPOINT s"]]),
        json!([["CREATE TABLE IF NOT EXISTS kept (a)"], ["INSERT INTO kept VALUES (1)"]]),
    ] {
        host.sql(leak.clone()).await;
        host.running.idle().await;
        for _ in 0..3 {
            let reply = host.sql(defaults.clone()).await;
            assert_eq!(json!(told(&reply)), expected, "after {leak}");
            assert_eq!(reply["connection"], json!({ "rowid": 0, "changes": 0 }));
        }
        let tables = host.rows("SELECT name FROM temp.sqlite_schema UNION ALL SELECT name FROM sqlite_schema WHERE name = 'leaked'").await;
        assert_eq!(tables, json!([]), "after {leak}");
        assert_eq!(host.rows("SELECT 'A' LIKE 'a'").await, json!([[1]]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trapped_transaction_is_rolled_back_and_blocks_nobody() {
    let host = Host::probe().await;
    host.sql(json!([["PRAGMA journal_mode = WAL"], ["CREATE TABLE t (a)"]])).await;
    for n in 0..20 {
        let script = json!({ "statements": [["BEGIN IMMEDIATE"], ["INSERT INTO t VALUES ('lost')"]] });
        let reply = host.send(http::Request::post("/sql-trap"), script.to_string()).await;
        assert_eq!(reply.status, 500);
        let began = Instant::now();
        let reply = host.sql(json!([["INSERT INTO t VALUES (?)", n]])).await;
        assert_eq!(reply["connection"]["changes"], 1, "{reply}");
        assert!(began.elapsed() < Duration::from_secs(2), "the write lock leaked");
    }
    assert_eq!(host.rows("SELECT count(*), sum(a = 'lost') FROM t").await, json!([[20, 0]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_are_the_guests_own() {
    let host = Host::probe().await;
    host.sql(json!([["CREATE TABLE t (a INTEGER PRIMARY KEY, b)"]])).await;
    let reply = host.sql(json!([["INSERT INTO t (b) VALUES (1), (2)"], ["SELECT 1"]])).await;
    assert_eq!(reply["connection"], json!({ "rowid": 2, "changes": 2 }));
    let reply = host.sql(json!([["SELECT count(*) FROM t"]])).await;
    assert_eq!(reply["connection"], json!({ "rowid": 0, "changes": 0 }));
    let reply = host.sql(json!([["UPDATE t SET b = 3"]])).await;
    assert_eq!(reply["connection"], json!({ "rowid": 0, "changes": 2 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_take_turns() {
    let host = Host::probe().await;
    host.sql(json!([["PRAGMA journal_mode = WAL"], ["CREATE TABLE t (a)"]])).await;
    // Transactions of several statements among single ones: whoever holds the lock must be able to go on.
    let writer = async |n: usize| {
        let statements = match n % 2 {
            0 => json!([["INSERT INTO t VALUES (?)", n]]),
            _ => json!([
                ["BEGIN IMMEDIATE"],
                ["INSERT INTO t VALUES (?)", n],
                ["SELECT count(*) FROM t"],
                ["COMMIT"]
            ]),
        };
        let reply = host.sql(statements).await;
        assert!(!reply.to_string().contains("error"), "{reply}");
    };
    let began = Instant::now();
    futures_util::future::join_all((0..200).map(writer)).await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(host.rows("SELECT count(*), count(DISTINCT a) FROM t").await, json!([[200, 200]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_outlives_guests_and_the_data_a_restart() {
    let setup = Setup::new(PROBE);
    let (options, path) = (setup.options.clone(), setup.folder.path().join(".spin/sqlite_db.db-wal"));
    let host = setup.start().await;
    host.sql(json!([["PRAGMA journal_mode = WAL"], ["CREATE TABLE t (a)"], ["INSERT INTO t VALUES (1)"]]))
        .await;
    // A tainted connection is closed; the log stays all the same.
    host.sql(json!([["PRAGMA query_only = ON"]])).await;
    host.running.idle().await;
    assert!(path.metadata().unwrap().len() > 0);
    host.running.stop().await;
    let running = perennial_host::start(options, Default::default()).await.unwrap();
    let host = Host { running, folder: host.folder };
    assert_eq!(host.rows("SELECT * FROM t").await, json!([[1]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_statement_ends_with_its_guest() {
    let mut setup = Setup::new(PROBE);
    setup.options.limits.until_response = Duration::from_millis(200);
    let host = setup.start().await;
    let endless = json!({ "statements": [["WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"]] });
    assert_eq!(host.send(http::Request::post("/sql"), endless.to_string()).await.status, 500);
    // The interrupted connection serves the next guest.
    assert_eq!(host.rows("SELECT 1").await, json!([[1]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_bounded() {
    let host = Host::probe().await;
    let reply = host
        .sql(json!([["WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200) SELECT zeroblob(1000000) FROM n"]]))
        .await;
    assert_eq!(error(&reply, 0), "io: query result exceeds limit of 134217728 bytes");
}
