//! A look into the database, past the API.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Params};

/// The service's SQLite file, opened read only.
#[derive(Debug)]
pub struct Database(Connection);

/// The service's SQLite file, to be written to: histories that would take too long to tell over HTTP, and rows as
/// another build may have left them.
#[derive(Debug)]
pub struct Seed(Connection);

impl Database {
    /// Opens that of a state directory.
    pub fn open(state_dir: &Path) -> Self {
        Self(connect(state_dir, OpenFlags::SQLITE_OPEN_READ_ONLY))
    }

    /// The one number that `query` selects.
    pub fn number(&self, query: &str, params: impl Params) -> i64 {
        self.0.query_row(query, params, |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The texts that `query` selects.
    pub fn rows_of(&self, query: &str, params: impl Params) -> Vec<String> {
        let mut rows = self.0.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        rows.query_map(params, |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Whether a table has a column.
    pub fn has(&self, table: &str, column: &str) -> bool {
        self.number("SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2", [table, column]) > 0
    }

    /// All rows, of any table, that have one of these texts in them, each as text, in a fixed order.
    pub fn rows_with(&self, texts: &[&str]) -> Vec<String> {
        let of_schema = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let mut tables = self.0.prepare(of_schema).unwrap();
        let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let mut found = Vec::new();
        for table in tables.map(Result::unwrap) {
            let mut rows = self.0.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
            let columns = rows.column_count();
            let mut rows = rows.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let values = (0..columns).map(|column| format!("{:?}", row.get::<_, Value>(column).unwrap()));
                let row = format!("{table}: {}", values.collect::<Vec<_>>().join(", "));
                if texts.iter().any(|text| row.contains(text)) {
                    found.push(row);
                }
            }
        }
        found.sort();
        found
    }

    /// How many events were ever committed.
    pub fn events(&self) -> i64 {
        self.number("SELECT count(*) FROM outbox", [])
    }
}

impl Seed {
    pub(crate) fn open(state_dir: &Path) -> Self {
        Self(connect(state_dir, OpenFlags::SQLITE_OPEN_READ_WRITE))
    }

    /// Runs one statement, which must write so many rows.
    pub fn write(&self, rows: usize, statement: &str, params: impl Params) {
        let written =
            self.0.execute(statement, params).unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert_eq!(written, rows, "{statement}");
    }

    /// Writes with several statements at once: nobody sees the state between them.
    pub fn write_all(&self, statements: &str) {
        let batch = format!("BEGIN IMMEDIATE; {statements} COMMIT;");
        self.0.execute_batch(&batch).unwrap_or_else(|error| panic!("{statements}: {error}"));
    }
}

fn connect(state_dir: &Path, mode: OpenFlags) -> Connection {
    let file = state_dir.join("sqlite_db.db");
    let connection = Connection::open_with_flags(&file, mode)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}
