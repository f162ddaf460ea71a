//! Connections to one database file, kept open between guests.
//!
//! Spin opens a connection per guest. Keeping them saves that, and keeps the write-ahead log from being folded in and
//! deleted whenever the last guest leaves. A connection that comes back is made as new, or closed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use tokio::sync::OwnedMutexGuard;

use super::commits::Commits;
use super::watch::{self, Marks};
use crate::counts::Commit;

/// As in a fresh connection of Spin.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_millis(5000);

/// How many idle connections stay open.
const IDLE: usize = 32;

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 128;

/// One database.
pub(crate) struct Database {
    /// `None`: in memory, and a new one for each connection.
    path: Option<PathBuf>,
    /// Held by whoever writes; its waiters are served in order.
    pub(super) writer: Arc<tokio::sync::Mutex<()>>,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Pooled>,
    /// Never lent: as long as it is open, so is the write-ahead log.
    keeper: Option<rusqlite::Connection>,
}

/// An open connection, with the marks its guest left on it.
pub(super) struct Pooled {
    pub connection: rusqlite::Connection,
    marks: Arc<Marks>,
    commits: Commits,
}

/// A connection lent to one guest.
pub(super) struct Lease {
    /// Only `None` while the lease is dropped.
    pooled: Option<Pooled>,
    database: Arc<Database>,
    /// Held while a statement writes, and on to the end of a transaction that wrote.
    pub writer: Option<OwnedMutexGuard<()>>,
    /// How many changes the connection had seen when it was lent.
    pub changes_before: u64,
}

impl Database {
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path, writer: Arc::default(), idle: Mutex::default() }
    }

    /// An idle connection, if there is one. Does no I/O.
    pub(super) fn idle(self: &Arc<Self>) -> Option<Lease> {
        self.lock().connections.pop().map(|pooled| self.lease(pooled))
    }

    /// A new connection. Does I/O.
    pub(super) fn open(self: &Arc<Self>) -> rusqlite::Result<Lease> {
        let pooled = self.connect()?;
        if self.path.is_some() {
            let mut idle = self.lock();
            if idle.keeper.is_none() {
                idle.keeper = Some(self.connect()?.connection);
            }
        }
        Ok(self.lease(pooled))
    }

    /// Closes what is idle.
    pub fn close(&self) {
        *self.lock() = Idle::default();
    }

    fn lease(self: &Arc<Self>, pooled: Pooled) -> Lease {
        let changes_before = pooled.connection.total_changes();
        Lease { pooled: Some(pooled), database: self.clone(), writer: None, changes_before }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> rusqlite::Result<Pooled> {
        let mut connection = match &self.path {
            Some(path) => rusqlite::Connection::open(path)?,
            None => rusqlite::Connection::open_in_memory()?,
        };
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // A plan that looked at a bound value, as `LIMIT ?` makes it do, would be made anew at each execution.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let marks = watch::watch(&mut connection)?;
        let commits = Commits::watch(&mut connection)?;
        let mut pooled = Pooled { connection, marks, commits };
        pooled.set_defaults()?;
        Ok(pooled)
    }

    /// Takes a connection back. Does I/O if its guest left something to undo.
    fn take_back(&self, mut pooled: Pooled) {
        if self.path.is_none() {
            return;
        }
        let reset = pooled.reset();
        let mut idle = self.lock();
        match reset {
            Ok(true) if idle.connections.len() < IDLE && idle.keeper.is_some() => {
                idle.connections.push(pooled)
            }
            _ => {
                // The keeper must know the log before the other connection lets go of it.
                if let Some(keeper) = &idle.keeper {
                    let _ = keeper.query_row("PRAGMA schema_version", [], |_| Ok(()));
                }
                drop(idle);
                drop(pooled);
            }
        }
    }
}

impl Pooled {
    fn set_defaults(&mut self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
        self.connection.execute_batch("PRAGMA synchronous = FULL")?;
        self.commits.note_synchronous(&self.connection);
        self.marks.take_restore();
        Ok(())
    }

    /// Whether there is nothing to undo that takes I/O.
    fn is_clean(&self) -> bool {
        self.connection.is_autocommit() && !self.marks.discard()
    }

    /// Makes the connection as new; `false` if it cannot be.
    fn reset(&mut self) -> rusqlite::Result<bool> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        if self.marks.discard() {
            return Ok(false);
        }
        if self.marks.take_restore() {
            self.set_defaults()?;
        }
        forget_last_rowid(&self.connection);
        Ok(true)
    }
}

#[expect(unsafe_code, reason = "SQLite's setter of the last row id has no safe wrapper")]
fn forget_last_rowid(connection: &rusqlite::Connection) {
    // SAFETY: the handle is valid while `connection` is borrowed, and no other thread uses it.
    unsafe { rusqlite::ffi::sqlite3_set_last_insert_rowid(connection.handle(), 0) }
}

impl Lease {
    pub fn connection(&self) -> Option<&rusqlite::Connection> {
        self.pooled.as_ref().map(|pooled| &pooled.connection)
    }

    /// What the statement that just ran committed.
    pub fn committed(&mut self) -> Option<Commit> {
        self.pooled.as_mut().and_then(|pooled| pooled.commits.take(&pooled.connection))
    }

    /// A pragma that may have changed how commits are made has run.
    pub fn note_synchronous(&mut self) {
        if let Some(pooled) = &mut self.pooled {
            pooled.commits.note_synchronous(&pooled.connection);
        }
    }

    /// The right to write, if nobody has it or waits for it.
    pub fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        self.database.writer.clone().try_lock_owned().ok()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(pooled) = self.pooled.take() else { return };
        let clean = pooled.is_clean();
        let (database, writer) = (self.database.clone(), self.writer.take());
        let undo = move || {
            database.take_back(pooled);
            // Others may write only once this transaction is gone.
            drop(writer);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !clean => drop(runtime.spawn_blocking(undo)),
            _ => undo(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rusqlite::StatementStatus;

    use super::Database;

    #[test]
    fn a_cached_statement_keeps_its_plan() -> rusqlite::Result<()> {
        let lease = Arc::new(Database::new(None)).open()?;
        let connection = lease.connection().ok_or(rusqlite::Error::InvalidQuery)?;
        connection.execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY)")?;
        for limit in 1..4 {
            let mut statement = connection.prepare_cached("SELECT a FROM t ORDER BY a LIMIT ?1")?;
            let _ = statement.query([limit])?.next()?;
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        }
        Ok(())
    }
}
