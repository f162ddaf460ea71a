//! `make bench-service`: the statements, commits and guests that one create costs, and one completion up to its successor.
//! Counted by the host, with its clock standing, from the request until nothing is in flight: a figure, not a time.

use std::path::Path;

use perennial_host::{Counts, Hooks, Running, UpOptions, start};
use serde_json::{Value, json};
use ureq::Agent;

/// Commands of each kind; their costs are divided by it.
const TIMES: u64 = 50;

/// The service in this process.
struct House {
    running: Running,
    agent: Agent,
}

#[tokio::main]
async fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let state = tempfile::tempdir().unwrap();
    let options = UpOptions {
        from: root.join("spin.toml"),
        listen: "127.0.0.1:0".parse().unwrap(),
        state_dir: Some(state.path().to_owned()),
        cache_dir: Some(root.join("target/compiled")),
        quiet: true,
        ..UpOptions::default()
    };
    let hooks = Hooks { manual_cron: true, ..Hooks::default() };
    let running = start(options, hooks).await.unwrap();
    let agent = Agent::config_builder().http_status_as_error(false).build().into();
    let house = House { running, agent };
    house.post("/v1/tasks", "first", &json!({ "title": "First" }), 201).await;

    let due = json!({ "local": "2096-11-30T09:00:00", "tz": "UTC" });
    let task = json!({ "title": "Once", "due": due, "reminders": [{ "trigger": "-PT30M" }] });
    let series = json!({ "title": "Daily", "due": due, "recurrence": { "rrule": "FREQ=DAILY" } });

    let mut created = Vec::new();
    let before = house.counts().await;
    for number in 0..TIMES {
        created.push(house.post("/v1/tasks", &format!("task-{number}"), &task, 201).await);
        house.running.idle().await;
    }
    let after = house.counts().await;
    print("create", after.since(before));

    let before = after;
    for number in 0..TIMES {
        let key = format!("task-{number}");
        assert_eq!(house.post("/v1/tasks", &key, &task, 201).await["id"], created[number as usize]["id"]);
        house.running.idle().await;
    }
    print("create, repeated", house.counts().await.since(before));

    let series = house.post("/v1/tasks", "series", &series, 201).await;
    let path = format!("/v1/tasks/{}", series["id"].as_str().unwrap());
    let mut cost = Vec::new();
    for number in 0..TIMES {
        let open =
            house.call("GET", &path, "", &Value::Null, 200).await["occurrence"]["recurrence_id"].clone();
        let before = house.counts().await;
        let body = json!({ "recurrence_id": open });
        house.post(&format!("{path}/complete"), &format!("completion-{number}"), &body, 200).await;
        cost.push(house.counts().await.since(before));
    }
    print("complete, up to the successor", cost.into_iter().sum());
    house.running.stop().await;
}

impl House {
    /// What all guests have cost, once none runs.
    async fn counts(&self) -> Counts {
        self.running.idle().await;
        self.running.counts().into_values().sum()
    }

    async fn post(&self, path: &str, key: &str, body: &Value, expected: u16) -> Value {
        self.call("POST", path, key, body, expected).await
    }

    /// A request with an Idempotency-Key, where it has one; gives the document of the answer.
    async fn call(&self, method: &str, path: &str, key: &str, body: &Value, expected: u16) -> Value {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.running.address))
            .header("authorization", format!("Bearer {}", self.running.token.as_deref().unwrap()))
            .header("content-type", "application/json");
        if !key.is_empty() {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(if body.is_null() { String::new() } else { body.to_string() }).unwrap();
        let agent = self.agent.clone();
        let (status, text) = tokio::task::spawn_blocking(move || {
            let mut response = agent.run(request).unwrap();
            (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
        })
        .await
        .unwrap();
        assert_eq!(status, expected, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// The cost of one of [`TIMES`] commands.
fn print(what: &str, cost: Counts) {
    let each = |count: u64| count as f64 / TIMES as f64;
    let (statements, guests) = (each(cost.statements), each(cost.guests));
    let (full, other) = (each(cost.synced_commits), each(cost.unsynced_commits));
    println!("{what}: {statements} statements, {full} full syncs, {other} other commits, {guests} guests");
    let figures =
        json!({ "statements": statements, "full_syncs": full, "other_commits": other, "guests": guests });
    println!("BENCH {}", json!({ "bench": "create-cost", "command": what, "each": figures }));
}
