//! Bringing a database up to the schema of this build.
//!
//! Every statement may run again and the version is set last, so that two guests may migrate at once, and one that is cut
//! off is finished by the next. A trigger that changes gets a new name and a new version; the old one is dropped a
//! release later.

use std::time::Duration;

use super::{Sql, Sqlite};
use crate::StoreError;

/// The schema of this build.
pub(super) const VERSION: i64 = 1;

/// Statements of each version, separated by lines of `--;`.
const MIGRATIONS: &[(i64, &[&str])] =
    &[(1, &[include_str!("schema/0001_tables.sql"), include_str!("schema/0001_write.sql")])];

/// Tries at switching the journal, which needs the file for itself for a moment and does not wait for it.
const WAL_TRIES: u32 = 80;

/// The pause between them.
const WAL_PAUSE: Duration = Duration::from_millis(25);

pub(super) fn migrate<S: Sql>(store: &Sqlite<S>) -> Result<(), StoreError> {
    let found = version(store)?;
    if found > VERSION {
        return Err(StoreError::Schema { found, needed: VERSION });
    }
    if found == VERSION {
        return Ok(());
    }
    journal_in_wal(store)?;
    for (version, texts) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        for statement in texts.iter().flat_map(|text| text.split("\n--;\n")) {
            store.execute(statement, &[])?;
        }
        store.execute(&format!("PRAGMA user_version = {version}"), &[])?;
    }
    Ok(())
}

pub(super) fn version<S: Sql>(store: &Sqlite<S>) -> Result<i64, StoreError> {
    let version = store.query_one("PRAGMA user_version", &[], |row| row.integer())?;
    Ok(version.unwrap_or_default())
}

fn journal_in_wal<S: Sql>(store: &Sqlite<S>) -> Result<(), StoreError> {
    let mut last = None;
    for _ in 0..WAL_TRIES {
        match store.execute("PRAGMA journal_mode = WAL", &[]) {
            Ok(_) => return Ok(()),
            Err(error) => last = Some(error),
        }
        std::thread::sleep(WAL_PAUSE);
    }
    last.map_or(Ok(()), Err)
}
