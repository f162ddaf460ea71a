//! More guests than sessions.

use std::time::{Duration, Instant};

use perennial_postgres::number;
use serde_json::json;

use super::{one, pg, server, sessions, with_sessions};

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_session_free_waits_for_one_and_not_for_ever() {
    let Some(server) = server() else { return };
    let database = server.lend_empty();
    let mut setup = with_sessions(2);
    setup.options.limits.postgres_wait = Duration::from_millis(1500);
    let host = setup.start().await;
    let hold = |millis: u64| pg(&host, &database, json!([["query", "SELECT 1 AS x"], ["sleep", millis]]));
    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let begun = Instant::now();
        let got = one(&host, &database, "SELECT 2 AS x").await;
        (got, begun.elapsed())
    };
    let (_, _, (got, waited)) = tokio::join!(hold(1000), hold(4000), late);
    assert_eq!(got, 2);
    assert!(waited >= Duration::from_millis(300), "{waited:?}");

    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let begun = Instant::now();
        let reply = pg(&host, &database, json!([["query", "SELECT 2 AS x"]])).await;
        (reply, begun.elapsed())
    };
    let (_, _, (reply, waited)) = tokio::join!(hold(4000), hold(4000), late);
    let error = reply["error"]["connection-failed"].as_str().unwrap_or_else(|| panic!("{reply}"));
    assert!(error.contains("all sessions with this PostgreSQL were in use for 1.5s"), "{error}");
    assert!(waited < Duration::from_millis(3500), "{waited:?}");
    assert!(sessions(&database, "%") <= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_guests_share_few_sessions() {
    let Some(server) = server() else { return };
    let database = server.lend_empty();
    let mut setup = with_sessions(4);
    setup.options.limits.postgres_wait = Duration::from_secs(60);
    let host = setup.start().await;
    pg(
        &host,
        &database,
        json!([
            ["execute", "CREATE TABLE t (a int PRIMARY KEY, b int)"],
            ["execute", "INSERT INTO t VALUES (0, 0)"]
        ]),
    )
    .await;
    let writer = async |n: usize| {
        let statements = match n % 3 {
            0 => json!([["execute", "UPDATE t SET b = b + 1 WHERE a = 0"]]),
            1 => json!([
                ["execute", "BEGIN"],
                ["execute", "UPDATE t SET b = b + 1 WHERE a = 0"],
                ["execute", "COMMIT"]
            ]),
            _ => json!([["execute", "BEGIN"], ["execute", "UPDATE t SET b = b + 100 WHERE a = 0"]]),
        };
        let told = pg(&host, &database, statements).await;
        assert!(!told.to_string().contains("error"), "{told}");
    };
    futures_util::future::join_all((0..150).map(writer)).await;
    assert_eq!(number(&database, "SELECT b::bigint FROM t"), 100);
    assert!(sessions(&database, "%") <= 4);
}
