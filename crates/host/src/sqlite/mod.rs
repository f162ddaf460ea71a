//! SQLite for guests: one connection per `open`, lent from a pool when it first runs a statement.

mod commits;
mod failure;
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
        let Some(lease) = &self.lease else { return };
        let Some(connection) = lease.connection() else { return };
        self.last_insert_rowid = connection.last_insert_rowid();
        // Until this guest changes something, the count is that of the guest before.
        if connection.total_changes() != lease.changes_before {
            self.changes = connection.changes();
        }
    }
}
