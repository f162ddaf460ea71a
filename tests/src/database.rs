//! A look into the database, past the API.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Params};

/// The service's SQLite file, opened read only.
#[derive(Debug)]
pub struct Database(Connection);

impl Database {
    pub(crate) fn open(state_dir: &Path) -> Self {
        let file = state_dir.join("sqlite_db.db");
        let connection = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        Self(connection)
    }

    /// The one number that `query` selects.
    pub fn number(&self, query: &str, params: impl Params) -> i64 {
        self.0.query_row(query, params, |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// How many events were ever committed.
    pub fn events(&self) -> i64 {
        self.number("SELECT count(*) FROM outbox", [])
    }
}
