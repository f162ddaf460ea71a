//! Where the data of a measured service lies: in a file, or with STORE=postgres in a database of a PostgreSQL that syncs.

use std::path::{Path, PathBuf};

use perennial_postgres::{Server, Setup};
use perennial_tests::on_postgres;

use crate::look::counts;
use crate::{Clock, Look, Seed, Service, seed, seed::seed_postgres};

/// A store of its own.
#[derive(Debug, Clone)]
pub struct Home {
    state_dir: PathBuf,
    /// Its address; `None`: the file in the state directory.
    database: Option<String>,
}

/// The PostgreSQL that is asked for by STORE=postgres: everything that it has answered is on the disk.
///
/// # Panics
/// When the machine has none.
pub fn asked_server() -> Option<Server> {
    (std::env::var("STORE").as_deref() == Ok("postgres")).then(|| server(&[]))
}

/// A PostgreSQL that syncs, with further settings.
///
/// # Panics
/// When the machine has none.
pub fn server(settings: &[&str]) -> Server {
    let usual = ["shared_buffers=1GB", "max_wal_size=4GB", "checkpoint_timeout=15min"];
    let settings = usual.iter().chain(settings).map(|&setting| setting.to_owned()).collect();
    Server::with(Setup { fsync: true, settings, ..Setup::default() })
        .expect("`make postgres` finds or installs one")
}

impl Home {
    /// A new one, in a database of `server` where there is one.
    pub fn new(state_dir: PathBuf, server: Option<&Server>) -> Self {
        Self { state_dir, database: server.map(Server::database) }
    }

    /// The address of its database.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Starts the service on it.
    pub fn start(&self, clock: Clock) -> Service {
        self.replica(&self.state_dir, clock)
    }

    /// Starts one of several on it, which on SQLite there cannot be.
    pub fn replica(&self, state_dir: &Path, clock: Clock) -> Service {
        let Some(database) = &self.database else { return Service::start(state_dir, clock) };
        Service::with(state_dir, clock, &on_postgres(database))
    }

    /// Puts tasks into it.
    pub fn seed(&self, tasks: &Seed<'_>) {
        match &self.database {
            None => seed(&self.file(), tasks),
            Some(address) => {
                seed_postgres(address, tasks);
                perennial_postgres::batch(address, "ANALYZE");
            }
        }
    }

    /// Alarms that wait for their time.
    pub fn armed(&self) -> usize {
        self.count(counts::ARMED, Look::armed)
    }

    /// Entries of the audit that no seal covers yet.
    pub fn unsealed(&self) -> usize {
        self.count(counts::UNSEALED, Look::unsealed)
    }

    /// Notifications made so far.
    pub fn notifications(&self) -> usize {
        self.count(counts::NOTIFICATIONS, Look::notifications)
    }

    /// Alarms that have at least one notification.
    pub fn alarms_notified(&self) -> usize {
        self.count(counts::NOTIFIED, Look::alarms_notified)
    }

    /// Notifications made before their alarm's time, or without an alarm that has fired.
    pub fn early_or_unfounded(&self) -> usize {
        self.count(counts::EARLY, Look::early_or_unfounded)
    }

    /// How often sessions of the database have locked each other out, each time for as long as it took PostgreSQL to see it.
    pub fn deadlocks(&self) -> usize {
        const DEADLOCKS: &str = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        self.database
            .as_ref()
            .map_or(0, |address| perennial_postgres::number(address, DEADLOCKS).try_into().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.state_dir.join("sqlite_db.db")
    }

    fn count(&self, query: &str, look: impl Fn(&Look) -> usize) -> usize {
        match &self.database {
            None => look(&Look::at(&self.file())),
            Some(address) => {
                let query = query.replace("notification_v2", "notification");
                perennial_postgres::number(address, &query).try_into().unwrap()
            }
        }
    }
}
