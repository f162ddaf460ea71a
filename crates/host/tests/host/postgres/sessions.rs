//! What a session keeps for its guest, and what the next one finds.

use std::time::Duration;

use perennial_postgres::{batch, number};
use serde_json::json;

use super::{APP, one, pg, server, sessions, with_sessions};
use crate::support::{Setup, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_one_session() {
    let Some(server) = server() else { return };
    let (host, database) = (Setup::new(APP).start().await, server.lend_empty());
    let told = pg(
        &host,
        &database,
        json!([
            ["execute", "CREATE TABLE t (a int)"],
            ["execute", "BEGIN"],
            ["execute", "INSERT INTO t VALUES (1)"],
            ["execute", "SAVEPOINT s"],
            ["query", "SELECT 1 / 0"],
            ["query", "SELECT 1"],
            ["execute", "ROLLBACK TO s"],
            ["execute", "INSERT INTO t VALUES (2)"],
            ["execute", "COMMIT"],
            ["execute", "BEGIN"],
            ["execute", "INSERT INTO t VALUES (3)"],
            ["execute", "ROLLBACK"],
            ["query", "SELECT array_agg(a ORDER BY a) AS a FROM t"],
        ]),
    )
    .await;
    assert_eq!((&told[4]["error"]["code"], &told[5]["error"]["code"]), (&json!("22012"), &json!("25P02")));
    assert_eq!(told[12]["rows"], json!([[{ "array-int32": [1, 2] }]]));
}

/// Whatever a guest has left open, the next finds nothing of it, and nobody waits for what it had locked.
#[tokio::test(flavor = "multi_thread")]
async fn a_trapped_transaction_is_rolled_back_and_blocks_nobody() {
    let Some(server) = server() else { return };
    let (host, database) = (with_sessions(2).start().await, server.lend_empty());
    batch(&database, "CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t VALUES (0, '')");
    for n in 1..=20 {
        let script = json!({ "address": &*database, "statements": [
            ["execute", "BEGIN"],
            ["execute", "UPDATE t SET b = 'lost' WHERE a = 0"],
            ["execute", format!("INSERT INTO t VALUES ({n}, 'lost')")],
            ["execute", if n % 2 == 0 { "SELECT 1 / 0" } else { "SELECT 1" }],
        ] });
        assert_eq!(host.send(http::Request::post("/pg-trap"), script.to_string()).await.status, 500);
        let told = pg(
            &host,
            &database,
            json!([
                ["execute", "SET lock_timeout = 5000"],
                ["execute", "UPDATE t SET b = b || 'x' WHERE a = 0"],
                ["execute", format!("INSERT INTO t VALUES ({n}, 'kept')")],
            ]),
        )
        .await;
        assert_eq!((&told[1], &told[2]), (&json!({ "changed": 1 }), &json!({ "changed": 1 })), "{n}: {told}");
    }
    assert_eq!(number(&database, "SELECT count(*) FROM t WHERE b = 'kept'"), 20);
    assert_eq!(number(&database, "SELECT length(b)::bigint FROM t WHERE a = 0"), 20);
    eventually("no session is in a transaction", async || sessions(&database, "idle in transaction%") == 0)
        .await;
    assert!(sessions(&database, "%") <= 2);
}

/// A session goes from guest to guest as it is where nothing was left in it, and cleaned where something was.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_guest_is_found_by_the_next() {
    let Some(server) = server() else { return };
    let (host, database) = (with_sessions(1).start().await, server.lend_empty());
    batch(&database, "CREATE TABLE t (a int)");
    let whose = "SELECT pg_backend_pid() AS id";
    let first = one(&host, &database, whose).await;
    for (leave, is_kept) in [
        (json!([["query", "SELECT * FROM t"], ["execute", "INSERT INTO t VALUES (1)"]]), true),
        (json!([["execute", "BEGIN"], ["execute", "INSERT INTO t VALUES (1)"]]), true),
        (json!([["execute", "BEGIN"], ["query", "SELECT 1 / 0"]]), true),
        (
            json!([["execute", "SET search_path = pg_catalog"], ["execute", "SET statement_timeout = 1"]]),
            true,
        ),
        (json!([["execute", "/* hidden */ SET ROLE pg_read_all_data"]]), true),
        (json!([["query", "SELECT set_config('my.own', 'left', false)"]]), true),
        (json!([["execute", "CREATE TEMP TABLE t (b text)"]]), true),
        (json!([["query", "SELECT pg_advisory_lock(7)::text"]]), true),
        (json!([["execute", "LISTEN news"]]), true),
        (
            json!([
                ["execute", "BEGIN"],
                ["execute", "DECLARE c CURSOR WITH HOLD FOR SELECT 1"],
                ["execute", "COMMIT"]
            ]),
            true,
        ),
        (json!([["execute", "DO $$ BEGIN PERFORM set_config('my.own', 'left', false); END $$"]]), true),
        (
            json!([
                ["execute", "BEGIN"],
                ["execute", "SET LOCAL my.own = 'left'"],
                ["query", "SELECT 1 / 0"]
            ]),
            true,
        ),
        (json!([["execute", "PREPARE p AS SELECT 1"]]), false),
        (json!([["execute", "DISCARD ALL"]]), false),
        (json!([["query", "COPY t TO STDOUT"]]), false),
        (json!([["query", "COPY t FROM STDIN"]]), false),
    ] {
        let before = one(&host, &database, whose).await;
        pg(&host, &database, leave.clone()).await;
        let told = pg(&host, &database, json!([
            ["query", whose],
            ["query", "SELECT current_setting('search_path') AS a, current_setting('statement_timeout') AS b, current_user::text AS c,
                coalesce(current_setting('my.own', true), '') AS d, pg_is_in_recovery() AS e"],
            ["query", "SELECT a FROM t LIMIT 0"],
            ["query", "SELECT ((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())
                + (SELECT count(*) FROM pg_listening_channels()) + (SELECT count(*) FROM pg_cursors WHERE is_holdable)
                + (SELECT count(*) FROM pg_prepared_statements WHERE name = 'p')) AS left"],
            ["query", "SELECT pg_current_xact_id_if_assigned() IS NULL AS x"],
        ]))
        .await;
        let fresh = json!([[{ "str": "\"$user\", public" }, { "str": "0" }, { "str": "postgres" }, { "str": "" }, { "boolean": false }]]);
        assert_eq!(told[1]["rows"], fresh, "after {leave}: {told}");
        assert_eq!(told[2], json!({ "columns": [], "rows": [] }), "after {leave}");
        assert_eq!(told[3]["rows"], json!([[{ "int64": 0 }]]), "after {leave}");
        assert_eq!(told[4]["rows"], json!([[{ "boolean": true }]]), "after {leave}");
        assert_eq!(
            told[0]["rows"][0][0]["int32"] == before,
            is_kept,
            "after {leave}: {first} {before} {}",
            told[0]
        );
    }
    assert_eq!(number(&database, "SELECT count(*) FROM t"), 1);
}

/// A guest that is cut off in the middle of a statement leaves nobody at work for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_ends_with_its_guest() {
    let Some(server) = server() else { return };
    let database = server.lend_empty();
    batch(&database, "CREATE TABLE t (a int)");
    let mut setup = with_sessions(1);
    setup.options.limits.until_response = Duration::from_millis(500);
    let host = setup.start().await;
    for statements in [
        json!([["query", "SELECT pg_sleep(600)::text"]]),
        json!([
            ["execute", "BEGIN"],
            ["execute", "INSERT INTO t VALUES (1)"],
            ["query", "SELECT pg_sleep(600)::text"]
        ]),
    ] {
        let script = json!({ "address": &*database, "statements": statements });
        assert_eq!(host.send(http::Request::post("/pg"), script.to_string()).await.status, 500);
        eventually("the statement has ended", async || sessions(&database, "active") == 0).await;
        // The one session there may be is another guest's now.
        eventually("another guest has a session", async || {
            pg(&host, &database, json!([["query", "SELECT count(*) AS x FROM t"]])).await[0]["rows"]
                == json!([[{ "int64": 0 }]])
        })
        .await;
    }
    eventually("no session is in a transaction", async || sessions(&database, "idle in transaction%") == 0)
        .await;
}

/// What the host has prepared is seen by nobody, whatever becomes of the tables meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_may_change_between_two_guests_and_within_one() {
    let Some(server) = server() else { return };
    let (host, database) = (with_sessions(1).start().await, server.lend_empty());
    batch(&database, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let all = json!([["query", "SELECT * FROM t"], ["execute", "DELETE FROM t WHERE a = 7"]]);
    assert_eq!(pg(&host, &database, all.clone()).await[0]["rows"], json!([[{ "int32": 1 }]]));
    batch(&database, "ALTER TABLE t ADD COLUMN b text DEFAULT 'new'");
    let told = pg(&host, &database, all.clone()).await;
    assert_eq!(
        told[0],
        json!({ "columns": [["a", "int32"], ["b", "str"]], "rows": [[{ "int32": 1 }, { "str": "new" }]] })
    );
    batch(&database, "ALTER TABLE t ALTER COLUMN a TYPE bigint");
    let told = pg(
        &host,
        &database,
        json!([
            ["query", "SELECT * FROM t"],
            ["execute", "DEALLOCATE ALL"],
            ["query", "SELECT * FROM t"],
            ["execute", "DELETE FROM t WHERE a = 7"]
        ]),
    )
    .await;
    assert_eq!(
        (&told[0]["rows"], &told[2]["rows"]),
        (&json!([[{ "int64": 1 }, { "str": "new" }]]), &json!([[{ "int64": 1 }, { "str": "new" }]])),
        "{told}"
    );
    // In a transaction nothing is tried again behind a guest's back.
    pg(&host, &database, all.clone()).await;
    batch(&database, "ALTER TABLE t DROP COLUMN b");
    let told = pg(
        &host,
        &database,
        json!([
            ["execute", "BEGIN"],
            ["query", "SELECT * FROM t"],
            ["execute", "ROLLBACK"],
            ["query", "SELECT * FROM t"]
        ]),
    )
    .await;
    assert_eq!((&told[1]["error"]["code"], &told[3]["rows"]), (&json!("0A000"), &json!([[{ "int64": 1 }]])));
}

/// A guest may have as many statements as it likes: the server is not made to keep them all.
#[tokio::test(flavor = "multi_thread")]
async fn few_of_many_statements_are_kept() {
    let Some(server) = server() else { return };
    let (host, database) = (with_sessions(1).start().await, server.lend_empty());
    let many: Vec<_> = (0..300).map(|n| json!(["count", format!("SELECT {n}")])).collect();
    let told = pg(&host, &database, json!(many)).await;
    assert!(told.as_array().unwrap().iter().all(|told| *told == json!({ "count": 1 })), "{told}");
    let long = json!(["query", format!("SELECT '{}'", "x".repeat(20_000))]);
    let told = pg(
        &host,
        &database,
        json!([long, long, ["query", "SELECT count(*) AS x FROM pg_prepared_statements"]]),
    )
    .await;
    let kept = told[2]["rows"][0][0]["int64"].as_i64().unwrap();
    assert!((90..=101).contains(&kept), "{kept}");
}
