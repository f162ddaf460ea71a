//! Servers that hang, are away, or come back.

use std::time::{Duration, Instant};

use perennial_postgres::{Server, number};
use serde_json::{Value, json};

use super::{APP, one, pg, server, sessions, with_sessions};
use crate::support::{Host, Setup, eventually};

/// A host that does not wait long.
fn brief() -> Setup {
    let mut setup = Setup::new(APP);
    setup.options.limits.postgres_connect = Duration::from_millis(500);
    setup.options.limits.postgres_silence = Duration::from_millis(300);
    setup
}

fn refused(reply: &Value) -> &str {
    reply["error"]["connection-failed"].as_str().unwrap_or_else(|| panic!("{reply}"))
}

async fn answers(host: &Host, address: &str) {
    eventually("the server is used again", async || {
        pg(host, address, json!([["query", "SELECT 1 AS x"]])).await[0]["rows"] == json!([[{ "int32": 1 }]])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_server_costs_those_who_ask_it_a_moment_and_is_found_again() {
    let Some(server) = Server::start() else { return };
    let (host, database) = (brief().start().await, server.empty_database());
    answers(&host, &database).await;
    let asking =
        pg(&host, &database, json!([["query", "SELECT pg_sleep(1)::text"], ["query", "SELECT 1 AS x"]]));
    let freezing = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.freeze();
        Instant::now()
    };
    let (told, frozen) = tokio::join!(asking, freezing);
    assert!(told[0]["error"]["text"].as_str().unwrap().contains("does not answer any more"), "{told}");
    assert!(told[1]["error"]["connection-failed"].as_str().unwrap().contains("given up"), "{told}");
    assert!(frozen.elapsed() < Duration::from_secs(3), "{:?}", frozen.elapsed());
    // Now nobody waits.
    let begun = Instant::now();
    for _ in 0..50 {
        assert!(refused(&pg(&host, &database, json!([])).await).contains("not tried again yet"));
        assert_eq!(host.get("/seen").await.status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    server.thaw();
    answers(&host, &database).await;
    eventually("nothing is left of what was given up", async || sessions(&database, "active") == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_from_the_start_costs_one_wait() {
    let Some(server) = Server::start() else { return };
    let (host, database) = (brief().start().await, server.empty_database());
    server.freeze();
    assert!(refused(&pg(&host, &database, json!([])).await).contains("did not answer within 500ms"));
    let begun = Instant::now();
    for _ in 0..50 {
        assert!(refused(&pg(&host, &database, json!([])).await).contains("not tried again yet"));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    server.thaw();
    answers(&host, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_started_again_is_found_again() {
    let Some(mut server) = Server::start() else { return };
    let (host, database) = (brief().start().await, server.empty_database());
    answers(&host, &database).await;
    for _ in 0..2 {
        server.stop_immediate();
        let told = refused(&pg(&host, &database, json!([])).await).to_owned();
        assert!(
            told.contains("refused") || told.contains("not tried again yet") || told.contains("clos"),
            "{told}"
        );
        server.start_again();
        answers(&host, &database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_given_up_and_its_server_is_not() {
    let Some(server) = server() else { return };
    let database = server.lend_empty();
    let mut setup = brief();
    setup.options.limits.postgres_statement = Duration::from_millis(1500);
    let host = setup.start().await;
    let told =
        pg(&host, &database, json!([["query", "SELECT pg_sleep(60)::text"], ["query", "SELECT 1"]])).await;
    assert!(told[0]["error"]["text"].as_str().unwrap().contains("longer than 1.5s"), "{told}");
    assert!(told[1]["error"]["connection-failed"].is_string(), "{told}");
    eventually("nobody is at work for it", async || sessions(&database, "active") == 0).await;
    assert_eq!(one(&host, &database, "SELECT 1 AS x").await, 1);
}

/// A statement may be slow: a server that answers others is not taken for one that hangs.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_statement_is_waited_for() {
    let Some(server) = server() else { return };
    let (host, database) = (brief().start().await, server.lend_empty());
    let slow = pg(&host, &database, json!([["query", "SELECT pg_sleep(2)::text AS x"]]));
    let others = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert_eq!(one(&host, &database, "SELECT 1 AS x").await, 1);
        }
    };
    let (told, ()) = tokio::join!(slow, others);
    assert_eq!(told[0]["rows"], json!([[{ "str": "" }]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_session_with_a_hung_server_waits_no_longer_than_the_others() {
    let Some(server) = Server::start() else { return };
    let database = server.empty_database();
    let mut setup = with_sessions(1);
    setup.options.limits.postgres_connect = Duration::from_millis(500);
    setup.options.limits.postgres_silence = Duration::from_millis(300);
    setup.options.limits.postgres_wait = Duration::from_secs(60);
    let host = setup.start().await;
    answers(&host, &database).await;
    let asking = pg(&host, &database, json!([["query", "SELECT pg_sleep(1)::text"]]));
    let others = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.freeze();
        let begun = Instant::now();
        let reply = pg(&host, &database, json!([])).await;
        (refused(&reply).to_owned(), begun.elapsed())
    };
    let (_, (told, waited)) = tokio::join!(asking, others);
    assert!(
        told.contains("not tried again yet") && waited < Duration::from_secs(5),
        "{told} after {waited:?}"
    );
    server.thaw();
    answers(&host, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_of_the_address_is_taken_where_the_first_says_nothing() {
    let Some(server) = server() else { return };
    let (host, database) = (brief().start().await, server.lend_empty());
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{}",
        silent.local_addr().unwrap().port(),
        server.port(),
        database.name()
    );
    assert_eq!(one(&host, &address, "SELECT 1 AS x").await, 1);
}

/// Of several servers the first that is there and writes is taken.
#[tokio::test(flavor = "multi_thread")]
async fn another_server_of_the_address_is_taken_where_the_first_is_away() {
    let Some(server) = server() else { return };
    let (host, database) = (brief().start().await, server.lend_empty());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address =
        format!("postgres://postgres@127.0.0.1:{nobody},127.0.0.1:{}/{}", server.port(), database.name());
    assert_eq!(one(&host, &address, "SELECT 1 AS x").await, 1);
    assert_eq!(one(&host, &format!("{address}?target_session_attrs=read-write"), "SELECT 1 AS x").await, 1);
    let told = pg(&host, &format!("{address}?target_session_attrs=read-only"), json!([])).await;
    assert!(refused(&told).contains("not read only"), "{told}");
    assert_eq!(number(&database, "SELECT 1::bigint"), 1);
}
