//! A server that archives its log, and those that are restored from what it has left.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use perennial_postgres::{Installed, Server, Setup, connect, number};
use perennial_tests::{SOON, State, until};

use crate::archive_timeout;
use crate::scripts::Scripts;

/// How long the log may take to be read to its end.
const READ: Duration = Duration::from_secs(300);

/// The server, and what its backups and its archive are made with.
pub struct Cluster {
    pub server: Server,
    pub scripts: Scripts,
}

impl Cluster {
    /// Starts one that keeps what is committed, and archives its log. `None` where the machine has no PostgreSQL.
    pub fn start() -> Option<Self> {
        let scripts = Scripts::new(&Installed::find()?);
        let settings = vec![
            "archive_mode=on".to_owned(),
            format!("archive_command={}", scripts.archive_command()),
            format!("archive_timeout={}", archive_timeout()),
        ];
        let server = Server::with(Setup { fsync: true, settings, ..Setup::default() })?;
        Some(Self { server, scripts })
    }

    /// The log of this server, as far as it has it.
    pub fn log(&self) -> PathBuf {
        self.server.folder().join("data/pg_wal")
    }

    /// Restores a base backup and the archive, and what a server has left where that can still be read, as a server of its own; how long
    /// it took until that takes writes.
    pub fn restore(&self, backup: &Path, left: Option<&Path>) -> (Server, Duration) {
        let began = Instant::now();
        let make = |data: &Path| self.scripts.restore(backup, data, left);
        let server = Server::on(Setup { fsync: true, ..Setup::default() }, make).unwrap();
        let mut client = connect(&server.address("postgres"));
        until("the log is read to its end", READ, || {
            let recovers = client.query_one("SELECT pg_is_in_recovery()", &[]).unwrap();
            (!recovers.get::<_, bool>(0)).then_some(())
        });
        (server, began.elapsed())
    }
}

/// All that a database holds.
pub fn state(address: &str) -> State {
    State::of_database(&mut connect(address))
}

/// The titles of all tasks.
pub fn titles(address: &str) -> HashSet<String> {
    let rows = connect(address).query("SELECT title FROM task", &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Waits until nobody works with a database any more: who was killed is seen for a moment, and may end a statement.
pub fn is_left(address: &str) {
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL";
    until("the sessions of the service end", SOON, || (number(address, others) == 0).then_some(()));
}
