//! All that a store holds, as one digest: two stores that hold the same have the same, in whatever order their rows lie.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use perennial_postgres::postgres::fallible_iterator::FallibleIterator;
use perennial_postgres::postgres::types::ToSql;
use perennial_postgres::postgres::{Client, IsolationLevel, Transaction};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

/// The table that names the history, which is another after a restore.
const EPOCH: &str = "epoch";

/// What a store holds, seen at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The name of its history.
    pub epoch: String,
    /// Every other table, with how many rows it has and a digest of them.
    pub tables: BTreeMap<String, (usize, String)>,
}

impl State {
    /// That of a store on SQLite, whether somebody works with it or not.
    pub fn of_file(file: &Path) -> Self {
        // To read alone would leave files beside it.
        let mut store = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let seen = store.transaction().unwrap();
        let epoch = seen.query_row("SELECT id FROM epoch", [], |row| row.get(0)).unwrap();
        let names = "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'";
        let mut names = seen.prepare(names).unwrap();
        let names = names.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap);
        let names: Vec<(String, bool)> = names.collect();
        let tables = names.into_iter().filter(|(name, _)| name != EPOCH);
        let tables = tables.map(|(name, without_rowid)| {
            let rows = rows_of_file(&seen, &name, without_rowid);
            (name, rows.told())
        });
        Self { epoch, tables: tables.collect() }
    }

    /// That of a store on PostgreSQL.
    pub fn of_database(client: &mut Client) -> Self {
        let seen = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let mut seen = seen.start().unwrap();
        let epoch = seen.query_one("SELECT id FROM epoch", &[]).unwrap().get(0);
        let names =
            seen.query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'", &[]).unwrap();
        let names = names.iter().map(|row| row.get::<_, String>(0)).filter(|name| name != EPOCH);
        let tables = names.map(|name| {
            let rows = rows_of_database(&mut seen, &name);
            (name, rows.told())
        });
        Self { epoch, tables: tables.collect() }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.tables.values().map(|(rows, _)| rows).sum()
    }

    /// The digest of all tables but the one with the name of the history.
    pub fn hash(&self) -> String {
        let mut all = Sha256::new();
        for (name, (rows, digest)) in &self.tables {
            all.update(format!("{name} {rows} {digest}\n"));
        }
        hexadecimal(&all.finalize())
    }
}

/// The digests of rows.
#[derive(Default)]
struct Rows(Vec<[u8; 32]>);

impl Rows {
    fn add(&mut self, row: &str) {
        self.0.push(Sha256::digest(row).into());
    }

    /// How many they are, and the digest of all, in an order of their own.
    fn told(mut self) -> (usize, String) {
        self.0.sort_unstable();
        (self.0.len(), hexadecimal(&Sha256::digest(self.0.concat())))
    }
}

/// The rows of a table, with the numbers that SQLite gives them: a statement may go by those.
fn rows_of_file(store: &Connection, table: &str, without_rowid: bool) -> Rows {
    let all = if without_rowid { "*" } else { "rowid, *" };
    let mut query = store.prepare(&format!("SELECT {all} FROM \"{table}\"")).unwrap();
    let columns = query.column_count();
    let mut found = query.query([]).unwrap();
    let mut rows = Rows::default();
    while let Some(row) = found.next().unwrap() {
        let values = (0..columns).map(|column| format!("{:?}", row.get::<_, Value>(column).unwrap()));
        rows.add(&values.collect::<Vec<_>>().join(", "));
    }
    rows
}

fn rows_of_database(store: &mut Transaction<'_>, table: &str) -> Rows {
    let query = format!("SELECT (whole.*)::text FROM \"{table}\" AS whole");
    let mut found = store.query_raw(&query, std::iter::empty::<&(dyn ToSql + Sync)>()).unwrap();
    let mut rows = Rows::default();
    while let Some(row) = found.next().unwrap() {
        rows.add(row.get(0));
    }
    rows
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
