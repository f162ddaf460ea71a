//! Redis: the in-process bus, and a real one.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Host, Setup, eventually};

const APP: &str = r#"
[application.trigger.redis]
address = "{{ redis_url }}"
[variables]
redis_url = { default = "redis://127.0.0.1:6379" }
channel = { default = "news" }
[[trigger.http]]
route = "/..."
component = "probe"
[[trigger.redis]]
channel = "{{ channel }}"
component = "reader"
[component.probe]
source = "{probe}"
sqlite_databases = ["default"]
allowed_outbound_hosts = ["{{ redis_url }}"]
[component.reader]
source = "{probe}"
sqlite_databases = ["default"]
"#;

const DEFAULT: &str = "redis://127.0.0.1:6379";

async fn messages(host: &Host) -> Value {
    host.running.idle().await;
    host.rows("SELECT text FROM notes WHERE kind = 'message' ORDER BY rowid").await
}

async fn publish(host: &Host, address: &str, messages: &[&str]) -> Value {
    let commands: Vec<_> = messages.iter().map(|message| json!(["publish", "news", message])).collect();
    host.post("/redis", &json!({ "address": address, "commands": commands })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn publishes_and_triggers_meet_in_process() {
    let host = Setup::new(APP).start().await;
    assert_eq!(host.running.in_process_bus.as_deref(), Some(DEFAULT));
    assert_eq!(
        publish(&host, DEFAULT, &["one", "two", "three"]).await,
        json!({ "results": ["ok", "ok", "ok"] })
    );
    assert_eq!(messages(&host).await, json!([["one"], ["two"], ["three"]]));
    host.running.publish("news", "from the test");
    host.running.publish("elsewhere", "lost");
    assert_eq!(messages(&host).await, json!([["one"], ["two"], ["three"], ["from the test"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_in_process_bus_only_publishes() {
    let host = Setup::new(APP).start().await;
    let reply =
        host.post("/redis", &json!({ "address": DEFAULT, "commands": [["get", "k"], ["PING"]] })).await;
    for n in 0..2 {
        let error = reply["results"][n]["error"].as_str().unwrap();
        assert!(error.starts_with("other: ") && error.contains("in-process bus only publishes"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_at_a_time_and_a_failed_one_stops_nothing() {
    let host = Setup::new(APP).start().await;
    publish(&host, DEFAULT, &["sleep 200", "trap", "fail", "after"]).await;
    assert_eq!(messages(&host).await, json!([["sleep 200"], ["after"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overflowing_queue_drops() {
    let host = Setup::new(APP).start().await;
    let many = vec!["x"; 3000];
    host.running.publish("news", "sleep 500");
    for message in many {
        host.running.publish("news", message);
    }
    host.running.idle().await;
    let count = host.rows("SELECT count(*) FROM notes").await[0][0].as_u64().unwrap();
    assert!((1024..=1026).contains(&count), "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_must_be_allowed() {
    let host = Setup::new(APP).start().await;
    for address in
        ["redis://127.0.0.1:6380", "redis://localhost:6379", "http://127.0.0.1:6379", "", "nonsense"]
    {
        assert_eq!(publish(&host, address, &["x"]).await, json!({ "error": "invalid-address" }), "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_leads_to_no_private_redis() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = Setup::new(&APP.replace("[\"{{ redis_url }}\"]", "[\"redis://*:*\"]")).start().await;
    for address in ["127.0.0.1", "localhost", "[::1]", "10.1.2.3"] {
        let reply = publish(&host, &format!("redis://{address}:{port}"), &["x"]).await;
        let error = reply["error"].as_str().unwrap_or_else(|| panic!("{reply}"));
        assert!(error.contains("destination IP address is prohibited"), "{address}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_are_checked_at_start() {
    let refusal = Setup::new(&APP.replace("address = \"{{ redis_url }}\"", "address = \"\"")).refusal().await;
    assert!(refusal.contains("Redis URL did not parse"), "{refusal}");
}

/// A Redis of our own on a free port; killed at the end.
struct Redis {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Redis {
    /// `None`, with a printed reason, where there is no Redis; a failure in CI.
    fn start() -> Option<Self> {
        let Some(program) = server() else {
            assert!(std::env::var_os("CI").is_none(), "redis-server is needed in CI");
            println!("skipped: no redis-server (set REDIS_SERVER, or have it in PATH)");
            return None;
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Some(Self::at(&program, port, TempDir::new().unwrap()))
    }

    fn at(program: &PathBuf, port: u16, folder: TempDir) -> Self {
        let process = Command::new(program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        Self { process, port, folder }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn restart(mut self) -> Self {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let (port, folder) = (self.port, std::mem::replace(&mut self.folder, TempDir::new().unwrap()));
        Self::at(&server().unwrap(), port, folder)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn server() -> Option<PathBuf> {
    let cache = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.cache/redis");
    let given = std::env::var_os("REDIS_SERVER").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join("redis-server"));
    given
        .into_iter()
        .chain(in_path)
        .chain([cache.join("redis-server"), cache.join("usr/bin/redis-server")])
        .find(|p| p.exists())
}

async fn with_redis() -> Option<(Redis, Host)> {
    let redis = Redis::start()?;
    let host = Setup::new(APP).variable("redis_url", &redis.url()).start().await;
    assert_eq!(host.running.in_process_bus, None);
    subscribed(&redis, &host).await;
    Some((redis, host))
}

/// Publishes until a message comes through.
async fn subscribed(redis: &Redis, host: &Host) {
    let url = redis.url();
    eventually("the trigger is subscribed", async || {
        let ready = json!({ "address": url, "commands": [["PUBSUB", "NUMSUB", "news"]] });
        host.post("/redis", &ready).await["results"][0][1] == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_redis_carries_messages_and_survives_a_restart() {
    let Some((redis, host)) = with_redis().await else { return };
    publish(&host, &redis.url(), &["one"]).await;
    eventually("the message arrives", async || messages(&host).await == json!([["one"]])).await;
    let redis = redis.restart();
    subscribed(&redis, &host).await;
    publish(&host, &redis.url(), &["two"]).await;
    eventually("the message arrives", async || messages(&host).await == json!([["one"], ["two"]])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_redis_that_is_stopped_is_missed_and_found_again() {
    let Some((redis, host)) = with_redis().await else { return };
    redis.signal("-STOP");
    assert!(publish(&host, &redis.url(), &["lost"]).await["error"].is_string());
    for _ in 0..20 {
        assert!(publish(&host, &redis.url(), &["lost"]).await["error"].is_string());
        assert_eq!(host.get("/seen").await.status, 200);
    }
    redis.signal("-CONT");
    eventually("it carries messages again", async || {
        publish(&host, &redis.url(), &["again"]).await["error"].is_null()
    })
    .await;
    eventually("the message arrives", async || {
        messages(&host).await.as_array().is_some_and(|all| all.contains(&json!(["again"])))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_redis_takes_all_commands() {
    let Some((redis, host)) = with_redis().await else { return };
    let commands = json!([
        ["set", "k", "v"],
        ["get", "k"],
        ["get", "none"],
        ["incr", "n"],
        ["incr", "n"],
        ["sadd", "s", "a", "b", "a"],
        ["srem", "s", "a"],
        ["smembers", "s"],
        ["del", "k", "n", "none"],
        ["PING"],
        ["HSET", "h", "f", "1"],
        ["sadd", "h", "x"],
    ]);
    let reply = host.post("/redis", &json!({ "address": redis.url(), "commands": commands })).await;
    let results = reply["results"].as_array().unwrap();
    let expected = [
        json!("ok"),
        json!("v"),
        Value::Null,
        json!(1),
        json!(2),
        json!(2),
        json!(1),
        json!(["b"]),
        json!(2),
        json!([{ "status": "PONG" }]),
        json!([1]),
    ];
    assert_eq!(&results[..11], &expected);
    assert!(results[11]["error"].as_str().unwrap().contains("WRONGTYPE"), "{}", results[11]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_starts_before_its_redis() {
    let Some(redis) = Redis::start() else { return };
    let (url, port) = (redis.url(), redis.port);
    drop(redis);
    let host = Setup::new(APP).variable("redis_url", &url).start().await;
    assert!(publish(&host, &url, &["x"]).await["error"].as_str().unwrap().starts_with("other: "));
    tokio::time::timeout(Duration::from_secs(1), host.running.idle()).await.unwrap();
    let redis = Redis::at(&server().unwrap(), port, TempDir::new().unwrap());
    eventually("it answers", async || publish(&host, &url, &["probe"]).await["error"].is_null()).await;
    subscribed(&redis, &host).await;
}
