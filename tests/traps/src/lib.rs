//! The service in this process, with a switch that traps a guest at one of its calls to the host.

mod place;
mod switch;
mod user;
mod whole;

pub use switch::{Blow, Side, Switch};
pub use user::User;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use perennial_fixture::is_postgres;
use perennial_host::{Counts, GuestLimits, Hooks, Running, UpOptions, WallClock, start};
use place::Place;
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

/// Sessions that a house has with its database: fewer than guests that want one, so that they go from guest to guest.
const SESSIONS: usize = 4;

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
    /// Whom the first token speaks for.
    pub owner: User,
    clock: Arc<Clock>,
    running: Running,
    keys: AtomicI64,
    place: Place,
    _dir: TempDir,
}

impl House {
    /// Starts the service on the kind of store that the environment names (`PERENNIAL_TEST_STORE`).
    pub async fn start() -> Self {
        if is_postgres() {
            return Self::on_postgres().await.unwrap_or_else(|| panic!("there is no PostgreSQL"));
        }
        let house = Self::start_empty().await;
        assert_eq!(house.call("GET", "/readyz", &Value::Null).await.0, 200);
        house
    }

    /// Starts the service on a database of its own. `None` where the machine has no PostgreSQL, after saying so.
    pub async fn on_postgres() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let house = Self::start_on(Place::database()?, dir).await;
        assert_eq!(house.call("GET", "/readyz", &Value::Null).await.0, 200);
        Some(house)
    }

    /// Starts the service on a fresh file, which the first request makes a database of.
    pub async fn start_empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::start_on(Place::File(dir.path().join("sqlite_db.db")), dir).await
    }

    /// Starts the service of this repository on a fresh state directory, its clock at noon of 21 November 2026 and its
    /// cron schedules off.
    async fn start_on(place: Place, dir: TempDir) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let switch = Arc::new(Switch::default());
        let clock = Arc::new(Clock {
            started: Instant::now(),
            epoch: Duration::from_secs(1_795_262_400),
            moved: AtomicU64::new(0),
        });
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        place.move_clock(millis(clock.now()) - millis(real));
        let mut variables = vec![
            ("webhook_http_origin".to_owned(), "http://127.0.0.1:*".to_owned()),
            ("audit_key".to_owned(), "the-key-of-a-house-that-is-a-test".to_owned()),
        ];
        variables.extend(place.variables());
        let options = UpOptions {
            from: root.join("spin.toml"),
            listen: "127.0.0.1:0".parse().unwrap(),
            state_dir: Some(dir.path().to_owned()),
            cache_dir: Some(root.join("target/traps-cache")),
            quiet: true,
            variables,
            limits: GuestLimits { postgres_sessions: SESSIONS, ..GuestLimits::default() },
            ..UpOptions::default()
        };
        let hooks = Hooks { clock: Some(clock.clone()), faults: Some(switch.clone()), manual_cron: true };
        let running = start(options, hooks).await.unwrap();
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .into();
        let token = running.token.clone().unwrap();
        let owner = User { id: "admin".to_owned(), token, address: running.address, agent };
        Self { switch, owner, clock, running, keys: AtomicI64::new(0), place, _dir: dir }
    }

    /// A new user.
    pub async fn user(&self, name: &str) -> User {
        let (status, user) =
            self.call("POST", "/v1/users", &json!({ "name": name, "tz": "Europe/Berlin" })).await;
        assert_eq!(status, 201, "{user}");
        let id = user["id"].as_str().unwrap().to_owned();
        let (status, token) = self.call("POST", "/v1/tokens", &json!({ "user": id, "name": "traps" })).await;
        assert_eq!(status, 201, "{token}");
        User { id, token: token["secret"].as_str().unwrap().to_owned(), ..self.owner.clone() }
    }

    /// Moves the clock on.
    pub fn pass(&self, seconds: u64) {
        self.clock.moved.fetch_add(seconds, Ordering::Relaxed);
        self.place.move_clock(i64::try_from(seconds).unwrap() * 1000);
    }

    /// A document that says when something is due: so many seconds from now.
    pub fn due_in(&self, seconds: i64) -> Value {
        let at = self.now() / 1000 + seconds;
        let words = rusqlite::Connection::open_in_memory().unwrap();
        let local: String = words
            .query_row("SELECT strftime('%Y-%m-%dT%H:%M:%S', ?1, 'unixepoch')", [at], |row| row.get(0))
            .unwrap();
        json!({ "local": local, "tz": "UTC" })
    }

    /// The clock, in milliseconds.
    pub fn now(&self) -> i64 {
        millis(self.clock.now())
    }

    /// A request under a key of its own.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.keyed(method, path, &format!("key-{}", self.fresh()), body).await
    }

    /// A request with a JSON body; gives status and document (null where there is none).
    pub async fn keyed(&self, method: &str, path: &str, key: &str, body: &Value) -> (u16, Value) {
        self.owner.keyed(method, path, key, body).await
    }

    /// A fresh number, for titles that tell tasks apart.
    pub fn fresh(&self) -> i64 {
        self.keys.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until no guest runs.
    pub async fn idle(&self) {
        self.running.idle().await;
    }

    /// One tick of a clock, until no guest runs; one that is trapped is no failure of the test.
    pub async fn tick(&self, component: &str) {
        self.tick_among_others(component).await;
        self.running.idle().await;
    }

    /// The same while others work.
    pub async fn tick_among_others(&self, component: &str) {
        self.running.tick(component).await.ok();
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
    pub async fn counts(&self) -> BTreeMap<String, Counts> {
        self.running.idle().await;
        self.running.counts()
    }

    /// The one number that `query` selects from the database.
    pub fn number(&self, query: &str) -> i64 {
        self.place.number(query)
    }

    /// The one text that `query` selects from the database.
    pub fn text(&self, query: &str) -> String {
        self.place.text(query)
    }

    /// The texts that `query` selects from the database, each with its number.
    pub fn tally(&self, query: &str) -> BTreeMap<String, i64> {
        self.place.tally(query)
    }

    /// The file that holds the database.
    pub fn database(&self) -> PathBuf {
        match &self.place {
            Place::File(file) => file.clone(),
            Place::Database(_) => panic!("it is PostgreSQL"),
        }
    }

    /// Changes one row of the database behind the service's back.
    pub fn write(&self, statement: &str) {
        assert_eq!(self.write_any(statement), 1, "{statement}");
    }

    /// Changes the database behind the service's back; gives how many rows.
    pub fn write_any(&self, statement: &str) -> usize {
        self.place.execute(statement)
    }

    /// Stops the service.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap()
}
