//! `perennial restored`: a store that was put back from a copy goes on as another history. Sequences that were given out after the copy
//! are given out again, and whoever has read them is told so.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use perennial_store::postgres::rename_history;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::database::connect;
use crate::locks::Locks;
use crate::sqlite::DEFAULT_FILE;

/// How long another program may hold the file, or a session the table.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// The names of a history before and after.
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    /// That of the copy.
    pub before: String,
    /// The one that it has now.
    pub after: String,
}

/// Gives the store of a state folder a new `epoch`.
///
/// # Errors
/// When a host runs on the folder, no store is in it, or the store has no epoch yet.
pub fn restored(state_dir: &Path) -> anyhow::Result<Restored> {
    let path = state_dir.join(DEFAULT_FILE);
    if !path.is_file() {
        bail!("there is no store at {}", path.display());
    }
    let _nobody_else = Locks::take_all(state_dir).context("a store in use stays as it is")?;
    rename(&path).with_context(|| format!("the store {}", path.display()))
}

/// Gives a database of a store on PostgreSQL a new `epoch`.
///
/// # Errors
/// When it is not reached, others are connected to it, it still reads its log, or it has no epoch.
pub fn restored_database(address: &str) -> anyhow::Result<Restored> {
    let mut client = connect(address, "perennial restored")?;
    let (before, after) = rename_history(&mut client, BUSY)?;
    Ok(Restored { before, after })
}

/// Gives the store in a file a new `epoch`. Its journal is that which the service works with: some ways of copying change it.
pub(crate) fn rename(path: &Path) -> anyhow::Result<Restored> {
    let mut store = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    store.busy_timeout(BUSY)?;
    let _: String = store.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    let change = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'epoch'";
    if change.query_row(known, [], |_| Ok(())).optional()?.is_none() {
        bail!(
            "it has no epoch yet, and whoever reads from it knows of none: start the service, and it has a new one"
        );
    }
    let before = change.query_row("SELECT id FROM epoch", [], |row| row.get(0))?;
    let after =
        change.query_row("UPDATE epoch SET id = lower(hex(randomblob(8))) RETURNING id", [], |row| {
            row.get(0)
        })?;
    change.commit()?;
    Ok(Restored { before, after })
}
