//! Connections to one database file, kept open between guests.
//!
//! Spin opens a connection per guest. Keeping them saves that, and keeps the write-ahead log from being folded in and
//! deleted whenever the last guest leaves. A connection that comes back is made as new, or closed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::link::Link;
use super::quick::Quick;
use super::writer::Writer;
use crate::counts::Commit;

/// How many idle connections stay open.
const IDLE: usize = 32;

/// One database.
pub(crate) struct Database {
    /// `None`: in memory, and a new one for each connection.
    path: Option<PathBuf>,
    /// Held by whoever writes; its waiters are served in order.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    /// Writes for guests whose connections have nothing of their own; a database in memory has none.
    pub(super) writer: Option<Writer>,
    /// Which reads are short.
    pub(super) quick: Quick,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Link>,
    /// Never lent: as long as it is open, so is the write-ahead log.
    keeper: Option<rusqlite::Connection>,
}

/// A connection lent to one guest.
pub(super) struct Lease {
    /// Only `None` while the lease is dropped.
    link: Option<Link>,
    database: Arc<Database>,
    /// Held while a statement writes, and on to the end of a transaction that wrote.
    pub turn: Option<OwnedMutexGuard<()>>,
    /// How many rows the guest's last change touched.
    pub changes: u64,
}

impl Database {
    pub fn new(path: Option<PathBuf>) -> Self {
        let turn = Arc::default();
        let writer = path.as_ref().map(|path| Writer::new(path.clone(), Arc::clone(&turn)));
        Self { path, turn, writer, quick: Quick::default(), idle: Mutex::default() }
    }

    /// An idle connection, if there is one. Does no I/O.
    pub(super) fn idle(self: &Arc<Self>) -> Option<Lease> {
        self.lock().connections.pop().map(|link| self.lease(link))
    }

    /// A new connection. Does I/O.
    pub(super) fn open(self: &Arc<Self>) -> rusqlite::Result<Lease> {
        let link = Link::open(self.path.as_deref(), None)?;
        if self.path.is_some() {
            let mut idle = self.lock();
            if idle.keeper.is_none() {
                idle.keeper = Some(Link::open(self.path.as_deref(), None)?.connection);
            }
        }
        Ok(self.lease(link))
    }

    /// Closes what is idle, once what was begun is written.
    pub fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.close();
        }
        *self.lock() = Idle::default();
    }

    fn lease(self: &Arc<Self>, link: Link) -> Lease {
        Lease { link: Some(link), database: self.clone(), turn: None, changes: 0 }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection back. Does I/O if its guest left something to undo.
    fn take_back(&self, mut link: Link) {
        if self.path.is_none() {
            return;
        }
        let reset = link.reset();
        let mut idle = self.lock();
        match reset {
            Ok(true) if idle.connections.len() < IDLE && idle.keeper.is_some() => idle.connections.push(link),
            _ => {
                // The keeper must know the log before the other connection lets go of it.
                if let Some(keeper) = &idle.keeper {
                    let _ = keeper.query_row("PRAGMA schema_version", [], |_| Ok(()));
                }
                drop(idle);
                drop(link);
            }
        }
    }
}

impl Lease {
    pub fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    pub fn connection(&self) -> Option<&rusqlite::Connection> {
        self.link.as_ref().map(|link| &link.connection)
    }

    /// What the statement that just ran committed.
    pub fn committed(&mut self) -> Option<Commit> {
        self.link.as_mut().and_then(|link| link.commits.take(&link.connection))
    }

    /// A pragma that may have changed how commits are made has run.
    pub fn note_synchronous(&mut self) {
        if let Some(link) = &mut self.link {
            link.commits.note_synchronous(&link.connection);
        }
    }

    /// The right to write, if nobody has it or waits for it.
    pub fn try_turn(&self) -> Option<OwnedMutexGuard<()>> {
        self.database.turn.clone().try_lock_owned().ok()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(link) = self.link.take() else { return };
        let clean = link.is_clean();
        let (database, turn) = (self.database.clone(), self.turn.take());
        let undo = move || {
            database.take_back(link);
            // Others may write only once this transaction is gone.
            drop(turn);
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
