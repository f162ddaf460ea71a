//! SQLite for guests: one connection per `open`, lent from a pool when it first runs a statement.

mod host;
mod pool;
mod runtime_config;
mod statement;
mod watch;

use std::sync::Arc;

pub(crate) use runtime_config::{DatabaseConfig, Databases};

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
        // The counters of a lent connection are somebody else's until this guest has written.
        let lease = self.lease.as_ref().filter(|lease| lease.wrote);
        if let Some(connection) = lease.and_then(pool::Lease::connection) {
            self.last_insert_rowid = connection.last_insert_rowid();
            self.changes = connection.changes();
        }
    }
}
