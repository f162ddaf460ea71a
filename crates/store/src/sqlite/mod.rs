//! The store on SQLite.
//!
//! WAL, `synchronous = FULL` unless told otherwise. One statement per call: a host executes only the first statement of a
//! text, so a text with more than one is refused here.

mod apply;
mod audit;
mod conversations;
mod export;
mod feed;
mod filtered;
mod letters;
mod listed;
mod listeners;
mod migrate;
#[cfg(feature = "native")]
mod native;
mod parked;
mod projects;
mod read;
mod records;
mod search;
mod series;
mod shown;
#[cfg(target_arch = "wasm32")]
mod spin;
mod sql;
mod system;
mod view;

pub use crate::rows::Value;
#[cfg(feature = "native")]
pub use native::NativeSql;
#[cfg(target_arch = "wasm32")]
pub use spin::SpinSql;
pub use sql::{Sql, SqlError};

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use perennial_domain::{StreamId, UserId};

use crate::StoreError;
use crate::rows::Row;

/// How much a power cut may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Nothing that was acknowledged (`synchronous = FULL`).
    #[default]
    Full,
    /// The last moments, though never after the process alone dies (`synchronous = NORMAL`).
    Normal,
}

/// What a power cut may take of one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sync {
    /// Nothing: the store syncs before it answers. For what is acknowledged.
    Full,
    /// All of it: it would only be done again. For leases, claims and marks.
    Normal,
}

/// The store on one connection.
pub struct Sqlite<S> {
    sql: S,
    durability: Durability,
    /// How the connection syncs now; every fresh one syncs fully.
    syncs: Cell<Sync>,
    /// How long published events are kept, in milliseconds.
    keeps: Cell<i64>,
    /// How long conversations are kept to which nobody has written, in milliseconds.
    keeps_conversations: Cell<i64>,
    /// The streams that are published in lanes.
    hot: RefCell<BTreeSet<StreamId>>,
}

/// How long published events are kept unless told otherwise, in milliseconds: 30 days.
pub const KEEP_EVENTS: i64 = 2_592_000_000;

/// How long conversations are kept to which nobody has written, unless told otherwise, in milliseconds: 90 days.
pub const KEEP_CONVERSATIONS: i64 = 7_776_000_000;

impl<S: Sql> Sqlite<S> {
    /// Takes a fresh connection into use: migrates a database that is behind, refuses one that is ahead.
    pub fn open(sql: S, durability: Durability) -> Result<Self, StoreError> {
        let store = Self {
            sql,
            durability,
            syncs: Cell::new(Sync::Full),
            keeps: Cell::new(KEEP_EVENTS),
            keeps_conversations: Cell::new(KEEP_CONVERSATIONS),
            hot: RefCell::default(),
        };
        migrate::migrate(&store)?;
        Ok(store)
    }

    /// Says how long published events are kept, in milliseconds, where this connection forgets what is old.
    pub fn keep_events(&self, millis: i64) {
        self.keeps.set(millis);
    }

    /// Says how long conversations are kept to which nobody has written, in milliseconds, where this connection forgets what is old.
    pub fn keep_conversations(&self, millis: i64) {
        self.keeps_conversations.set(millis);
    }

    /// Says whose events this connection publishes in lanes.
    pub fn hot_users(&self, users: &[UserId]) {
        self.hot.replace(users.iter().map(UserId::stream).collect());
    }

    /// Makes the next statement as durable as it must be.
    fn sync(&self, wanted: Sync) -> Result<(), StoreError> {
        let wanted = if self.durability == Durability::Normal { Sync::Normal } else { wanted };
        if self.syncs.get() != wanted {
            let pragma = match wanted {
                Sync::Full => "PRAGMA synchronous = FULL",
                Sync::Normal => "PRAGMA synchronous = NORMAL",
            };
            self.execute(pragma, &[])?;
            self.syncs.set(wanted);
        }
        Ok(())
    }

    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        if has_second_statement(statement) {
            return Err(StoreError::Database("a text may hold only one statement".to_owned()));
        }
        let rows = self.sql.execute(statement, parameters).map_err(|error| apply::classify(&error.0))?;
        Ok(rows.into_iter().map(Row::new).collect())
    }

    /// Rows of a query, each read by `read`.
    fn query<T>(
        &self,
        statement: &str,
        parameters: &[Value],
        read: impl Fn(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.execute(statement, parameters)?.iter_mut().map(read).collect()
    }

    /// The first row of a query, if there is one.
    fn query_one<T>(
        &self,
        statement: &str,
        parameters: &[Value],
        read: impl Fn(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.execute(statement, parameters)?.first_mut().map(read).transpose()
    }
}

/// Whether there is text after the first statement. Our statements hold no `;` but in comments and trigger bodies.
fn has_second_statement(statement: &str) -> bool {
    let lines = || statement.lines().filter(|line| !line.trim_start().starts_with("--"));
    if lines().any(|line| line.contains("CREATE TRIGGER")) {
        return false;
    }
    lines().collect::<String>().trim_end().trim_end_matches(';').contains(';')
}
