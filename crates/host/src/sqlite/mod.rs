//! SQLite for guests: one connection per `open`, lent from a pool when it first runs a statement.

mod budget;
mod commits;
mod execute;
mod failure;
mod group;
mod host;
mod job;
mod link;
mod memory;
mod pool;
mod quick;
mod runtime_config;
mod statement;
mod step;
mod text;
mod watch;
mod writer;

use std::sync::Arc;

pub(crate) use runtime_config::{DEFAULT_FILE, DatabaseConfig, Databases};

/// A guest's connection.
pub struct Connection {
    database: Arc<pool::Database>,
    lease: Option<pool::Lease>,
    last_insert_rowid: i64,
    changes: u64,
}

impl Connection {
    fn new(database: Arc<pool::Database>) -> Self {
        Self { database, lease: None, last_insert_rowid: 0, changes: 0 }
    }

    /// Reads what the statement that just ran left behind.
    fn note(&mut self) {
        let Some(lease) = &self.lease else { return };
        let Some(connection) = lease.connection() else { return };
        self.last_insert_rowid = connection.last_insert_rowid();
        self.changes = lease.changes;
    }
}
