//! The service in this process, with a switch that traps a guest at one of its calls to the host.

mod switch;
mod whole;

pub use switch::Switch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use perennial_host::{Counts, Hooks, Running, UpOptions, WallClock, start};
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

/// A clock that tests move.
struct Clock {
    started: Instant,
    epoch: Duration,
    moved: AtomicU64,
}

impl WallClock for Clock {
    fn now(&self) -> Duration {
        self.epoch + self.started.elapsed() + Duration::from_secs(self.moved.load(Ordering::Relaxed))
    }
}

/// The service, with its switch and its clock.
pub struct House {
    /// Traps guests.
    pub switch: Arc<Switch>,
    clock: Arc<Clock>,
    running: Running,
    agent: Agent,
    keys: AtomicI64,
    dir: TempDir,
}

impl House {
    /// Starts the service and lets it make its database.
    pub async fn start() -> Self {
        let house = Self::start_empty().await;
        assert_eq!(house.call("GET", "/readyz", &Value::Null).await.0, 200);
        house
    }

    /// Starts the service of this repository on a fresh state directory, its clock at noon of 21 November 2026 and its
    /// cron schedules off.
    pub async fn start_empty() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let dir = tempfile::tempdir().unwrap();
        let switch = Arc::new(Switch::default());
        let clock = Arc::new(Clock {
            started: Instant::now(),
            epoch: Duration::from_secs(1_795_262_400),
            moved: AtomicU64::new(0),
        });
        let options = UpOptions {
            from: root.join("spin.toml"),
            listen: "127.0.0.1:0".parse().unwrap(),
            state_dir: Some(dir.path().to_owned()),
            cache_dir: Some(root.join("target/traps-cache")),
            quiet: true,
            variables: vec![("webhook_http_origin".to_owned(), "http://127.0.0.1:*".to_owned())],
            ..UpOptions::default()
        };
        let hooks = Hooks { clock: Some(clock.clone()), faults: Some(switch.clone()), manual_cron: true };
        let running = start(options, hooks).await.unwrap();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build();
        Self { switch, clock, running, agent: agent.into(), keys: AtomicI64::new(0), dir }
    }

    /// Moves the clock on.
    pub fn pass(&self, seconds: u64) {
        self.clock.moved.fetch_add(seconds, Ordering::Relaxed);
    }

    /// A document that says when something is due: so many seconds from now.
    pub fn due_in(&self, seconds: i64) -> Value {
        let at = self.now() / 1000 + seconds;
        let local = self.text(&format!("SELECT strftime('%Y-%m-%dT%H:%M:%S', {at}, 'unixepoch')"));
        json!({ "local": local, "tz": "UTC" })
    }

    /// The clock, in milliseconds.
    pub fn now(&self) -> i64 {
        i64::try_from(self.clock.now().as_millis()).unwrap()
    }

    /// A request under a key of its own.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.keyed(method, path, &format!("key-{}", self.fresh()), body).await
    }

    /// A request with a JSON body; gives status and document (null where there is none).
    pub async fn keyed(&self, method: &str, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.running.address))
            .header("authorization", format!("Bearer {}", self.running.token.as_deref().unwrap()))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(if body.is_null() { String::new() } else { body.to_string() })
            .unwrap();
        let agent = self.agent.clone();
        tokio::task::spawn_blocking(move || {
            let mut response = agent.run(request).unwrap();
            let text = response.body_mut().read_to_string().unwrap_or_default();
            (response.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
        })
        .await
        .unwrap()
    }

    /// A fresh number, for titles that tell tasks apart.
    pub fn fresh(&self) -> i64 {
        self.keys.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until no guest runs.
    pub async fn idle(&self) {
        self.running.idle().await;
    }

    /// One tick of a clock; a guest that is trapped is no failure of the test.
    pub async fn tick(&self, component: &str) {
        self.running.tick(component).await.ok();
        self.running.idle().await;
    }

    /// Lets the service finish what it has begun: a few ticks of every clock.
    pub async fn settle(&self) {
        for _ in 0..3 {
            self.round().await;
        }
    }

    /// One tick of every clock, once whatever a trapped guest held is free again: longer than any lease or claim holds.
    pub async fn round(&self) {
        self.pass(61);
        self.tick("recurrence-scheduler-cron").await;
        self.tick("notifier-cron").await;
    }

    /// What the guests of each component have cost so far, once none runs.
    pub async fn counts(&self) -> std::collections::BTreeMap<String, Counts> {
        self.running.idle().await;
        self.running.counts()
    }

    /// The one number that `query` selects from the database.
    pub fn number(&self, query: &str) -> i64 {
        self.one(query)
    }

    /// The one text that `query` selects from the database.
    pub fn text(&self, query: &str) -> String {
        self.one(query)
    }

    /// The file that holds the database.
    pub fn database(&self) -> PathBuf {
        self.dir.path().join("sqlite_db.db")
    }

    /// Changes one row of the database behind the service's back.
    pub fn write(&self, statement: &str) {
        assert_eq!(self.write_any(statement), 1, "{statement}");
    }

    /// Changes the database behind the service's back; gives how many rows.
    pub fn write_any(&self, statement: &str) -> usize {
        self.open().execute(statement, []).unwrap()
    }

    fn one<T: rusqlite::types::FromSql>(&self, query: &str) -> T {
        self.open().query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    fn open(&self) -> rusqlite::Connection {
        let database = rusqlite::Connection::open(self.database()).unwrap();
        database.busy_timeout(Duration::from_secs(10)).unwrap();
        database
    }

    /// Stops the service.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}
