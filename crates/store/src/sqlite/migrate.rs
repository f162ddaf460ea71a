//! Bringing a database up to the schema of this build. The rules are in `schema/README.md`.
//!
//! Every statement may run again, and what has run is remembered, so that two guests may migrate at once and one that is cut
//! off is finished by the next.

use std::time::Duration;

use super::{Sql, Sqlite};
use crate::StoreError;

/// The schema of this build.
pub(super) const VERSION: i64 = 9;

/// The oldest build's schema that can still work with this one, in a database that was made by an older build, and in a new one:
/// recorded in the database for builds to come.
const COMPATIBLE: [i64; 2] = [2, 5];

/// Statements of each version, separated by lines of `--;`, file by file. What only builds before the fifth schema write to is not made
/// in a database that no such build has met: every connection reads the whole schema.
const MIGRATIONS: &[(i64, &[File])] = &[
    (1, &[Needed(include_str!("schema/0001_tables.sql")), Superseded(include_str!("schema/0001_write.sql"))]),
    (
        2,
        &[
            Needed(include_str!("schema/0002_tables.sql")),
            Needed(include_str!("schema/0002_work.sql")),
            Superseded(include_str!("schema/0002_write.sql")),
        ],
    ),
    (
        3,
        &[
            Needed(include_str!("schema/0003_tables.sql")),
            Needed(include_str!("schema/0003_claims.sql")),
            Superseded(include_str!("schema/0003_write.sql")),
            Superseded(include_str!("schema/0003_fired.sql")),
        ],
    ),
    (
        4,
        &[
            Needed(include_str!("schema/0004_tables.sql")),
            Needed(include_str!("schema/0004_identity.sql")),
            Superseded(include_str!("schema/0004_write.sql")),
            Superseded(include_str!("schema/0004_new.sql")),
            Superseded(include_str!("schema/0004_fired.sql")),
        ],
    ),
    (
        5,
        &[
            Needed(include_str!("schema/0005_search.sql")),
            Needed(include_str!("schema/0005_forget.sql")),
            Needed(include_str!("schema/0005_limits.sql")),
            Needed(include_str!("schema/0005_channels.sql")),
            Needed(include_str!("schema/0005_places.sql")),
            Needed(include_str!("schema/0005_write.sql")),
            Needed(include_str!("schema/0005_new.sql")),
            Needed(include_str!("schema/0005_fired.sql")),
        ],
    ),
    (
        6,
        &[
            Needed(include_str!("schema/0006_audit.sql")),
            Needed(include_str!("schema/0006_events.sql")),
            Needed(include_str!("schema/0006_clock.sql")),
            Needed(include_str!("schema/0006_letters.sql")),
        ],
    ),
    (7, &[Needed(include_str!("schema/0007_lanes.sql")), Needed(include_str!("schema/0007_letters.sql"))]),
    (8, &[Needed(include_str!("schema/0008_notifications.sql"))]),
    (9, &[Needed(include_str!("schema/0009_conversations.sql"))]),
];

/// A file of statements.
#[derive(Clone, Copy)]
enum File {
    Needed(&'static str),
    /// Another has taken its place since.
    Superseded(&'static str),
}

use File::{Needed, Superseded};

impl File {
    /// Its text, unless it is not needed.
    fn text(self, is_new: bool) -> Option<&'static str> {
        match self {
            Needed(text) => Some(text),
            Superseded(text) => (!is_new).then_some(text),
        }
    }
}

/// The table that remembers: the version reached, the oldest build that can work with it, and the steps done on the way.
const REMEMBER: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS schema_version (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, \
     compatible INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS schema_step (version INTEGER NOT NULL, step INTEGER NOT NULL, \
     PRIMARY KEY (version, step)) STRICT, WITHOUT ROWID",
];

/// Tries at switching the journal, which needs the file for itself for a moment and does not wait for it.
const WAL_TRIES: u32 = 80;

/// The pause between them.
const WAL_PAUSE: Duration = Duration::from_millis(25);

/// How often a guest looks whether another gets on with a step; the pause between the first two looks, and the longest: each
/// look reads the whole schema again where it has changed.
const PATIENCE: u32 = 8;
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(640)];

/// How often a statement that takes rows over in pieces is repeated: 50,000 rows a piece.
const PIECES: u32 = 20_000;

pub(super) fn migrate<S: Sql>(store: &Sqlite<S>) -> Result<(), StoreError> {
    let (found, compatible) = version(store)?;
    if found == VERSION {
        return Ok(());
    }
    if found > VERSION {
        // A newer build has been here; what it left must be fit for this one.
        return if compatible <= VERSION {
            Ok(())
        } else {
            Err(StoreError::Schema { found, needed: VERSION })
        };
    }
    journal_in_wal(store)?;
    for statement in REMEMBER {
        store.execute(statement, &[])?;
    }
    let is_new = is_new(store, found)?;
    for (version, texts) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        let mut others = Others::default();
        let texts = texts.iter().filter_map(|file| file.text(is_new));
        let statements = texts.flat_map(|text| text.split("\n--;\n"));
        for (step, statement) in (0_i64..).zip(statements) {
            if !others.did(store, *version, step)? {
                others.are_there |= !perform(store, *version, step, statement)?;
            }
        }
        store.execute(&format!("PRAGMA user_version = {version}"), &[])?;
    }
    let [old, new] = COMPATIBLE;
    store.execute(
        "INSERT INTO schema_version (only, version, compatible) VALUES (1, ?1, ?2) \
         ON CONFLICT (only) DO UPDATE SET version = excluded.version, compatible = excluded.compatible \
         WHERE excluded.version > schema_version.version",
        &[VERSION.into(), if is_new { new } else { old }.into()],
    )?;
    Ok(())
}

/// Whether the database has been made by builds of the fifth schema on alone: the first that meets an empty one notes it as a step
/// before all others.
fn is_new<S: Sql>(store: &Sqlite<S>, found: i64) -> Result<bool, StoreError> {
    if found == 0 {
        store.execute(
            "INSERT INTO schema_step (version, step) SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM schema_step) ON CONFLICT DO NOTHING",
            &[],
        )?;
    }
    let noted = "SELECT EXISTS (SELECT 1 FROM schema_step WHERE version = 0)";
    Ok(store.query_one(noted, &[], |row| row.integer())? == Some(1))
}

/// The version of the schema, and the oldest build that can work with it.
pub(super) fn version<S: Sql>(store: &Sqlite<S>) -> Result<(i64, i64), StoreError> {
    let recorded = store.query_one("SELECT version, compatible FROM schema_version", &[], |row| {
        Ok((row.integer()?, row.integer()?))
    });
    match recorded {
        Ok(Some(found)) => return Ok(found),
        // Whoever began to migrate was cut off before the end.
        Ok(None) => {}
        // Before the second version there was no such table.
        Err(StoreError::Database(text)) if text.contains("no such table") => {}
        Err(error) => return Err(error),
    }
    let version = store.query_one("PRAGMA user_version", &[], |row| row.integer())?.unwrap_or_default();
    Ok((version, version))
}

/// What other guests do of the same migration. One that is ahead goes on; those behind it leave the work to it for as long as it
/// gets on. Whoever is cut off is followed by the next: each step may be done again. Who meets no trace of another does not look for
/// one at each step: a look reads the whole schema, which each step changes.
#[derive(Default)]
struct Others {
    /// Whether it was looked if anybody has begun, and whether somebody has.
    looked: bool,
    are_there: bool,
    /// The last step that is known to be done; they are done in order.
    last: Option<i64>,
    /// Whether it changed while this guest looked on.
    get_on: bool,
    /// How long this guest has paused at once.
    pause: Duration,
}

impl Others {
    /// Whether a step has been done.
    fn did<S: Sql>(&mut self, store: &Sqlite<S>, version: i64, step: i64) -> Result<bool, StoreError> {
        for _ in 0..PATIENCE {
            if self.last.is_some_and(|last| last >= step) {
                return Ok(true);
            }
            if self.looked && !self.are_there {
                return Ok(false);
            }
            let last = "SELECT max(step) FROM schema_step WHERE version = ?1";
            let last = store.query_one(last, &[version.into()], |row| row.integer_or_null())?.flatten();
            self.looked = true;
            self.are_there |= last.is_some();
            if last < Some(step) {
                // Nobody is ahead, or has not been for long.
                if !self.get_on {
                    return Ok(false);
                }
            } else {
                self.get_on = self.last.is_some();
                self.last = last;
            }
            let [shortest, longest] = PAUSES;
            self.pause = self.pause.saturating_mul(2).clamp(shortest, longest);
            std::thread::sleep(self.pause);
        }
        self.get_on = false;
        Ok(self.last.is_some_and(|last| last >= step))
    }
}

/// Does a step; gives whether nobody else has.
fn perform<S: Sql>(store: &Sqlite<S>, version: i64, step: i64, statement: &str) -> Result<bool, StoreError> {
    let in_pieces = statement.trim_end().ends_with("RETURNING 1");
    for _ in 0..if in_pieces { PIECES } else { 1 } {
        match store.execute(statement, &[]) {
            Ok(rows) if in_pieces && !rows.is_empty() => {}
            Ok(_) => break,
            // Another guest was here between our look and now.
            Err(StoreError::Database(text)) if text.contains("duplicate column name") => break,
            Err(error) => return Err(error),
        }
    }
    let noted = "INSERT INTO schema_step (version, step) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING 1";
    Ok(!store.execute(noted, &[version.into(), step.into()])?.is_empty())
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
