//! The service in this process, with a switch that traps a guest at one of its calls to the host.

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use perennial_host::{FaultHook, Hooks, Moment, Point, Running, UpOptions, Verdict, WallClock, start};
use serde_json::Value;
use tempfile::TempDir;
use ureq::Agent;

/// The switch: traps the next guest of one component that reaches one call.
#[derive(Default)]
pub struct Switch(Mutex<Option<Armed>>);

struct Armed {
    component: &'static str,
    moment: Moment,
    index: u64,
}

impl Switch {
    /// Traps `component` once, before or after its call number `index`.
    pub fn arm(&self, component: &'static str, moment: Moment, index: u64) {
        *self.0.lock().unwrap() = Some(Armed { component, moment, index });
    }

    /// Disarms; true if it had trapped a guest.
    pub fn disarm(&self) -> bool {
        self.0.lock().unwrap().take().is_none()
    }
}

impl FaultHook for Switch {
    fn at(&self, component: &str, point: Point<'_>) -> Verdict {
        let mut armed = self.0.lock().unwrap();
        match armed.as_ref() {
            Some(a) if a.component == component && a.moment == point.moment && a.index == point.index => {
                *armed = None;
                Verdict::Trap
            }
            _ => Verdict::Continue,
        }
    }
}

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

    /// A request with a JSON body; gives status and document (null where there is none).
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.running.address))
            .header("authorization", format!("Bearer {}", self.running.token.as_deref().unwrap()))
            .header("content-type", "application/json")
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
            // Longer than any lease or claim holds, so that whatever a trapped guest held is free again.
            self.pass(61);
            self.tick("recurrence-scheduler-cron").await;
            self.tick("notifier-cron").await;
        }
    }

    /// The one number that `query` selects from the database.
    pub fn number(&self, query: &str) -> i64 {
        let file = self.dir.path().join("sqlite_db.db");
        let database = rusqlite::Connection::open(file).unwrap();
        database.busy_timeout(Duration::from_secs(10)).unwrap();
        database.query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Stops the service.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}
