//! Bringing a database up to the schema of this build. The rules are in `schema/README.md`.
//!
//! One at a time: whoever migrates holds a lock of the database's. A file is applied whole or not at all, unless it says that it is no
//! transaction; what was applied is remembered with a digest of its text. A statement waits for locks of others for moments only, since
//! everybody else waits behind it, and is tried again later.

mod error;
mod files;
#[cfg(test)]
mod rules;
mod statements;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use postgres::{Client, GenericClient};
use sha2::{Digest, Sha256};

use self::files::{FILES, File};
use self::statements::{Statement, statements};
use super::schema::{COMPATIBLE, FOUND, VERSION};

pub use self::error::MigrateError;
pub(super) use self::error::told;

/// The oldest PostgreSQL that has what the schema needs, as its `server_version_num`.
const OLDEST: i64 = 150_000;

/// The lock that is held by whoever migrates: "perennia" in ASCII.
const TURN: i64 = 0x7065_7265_6e6e_6961;

/// How often whoever waits for it asks.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What was applied, and what the schema is.
const BOOKS: &str = "
CREATE TABLE IF NOT EXISTS schema_migration (
    version bigint NOT NULL,
    name text COLLATE \"C\" PRIMARY KEY,
    checksum text NOT NULL,
    applied_at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS schema_version (
    one bigint PRIMARY KEY CHECK (one = 1),
    version bigint NOT NULL,
    compatible bigint NOT NULL
)";

/// How long is waited for what.
#[derive(Debug, Clone)]
pub struct Patience {
    /// For another who migrates.
    pub turn: Duration,
    /// For a lock that others hold, at each try: everybody who comes later waits as long.
    pub lock: Duration,
    /// For a statement of a transaction.
    pub statement: Duration,
    /// For a statement beside which others read and write as ever.
    pub long: Duration,
    /// How often a transaction, or a statement that is none, is tried.
    pub tries: u32,
    /// The pause before the second try; the next are twice as long each.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            turn: Duration::from_secs(600),
            lock: Duration::from_secs(2),
            statement: Duration::from_secs(60),
            long: Duration::from_secs(6 * 3600),
            tries: 12,
            pause: Duration::from_millis(500),
        }
    }
}

/// What happens meanwhile.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step<'a> {
    /// Another migrates, and is waited for.
    Waits,
    /// Something was applied.
    Applied(&'a Done),
    /// Others were in the way, for this reason; it is tried again.
    InTheWay {
        /// The migration.
        name: &'a str,
        /// Why.
        why: String,
    },
}

/// A migration that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The file's name.
    pub name: String,
    /// How long it took, waiting included.
    pub took: Duration,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The version of the schema before; 0: there was none.
    pub before: i64,
    /// The version now.
    pub now: i64,
    /// What was applied, in order.
    pub applied: Vec<Done>,
}

/// Brings a database up to the schema of this build, and says on the way what happens. A database with a newer schema that this build can
/// work with stays as it is.
///
/// # Errors
/// When the server or the schema is one that this build cannot work with, when what was applied once has changed since, when others are in the
/// way for too long, or when a statement fails. What was applied before stays; the next call goes on from there.
pub fn migrate(
    client: &mut Client,
    patience: &Patience,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<Migrated, MigrateError> {
    Plan { files: FILES, version: VERSION, compatible: COMPATIBLE }.carry_out(client, patience, tell)
}

/// What is to be done.
struct Plan<'a> {
    files: &'a [File],
    version: i64,
    compatible: i64,
}

impl Plan<'_> {
    fn carry_out(
        &self,
        client: &mut Client,
        patience: &Patience,
        tell: &mut dyn FnMut(Step<'_>),
    ) -> Result<Migrated, MigrateError> {
        check_server(client)?;
        take_turn(client, patience, tell)?;
        let migrated = self.in_turn(client, patience, tell);
        // The lock goes with the connection, if not before.
        let over = format!("SELECT pg_advisory_unlock({TURN}); RESET lock_timeout; RESET statement_timeout");
        let _ = client.batch_execute(&over);
        migrated
    }

    fn in_turn(
        &self,
        client: &mut Client,
        patience: &Patience,
        tell: &mut dyn FnMut(Step<'_>),
    ) -> Result<Migrated, MigrateError> {
        client.batch_execute(&limits("", patience.lock, patience.statement))?;
        client.batch_execute(BOOKS)?;
        let found: Option<(i64, i64)> = client.query_opt(FOUND, &[])?.map(|row| (row.get(0), row.get(1)));
        let (before, compatible) = found.unwrap_or_default();
        let mut migrated = Migrated { before, now: before, applied: Vec::new() };
        if before > self.version {
            // A newer build has been here; what it left must be fit for this one.
            return if compatible <= self.version {
                Ok(migrated)
            } else {
                Err(MigrateError::TooNew { found: before, compatible, needed: self.version })
            };
        }
        let applied = self.applied(client)?;
        for file in self.files.iter().filter(|file| !applied.contains_key(file.name)) {
            let began = Instant::now();
            if file.one_by_one() {
                one_by_one(client, file, patience, tell)?;
            } else {
                with_patience(file.name, patience, tell, || at_once(client, file, patience))?;
            }
            let done = Done { name: file.name.to_owned(), took: began.elapsed() };
            tell(Step::Applied(&done));
            migrated.applied.push(done);
        }
        if before < self.version {
            client.execute(
                "INSERT INTO schema_version (one, version, compatible) VALUES (1, $1, $2) \
                 ON CONFLICT (one) DO UPDATE SET version = excluded.version, compatible = excluded.compatible",
                &[&self.version, &self.compatible],
            )?;
            migrated.now = self.version;
        }
        Ok(migrated)
    }

    /// What was applied, by name. It must be what this build would apply, or of a newer one that has begun and was cut off.
    fn applied(&self, client: &mut Client) -> Result<BTreeMap<String, String>, MigrateError> {
        let ours = "SELECT name, checksum FROM schema_migration WHERE version <= $1";
        let rows = client.query(ours, &[&self.version])?;
        let applied: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for (name, digest) in &applied {
            let Some(file) = self.files.iter().find(|file| file.name == name) else {
                return Err(MigrateError::Unknown(name.clone()));
            };
            if checksum(file.text) != *digest {
                return Err(MigrateError::Changed(name.clone()));
            }
        }
        Ok(applied)
    }
}

fn check_server(client: &mut Client) -> Result<(), MigrateError> {
    let told = client.query_one(
        "SELECT current_setting('server_version_num')::bigint, current_setting('server_version'), \
         current_setting('server_encoding')",
        &[],
    )?;
    let (number, version, encoding): (i64, String, String) = (told.get(0), told.get(1), told.get(2));
    if number < OLDEST {
        return Err(MigrateError::Server(format!("PostgreSQL 15 or later is needed: this is {version}")));
    }
    if encoding != "UTF8" {
        return Err(MigrateError::Server(format!("a database in UTF8 is needed: this one is in {encoding}")));
    }
    Ok(())
}

/// Takes the lock. It is asked for again and again, since whoever waited for it in a statement would be waited for, too, by one that
/// makes an index beside others.
fn take_turn(
    client: &mut Client,
    patience: &Patience,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<(), MigrateError> {
    let began = Instant::now();
    let mut told = false;
    while !client.query_one("SELECT pg_try_advisory_lock($1)", &[&TURN])?.get::<_, bool>(0) {
        if began.elapsed() >= patience.turn {
            return Err(MigrateError::Turn(patience.turn));
        }
        if !told {
            tell(Step::Waits);
            told = true;
        }
        sleep(PAUSE);
    }
    Ok(())
}

/// Applies a file as one transaction.
fn at_once(client: &mut Client, file: &File, patience: &Patience) -> Result<(), MigrateError> {
    let mut transaction = client.transaction()?;
    transaction.batch_execute(&limits("LOCAL", patience.lock, patience.statement))?;
    transaction
        .batch_execute(file.text)
        .map_err(|error| MigrateError::failed(file.name, file.text, 1, error))?;
    remember(&mut transaction, file)?;
    Ok(transaction.commit()?)
}

/// Applies the statements of a file one by one.
fn one_by_one(
    client: &mut Client,
    file: &File,
    patience: &Patience,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<(), MigrateError> {
    for statement in statements(file.text) {
        // What is done beside others keeps nobody waiting, however long it waits itself.
        let lock = if statement.has(&["CONCURRENTLY"]) { patience.long } else { patience.lock };
        client.batch_execute(&limits("", lock, patience.long))?;
        with_patience(file.name, patience, tell, || {
            perform(client, &statement)
                .map_err(|error| MigrateError::failed(file.name, statement.text, statement.line, error))
        })?;
    }
    client.batch_execute(&limits("", patience.lock, patience.statement))?;
    remember(client, file)
}

/// Executes one statement, in pieces where it says so.
fn perform(client: &mut Client, statement: &Statement<'_>) -> Result<(), postgres::Error> {
    if let Some(index) = statement.concurrent_index() {
        // One that was begun and cut off is there, and is of no use.
        let broken = "SELECT c.oid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                      WHERE c.oid = to_regclass($1) AND NOT i.indisvalid";
        if let Some(row) = client.query_opt(broken, &[&index])? {
            client.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {}", row.get::<_, &str>(0)))?;
        }
    }
    if statement.in_pieces() {
        while !client.query(statement.text, &[])?.is_empty() {}
        return Ok(());
    }
    client.batch_execute(statement.text)
}

fn remember(client: &mut impl GenericClient, file: &File) -> Result<(), MigrateError> {
    client.execute(
        "INSERT INTO schema_migration (version, name, checksum, applied_at) \
         VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)",
        &[&file.version, &file.name, &checksum(file.text)],
    )?;
    Ok(())
}

/// Does something, again after a pause where others were in the way.
fn with_patience(
    name: &str,
    patience: &Patience,
    tell: &mut dyn FnMut(Step<'_>),
    mut work: impl FnMut() -> Result<(), MigrateError>,
) -> Result<(), MigrateError> {
    let mut pause = patience.pause;
    for _ in 1..patience.tries {
        match work() {
            Err(error) if error.is_in_the_way() => tell(Step::InTheWay { name, why: error.to_string() }),
            done => return done,
        }
        sleep(pause);
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
    work()
}

fn limits(scope: &str, lock: Duration, statement: Duration) -> String {
    let (lock, statement) = (lock.as_millis(), statement.as_millis());
    format!("SET {scope} lock_timeout = {lock}; SET {scope} statement_timeout = {statement}")
}

/// The SHA-256 of a text, in hexadecimal.
fn checksum(text: &str) -> String {
    struct Hexadecimal<'a>(&'a [u8]);
    impl fmt::Display for Hexadecimal<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        }
    }
    Hexadecimal(&Sha256::digest(text.as_bytes())).to_string()
}
