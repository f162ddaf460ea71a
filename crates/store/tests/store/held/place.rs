//! A database whose sessions can hold snapshots, and of which is known what is read in it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use perennial_fixture::is_postgres;
use perennial_postgres::postgres::{Client, IsolationLevel, Transaction};
use perennial_postgres::{Server, Setup, connect};
use perennial_store::Value;
use perennial_store::postgres::{Clock, NativePg, Pg, PgError, Postgres};

/// A connection that says at once what it has read: else that is told once a second.
pub struct Counted(NativePg);

impl Pg for Counted {
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, PgError> {
        let rows = self.0.query(statement, parameters);
        self.0.query("SELECT 1::bigint FROM pg_stat_force_next_flush()", &[])?;
        rows
    }
}

/// What was read: pages of each table, its indexes among them, however often.
pub type Pages = BTreeMap<String, i64>;

/// A server of its own, on which nothing is vacuumed unasked.
pub struct Place {
    pub store: Postgres<Counted>,
    looks: RefCell<Client>,
    address: String,
    // The last to go.
    _server: Server,
}

impl Place {
    /// `None`: tests run on SQLite, or there is no PostgreSQL.
    pub fn new() -> Option<Self> {
        if !is_postgres() {
            println!("skipped: it is about PostgreSQL alone");
            return None;
        }
        let settings = vec!["autovacuum=off".to_owned()];
        let server = Server::with(Setup { settings, ..Setup::default() })?;
        let address = server.database();
        let store = Postgres::open(Counted(NativePg::open(&address).unwrap()), Clock::Caller).unwrap();
        Some(Self { store, looks: RefCell::new(connect(&address)), address, _server: server })
    }

    /// Another session.
    pub fn session(&self) -> Client {
        connect(&self.address)
    }

    pub fn run(&self, statements: &str) {
        let done = self.looks.borrow_mut().batch_execute(statements);
        done.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
    }

    /// How many rows there are of a table and condition.
    pub fn count(&self, what: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {what}"))
    }

    fn number(&self, query: &str) -> i64 {
        self.looks.borrow_mut().query_one(query, &[]).unwrap().get(0)
    }

    /// What the store has read until now.
    fn pages(&self) -> Pages {
        let query = "SELECT relname::text, (coalesce(heap_blks_read + heap_blks_hit, 0) + coalesce(idx_blks_read + idx_blks_hit, 0))::bigint \
                     FROM pg_statio_user_tables";
        let mut looks = self.looks.borrow_mut();
        // What this session itself has read is told before.
        looks.batch_execute("SELECT pg_stat_force_next_flush()").unwrap();
        let rows = looks.query(query, &[]).unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// What is read while something is done.
    pub fn read_by<T>(&self, done: impl FnOnce() -> T) -> (Pages, T) {
        let before = self.pages();
        let result = done();
        let mut pages = self.pages();
        pages.iter_mut().for_each(|(table, pages)| *pages -= before.get(table).copied().unwrap_or_default());
        (pages, result)
    }

    /// Rows that are dead and still there, as the last VACUUM has found them.
    pub fn dead(&self) -> i64 {
        self.run("VACUUM");
        self.number("SELECT sum(n_dead_tup)::bigint FROM pg_stat_user_tables")
    }
}

/// Holds a snapshot, as a dump does.
pub fn hold(session: &mut Client) -> Transaction<'_> {
    let mut held =
        session.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().unwrap();
    held.query("SELECT 1", &[]).unwrap();
    held
}
