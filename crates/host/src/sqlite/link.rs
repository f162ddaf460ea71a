//! A connection to a database, and what the host watches on it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;

use super::budget::Budget;
use super::commits::Commits;
use super::memory;
use super::watch::{self, Marks};

/// As in a fresh connection of Spin.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_millis(5000);

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 128;

/// Pages of the write-ahead log from which on it is folded in. One table of its index holds them, and what is written
/// over and over is folded in once.
pub(super) const LOG_PAGES: i32 = 4000;

/// An open connection, with the marks its guest left on it.
pub(super) struct Link {
    pub connection: Connection,
    pub marks: Arc<Marks>,
    pub commits: Commits,
    pub budget: Budget,
}

impl Link {
    /// Opens a file, or a database in memory; the writer's has a page cache of so many KiB. Does I/O.
    pub fn open(path: Option<&Path>, cache: Option<u32>) -> rusqlite::Result<Self> {
        let mut connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // A plan that looked at a bound value, as `LIMIT ?` makes it do, would be made anew at each execution.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        if let Some(cache) = cache {
            memory::more_at_hand(&connection);
            connection.execute_batch(&format!("PRAGMA cache_size = -{cache}"))?;
        }
        let marks = watch::watch(&mut connection)?;
        let commits = Commits::watch(&mut connection)?;
        let budget = Budget::watch(&mut connection)?;
        let mut link = Self { connection, marks, commits, budget };
        link.set_defaults()?;
        Ok(link)
    }

    fn set_defaults(&mut self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
        self.connection.execute_batch("PRAGMA synchronous = FULL")?;
        self.commits.note_synchronous(&self.connection);
        self.marks.take_restore();
        Ok(())
    }

    /// Whether there is nothing to undo that takes I/O.
    pub fn is_clean(&self) -> bool {
        self.connection.is_autocommit() && !self.marks.discard()
    }

    /// Whether statements mean here what they mean on every fresh connection; only how commits are made may differ.
    pub fn is_plain(&self) -> bool {
        self.is_clean() && !self.marks.differs()
    }

    /// Makes the connection as new; `false` if it cannot be.
    pub fn reset(&mut self) -> rusqlite::Result<bool> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        if self.marks.discard() {
            return Ok(false);
        }
        if self.marks.take_restore() {
            self.set_defaults()?;
        }
        self.set_last_rowid(0);
        Ok(true)
    }

    #[expect(unsafe_code, reason = "SQLite's setter of the last row id has no safe wrapper")]
    pub fn set_last_rowid(&self, id: i64) {
        // SAFETY: the handle is valid while the connection is borrowed, and no other thread uses it.
        unsafe { rusqlite::ffi::sqlite3_set_last_insert_rowid(self.connection.handle(), id) }
    }
}
