//! The whole set.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Method, StatusCode};
use perennial_events::CONSUMERS;
use perennial_tests::{Client, Database, until};
use tempfile::TempDir;

use crate::app::Shared;
use crate::{App, Between, Installed, Kafka, Manner, Postgres, Record, Redis, Scheduler, Secrets, deployed};

/// The handlers: each is an application of its own. The first migrates the store.
pub const HANDLERS: [&str; 5] = ["task-api", "recurrence-scheduler", "notifier", "audit", "live"];

/// What every sidecar reads of the resources.
const RESOURCES: [&str; 3] = ["pubsub.yaml", "resiliency.yaml", "secretstore.yaml"];

/// How the set is to run.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Whether the handlers hear events.
    pub events: bool,
    /// Whether the clock ticks.
    pub clock: bool,
    /// Whether there is a state store, which those who hear events ask before the database.
    pub state: bool,
    /// How those who hear events are handed them, if not as their sidecars do: the recurrence scheduler alone, where some are
    /// refused.
    pub between: Option<Manner>,
    /// Whose events are published in lanes.
    pub hot_users: &'static str,
    /// Whether the data lies in a PostgreSQL, on which a handler may have replicas.
    pub postgres: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { events: true, clock: true, state: false, between: None, hot_users: "", postgres: false }
    }
}

/// A running set. All of it ends when this is dropped.
#[derive(Debug)]
pub struct Cloud {
    // Those that call end before those that are called.
    apps: Vec<App>,
    /// The Dapr Scheduler.
    pub scheduler: Scheduler,
    /// The broker.
    pub kafka: Kafka,
    /// The state store, if there is one.
    pub state: Option<Redis>,
    /// Where the data lies, if not in a file.
    pub postgres: Option<Postgres>,
    shared: Shared,
    _folder: TempDir,
}

impl Cloud {
    /// Starts a set and waits until it is ready. `None` where the machine lacks what it needs, after saying so; a failure where
    /// `CI` is set.
    pub fn start(setup: Setup) -> Option<Self> {
        let installed = Installed::find()?;
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        let state = if setup.state { Some(Redis::start(folder)?) } else { None };
        let postgres = if setup.postgres { Some(Postgres::start()?) } else { None };
        fs::write(folder.join("secrets.json"), "{}").unwrap();
        let resources = resources(folder, setup);
        let kafka = Kafka::start(&installed, folder);
        let scheduler = Scheduler::start(&installed, folder);
        let shared = Shared {
            installed,
            folder: folder.to_owned(),
            state: folder.join("state"),
            redis: state.as_ref().map(Redis::address),
            kafka: kafka.address(),
            scheduler: scheduler.address(),
            resources,
            secrets: Secrets {
                owner: secret(),
                app: secret(),
                sidecar: secret(),
                metrics: secret(),
                audit: secret(),
                database: postgres.as_ref().map(|postgres| postgres.address(Postgres::OWNER)),
            },
            hot_users: setup.hot_users,
        };
        let manner = |name| {
            setup.between.filter(|manner| match manner {
                Manner::Twice(_) => CONSUMERS.iter().any(|consumer| consumer.name == name),
                Manner::Poisoned(_) => name == "recurrence-scheduler",
            })
        };
        let apps = HANDLERS.iter().map(|name| App::spawn(name, name, &shared, manner(*name))).collect();
        let mut cloud = Self { apps, scheduler, kafka, state, postgres, shared, _folder: temporary };
        cloud.wait_until_ready();
        if setup.clock {
            cloud.begin_clock();
        }
        Some(cloud)
    }

    /// Waits until every part answers.
    pub fn wait_until_ready(&mut self) {
        self.kafka.wait_until_ready();
        self.scheduler.wait_until_ready();
        if let Some(state) = &mut self.state {
            state.wait_until_ready();
        }
        for app in &mut self.apps {
            app.wait_until_ready();
        }
        let api = self.app("task-api").client();
        until("the store is ready", Duration::from_secs(60), || {
            let answer = api.call(Method::GET, "/readyz").send().ok()?;
            (answer.status == StatusCode::OK).then_some(())
        });
    }

    /// Has the sidecar of the recurrence scheduler be the clock.
    pub fn begin_clock(&self) {
        self.app("recurrence-scheduler").call_back("/internal/clock").ok(StatusCode::NO_CONTENT);
    }

    /// A handler.
    pub fn app(&self, name: &str) -> &App {
        self.apps.iter().find(|app| app.name == name).unwrap_or_else(|| panic!("no handler is called {name}"))
    }

    /// All handlers, which are the caller's from now on.
    pub fn take_apps(&mut self) -> Vec<App> {
        std::mem::take(&mut self.apps)
    }

    /// Starts one more replica of a handler, which reads these secrets, and waits until it is ready.
    pub fn replica(&self, name: &'static str, label: &str, secrets: &Secrets) -> App {
        let shared = Shared { secrets: secrets.clone(), ..self.shared.clone() };
        let mut app = App::spawn(name, label, &shared, None);
        app.wait_until_ready();
        app
    }

    /// A handler, to be killed or started.
    pub fn app_mut(&mut self, name: &str) -> &mut App {
        let app = self.apps.iter_mut().find(|app| app.name == name);
        app.unwrap_or_else(|| panic!("no handler is called {name}"))
    }

    /// What stands between a handler and its sidecar, if anything does.
    pub fn between(&self, name: &str) -> Option<&Between> {
        self.app(name).between.as_ref()
    }

    /// How many processes there are to kill.
    pub fn processes(&self) -> usize {
        self.apps.len() * 2 + 2 + usize::from(self.state.is_some())
    }

    /// Kills one of the processes, waits a little, starts it again and waits until all is well; gives its name.
    pub fn kill_and_start(&mut self, one: usize, away: Duration) -> String {
        let (name, process) = match one.checked_sub(self.apps.len() * 2) {
            None => {
                let app = &mut self.apps[one / 2];
                match one.is_multiple_of(2) {
                    true => (app.name.to_owned(), &mut app.handler),
                    false => (format!("the sidecar of {}", app.name), &mut app.sidecar),
                }
            }
            Some(0) => ("the Scheduler".to_owned(), &mut self.scheduler.process),
            Some(1) => ("Kafka".to_owned(), &mut self.kafka.process),
            Some(_) => ("the state store".to_owned(), &mut self.state.as_mut().unwrap().process),
        };
        process.kill();
        std::thread::sleep(away);
        process.start();
        self.wait_until_ready();
        name
    }

    /// The secret that speaks for the owner.
    pub fn token(&self) -> &str {
        &self.shared.secrets.owner
    }

    /// What the handlers read that were started with it.
    pub fn secrets(&self) -> &Secrets {
        &self.shared.secrets
    }

    /// The owner.
    pub fn owner(&self) -> Client {
        self.app("task-api").client().with_token(Some(self.token()))
    }

    /// A new user, as the client that speaks for them.
    pub fn user(&self, name: &str) -> Client {
        self.owner().new_user(name, "UTC")
    }

    /// The database, read only.
    pub fn database(&self) -> Database {
        Database::open(&self.shared.state)
    }

    /// Where the data lies.
    pub fn state_dir(&self) -> &Path {
        &self.shared.state
    }

    /// All that is on a topic now.
    pub fn topic(&self, name: &str) -> Vec<Record> {
        self.kafka.read(name)
    }

    /// Where the logs of all processes are.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }
}

/// The resources as they are deployed, but for what this set goes without.
fn resources(folder: &Path, setup: Setup) -> PathBuf {
    let resources = folder.join("resources");
    fs::create_dir(&resources).unwrap();
    let heard = setup.events.then_some("subscriptions.yaml");
    let state = setup.state.then_some("statestore.yaml");
    for file in RESOURCES.into_iter().chain(heard).chain(state) {
        fs::copy(deployed(&format!("dapr/{file}")), resources.join(file)).unwrap();
    }
    resources
}

/// One that nobody guesses.
pub fn secret() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(40).collect()
}
