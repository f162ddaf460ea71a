//! `perennial backup`: a copy of a store on SQLite, whole and right in itself, made while the service runs.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::draft::Draft;
use crate::restored::BUSY;
use crate::sqlite::DEFAULT_FILE;

/// Tries at a store that somebody holds for a moment, as who mends it after a kill does.
const TRIES: u32 = 40;

/// The pause between them.
const PAUSE: Duration = Duration::from_millis(250);

/// What a copy came to.
#[derive(Debug)]
pub struct Copied {
    /// Its size.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
}

/// Copies the store of a state folder into a file that is not there yet: all that is answered before it begins, and of later writes each
/// whole or not at all. Who writes meanwhile does not wait; what they write lies in the log until the copy is made.
///
/// # Errors
/// When there is no store, the file is there already, or what was copied is damaged.
pub fn backup(state_dir: &Path, to: &Path) -> anyhow::Result<Copied> {
    let began = Instant::now();
    let path = state_dir.join(DEFAULT_FILE);
    if !path.is_file() {
        bail!("there is no store at {}", path.display());
    }
    let draft = Draft::of(to)?;
    copy(&path, draft.path()).with_context(|| format!("cannot copy the store {}", path.display()))?;
    check(draft.path()).with_context(|| format!("the copy of {} is of no use", path.display()))?;
    Ok(Copied { bytes: draft.finish()?, took: began.elapsed() })
}

/// Copies all pages at once, as one reader sees them. Who copied them a few at a time would begin again whenever somebody writes.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let (source, mut target) = (open(from)?, open(to)?);
    let copy = Backup::new(&source, &mut target)?;
    for _ in 0..TRIES {
        if copy.step(-1)? == StepResult::Done {
            return Ok(());
        }
        sleep(PAUSE);
    }
    bail!("somebody else holds it")
}

/// Reads a database from beginning to end, and refuses one that is damaged.
pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
    let told: String = open(path)?.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if told != "ok" {
        bail!("it is damaged: {told}");
    }
    Ok(())
}

/// Opens a database that is there.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    database.busy_timeout(BUSY)?;
    Ok(database)
}
