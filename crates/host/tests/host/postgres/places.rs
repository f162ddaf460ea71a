//! More guests than sessions.

use std::time::{Duration, Instant};

use perennial_postgres::postgres::error::SqlState;
use perennial_postgres::postgres::{Client, NoTls};
use perennial_postgres::{Server, Setup as ServerSetup, aside, number};
use serde_json::json;

use super::{APP, one, pg, server, sessions, with_sessions};
use crate::support::{Host, Setup, eventually};

/// A component that answers beside the probe.
const OTHERS: &str = r#"
[[trigger.http]]
route = "/other/..."
component = "other"
[component.other]
source = "{probe}"
allowed_outbound_hosts = ["postgres://127.0.0.1:*"]
"#;

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

/// Who waits within a session, for a lock or for anything else, has what it waits in: its component leaves others theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_component_whose_guests_all_wait_leaves_sessions_to_the_others() {
    let Some(server) = server() else { return };
    let database = server.lend_empty();
    let mut setup = Setup::new(&format!("{APP}{OTHERS}"));
    setup.options.limits.postgres_sessions = 4;
    setup.options.limits.postgres_wait = Duration::from_secs(1);
    let host = setup.start().await;
    let slow = json!([["query", "SELECT pg_sleep(4)::text"]]);
    let backlog = futures_util::future::join_all((0..8).map(|_| pg(&host, &database, slow.clone())));
    let other = async {
        eventually("they wait", async || sessions(&database, "active") == 3).await;
        let script = json!({ "address": &*database, "statements": [["query", "SELECT 1 AS x"]] });
        host.post("/other/pg", &script).await
    };
    let (waited, told) = tokio::join!(backlog, other);
    assert_eq!(told["results"][0]["rows"], json!([[{ "int32": 1 }]]), "{told}");
    assert_eq!(waited.iter().filter(|told| told[0]["rows"].is_array()).count(), 3, "{waited:?}");
}

/// So does a caller: whoever has another token.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whose_requests_all_wait_leaves_sessions_to_the_others() {
    let Some(server) = server() else { return };
    let database = server.lend_empty();
    let mut setup = with_sessions(16);
    setup.options.limits.postgres_wait = Duration::from_secs(1);
    let host = setup.start().await;
    let ask = async |token: &str, statement: &str| {
        let script = json!({ "address": &*database, "statements": [["query", statement]] });
        let request = http::Request::post("/pg").header("authorization", token);
        host.send(request, script.to_string()).await.json()["results"].clone()
    };
    let backlog =
        futures_util::future::join_all((0..12).map(|_| ask("Bearer one", "SELECT pg_sleep(4)::text")));
    let other = async {
        eventually("they wait", async || sessions(&database, "active") == 2).await;
        ask("Bearer two", "SELECT 1 AS x").await
    };
    let (waited, told) = tokio::join!(backlog, other);
    assert_eq!(told[0]["rows"], json!([[{ "int32": 1 }]]), "{told}");
    assert_eq!(waited.iter().filter(|told| told[0]["rows"].is_array()).count(), 2, "{waited:?}");
}

/// Half of the guests may wait for a server. Those who have a session are few already, and are not refused what they came for.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_session_is_not_one_too_many() {
    let Some(server) = server() else { return };
    let database = server.lend_empty();
    let mut setup = with_sessions(8);
    setup.options.max_instances = 6;
    let host = setup.start().await;
    let slow = || pg(&host, &database, json!([["query", "SELECT pg_sleep(1)::text AS x"]]));
    for told in futures_util::future::join_all((0..6).map(|_| slow())).await {
        assert_eq!(told[0]["rows"], json!([[{ "str": "" }]]), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_wait_for_a_session() {
    let Some(server) = server() else { return };
    let database = server.lend_empty();
    let mut setup = with_sessions(1);
    setup.options.max_instances = 4;
    setup.options.limits.postgres_wait = Duration::from_secs(60);
    let host = setup.start().await;
    let hold = || pg(&host, &database, json!([["query", "SELECT 1 AS x"], ["sleep", 2000]]));
    let told = futures_util::future::join_all((0..4).map(|_| hold())).await;
    let crowded = |told: &&serde_json::Value| told.to_string().contains("too many wait");
    assert_eq!(told.iter().filter(crowded).count(), 1, "one has it, two wait: {told:?}");
    assert_eq!(told.iter().filter(|told| told[0]["rows"].is_array()).count(), 3, "{told:?}");
}

/// A server that has room for five sessions.
fn small() -> Option<Server> {
    Server::with(ServerSetup { settings: vec!["max_connections=5".to_owned()], ..ServerSetup::default() })
}

/// Takes all sessions that a server has room for.
fn fill(database: &str) -> Vec<Client> {
    aside(|| {
        // Sessions that were just closed are counted for a moment.
        let (mut all, until) = (Vec::new(), Instant::now() + Duration::from_secs(1));
        while Instant::now() < until {
            match Client::connect(database, NoTls) {
                Ok(client) => all.push(client),
                Err(error) => assert_eq!(error.code(), Some(&SqlState::TOO_MANY_CONNECTIONS), "{error}"),
            }
        }
        all
    })
}

fn close(all: Vec<Client>) {
    aside(|| drop(all));
}

async fn on_small(database: &str, wait: Duration) -> Host {
    let mut setup = with_sessions(8);
    setup.options.limits.postgres_wait = wait;
    let host = setup.start().await;
    assert_eq!(one(&host, database, "SELECT 1 AS x").await, 1);
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_server_has_no_room_a_session_of_ours_is_waited_for() {
    let Some(server) = small() else { return };
    let database = server.empty_database();
    let host = on_small(&database, Duration::from_secs(30)).await;
    let holding = pg(&host, &database, json!([["query", "SELECT pg_sleep(3)::text AS x"]]));
    let waiting = async {
        eventually("one is in use", async || sessions(&database, "active") == 1).await;
        let all = fill(&database);
        let begun = Instant::now();
        let others = (0..3).map(|_| one(&host, &database, "SELECT 1 AS x"));
        assert_eq!(futures_util::future::join_all(others).await, [1, 1, 1]);
        close(all);
        begun.elapsed()
    };
    let (told, waited) = tokio::join!(holding, waiting);
    assert_eq!(told[0]["rows"], json!([[{ "str": "" }]]));
    assert!(waited < Duration::from_secs(20), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_server_has_no_room_it_is_asked_again_and_not_for_ever() {
    let Some(server) = small() else { return };
    let database = server.empty_database();
    let host = on_small(&database, Duration::from_secs(4)).await;
    let holding = pg(&host, &database, json!([["query", "SELECT pg_sleep(12)::text AS x"]]));
    let waiting = async {
        eventually("one is in use", async || sessions(&database, "active") == 1).await;
        let all = fill(&database);
        let told = pg(&host, &database, json!([])).await.to_string();
        assert!(told.contains("too many"), "{told}");
        let room = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            close(all);
        };
        let (got, ()) = tokio::join!(one(&host, &database, "SELECT 1 AS x"), room);
        assert_eq!(got, 1);
    };
    tokio::join!(holding, waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_nobody_has_had_for_long_is_closed_though_nobody_comes() {
    let Some(server) = server() else { return };
    let database = server.lend_empty();
    let mut setup = with_sessions(4);
    setup.options.limits.postgres_idle = Duration::from_millis(800);
    let host = setup.start().await;
    for _ in 0..2 {
        assert_eq!(one(&host, &database, "SELECT 1 AS x").await, 1);
        eventually("none is left", async || sessions(&database, "%") == 0).await;
    }
}
