//! Which commits a connection makes, and whether they wait for the disk.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, ffi};

use crate::counts::Commit;

/// `PRAGMA synchronous` from which on a commit waits for the disk.
pub(super) const FULL: i64 = 2;

/// The commits of one connection.
pub(super) struct Commits {
    /// Set by SQLite whenever a transaction that held the right to write ends well.
    ended: Arc<AtomicBool>,
    /// The pages that the connection had written when it was last asked.
    pages: c_int,
    /// `PRAGMA synchronous`.
    level: i64,
}

impl Commits {
    pub fn watch(connection: &mut Connection) -> rusqlite::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let noted = ended.clone();
        connection.commit_hook(Some(move || {
            noted.store(true, Ordering::Relaxed);
            false
        }))?;
        Ok(Self { ended, pages: pages_written(connection), level: FULL })
    }

    /// Asks anew how commits are made: somebody may have changed it.
    pub fn note_synchronous(&mut self, connection: &Connection) {
        let level = connection.query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0));
        self.level = level.unwrap_or(FULL);
    }

    /// How commits are made: `PRAGMA synchronous`, as a number.
    pub fn level(&self) -> i64 {
        self.level
    }

    /// The commit of the statement that just ran. A transaction that wrote no page is none: nothing reached the disk.
    pub fn take(&mut self, connection: &Connection) -> Option<Commit> {
        if !self.ended.swap(false, Ordering::Relaxed) {
            return None;
        }
        let pages = pages_written(connection);
        let wrote = std::mem::replace(&mut self.pages, pages) != pages;
        wrote.then_some(if self.level >= FULL { Commit::Synced } else { Commit::Unsynced })
    }
}

#[expect(unsafe_code, reason = "SQLite's counters have no safe wrapper")]
fn pages_written(connection: &Connection) -> c_int {
    let (mut pages, mut highest) = (0, 0);
    // SAFETY: the handle is valid while `connection` is borrowed, and both numbers live until the call returns.
    unsafe {
        ffi::sqlite3_db_status(
            connection.handle(),
            ffi::SQLITE_DBSTATUS_CACHE_WRITE,
            &mut pages,
            &mut highest,
            0,
        )
    };
    pages
}
