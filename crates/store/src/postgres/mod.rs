//! The store on PostgreSQL (15 or later), for any number of processes.
//!
//! One statement per call, each a transaction by itself (READ COMMITTED); a write is one call of a function in the database
//! (schema/0001_apply.sql). The schema is brought up to date by `perennial migrate`, never by a request.

mod apply;
mod audit;
mod busy;
mod conversations;
mod export;
mod feed;
mod filtered;
#[cfg(feature = "native")]
mod history;
mod listed;
mod listeners;
#[cfg(feature = "native")]
mod migrate;
#[cfg(feature = "native")]
mod native;
mod parked;
mod projects;
mod read;
mod records;
mod schema;
mod search;
mod series;
mod shown;
#[cfg(target_arch = "wasm32")]
mod spin;
mod sql;
mod system;
#[cfg(any(target_arch = "wasm32", test))]
mod told;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use perennial_domain::{StreamId, Timestamp, UserId};

#[cfg(feature = "native")]
pub use history::{HistoryError, rename_history};
#[cfg(feature = "native")]
pub use migrate::{Done, MigrateError, Migrated, Patience, Step, migrate};
#[cfg(feature = "native")]
pub use native::NativePg;
#[cfg(target_arch = "wasm32")]
pub use spin::SpinPg;
pub use sql::{Pg, PgError};

use crate::StoreError;
use crate::rows::{Row, Value};
use crate::sqlite::{KEEP_CONVERSATIONS, KEEP_EVENTS};

/// Whose clock leases and what is due go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// The database's, which all replicas share.
    #[default]
    Database,
    /// The caller's: tests move it.
    Caller,
}

/// The store on one connection.
pub struct Postgres<S> {
    sql: S,
    clock: Clock,
    /// What time it was by the database's clock when it told it last, until that is asked for.
    told: Cell<Option<Timestamp>>,
    /// How long published events are kept, in milliseconds.
    keeps: Cell<i64>,
    /// How long conversations are kept to which nobody has written, in milliseconds.
    keeps_conversations: Cell<i64>,
    /// The streams that are published in lanes.
    hot: RefCell<BTreeSet<StreamId>>,
}

/// How often a statement is tried that another transaction was in the way of. Nothing of it was done.
const TRIES: usize = 5;

impl<S: Pg> Postgres<S> {
    /// Takes a connection into use. Whether its database has a schema that this build can work with is asked by [`check`](Self::check),
    /// and where a statement fails for want of something that should be there.
    pub fn open(sql: S, clock: Clock) -> Result<Self, StoreError> {
        let store = Self {
            sql,
            clock,
            told: Cell::default(),
            keeps: Cell::new(KEEP_EVENTS),
            keeps_conversations: Cell::new(KEEP_CONVERSATIONS),
            hot: RefCell::default(),
        };
        Ok(store)
    }

    /// Leaves the connection to others until it is needed again: whoever waits for long is not to keep one of few.
    pub fn let_go(&self) {
        self.sql.let_go();
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

    /// What time it is by the database's clock, where that is what all go by: as it was told with a token that was just looked up, or as it
    /// is asked for. `None` where the caller's clock is the one.
    pub fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        match (self.clock, self.told.take()) {
            (Clock::Caller, _) => Ok(None),
            (Clock::Database, Some(told)) => Ok(Some(told)),
            (Clock::Database, None) => {
                self.query_one("SELECT perennial_now(NULL::bigint)", &[], Row::instant)
            }
        }
    }

    /// The time to go by, as a statement is told it: NULL where that is the database's own.
    fn now(&self, caller: Timestamp) -> Value {
        match self.clock {
            Clock::Database => Value::Null,
            Clock::Caller => caller.into(),
        }
    }

    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        let parameters = &*storable(parameters);
        let mut tries: usize = 1;
        loop {
            match self.sql.query(statement, parameters) {
                Ok(rows) => return Ok(rows.into_iter().map(Row::new).collect()),
                Err(error) if tries < TRIES && apply::was_in_the_way(&error) => {
                    tries = tries.saturating_add(1)
                }
                Err(error) => return Err(self.explain(error)),
            }
        }
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

/// The same parameters with U+0001 for U+0000, which PostgreSQL has no text with: what somebody made up, such as a cursor, has about the same
/// place in the order.
fn storable(parameters: &[Value]) -> Cow<'_, [Value]> {
    let has = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    if !parameters.iter().any(has) {
        return Cow::Borrowed(parameters);
    }
    let without = |value: &Value| match value {
        Value::Text(text) => Value::Text(text.replace('\0', "\u{1}")),
        other => other.clone(),
    };
    Cow::Owned(parameters.iter().map(without).collect())
}
