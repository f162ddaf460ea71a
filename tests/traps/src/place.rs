//! Where a house has its data, and looks into it past the service. Statements have the names that tables have in SQLite.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use perennial_fixture::plain;
use perennial_postgres::postgres::{Client, Error};
use perennial_postgres::{Server, aside, connect};
use rusqlite::Connection;

/// A database whose clock can be moved, where it is the one that all go by.
const MOVED_CLOCK: &str = "
    CREATE SCHEMA house;
    CREATE TABLE house.clock (ahead bigint NOT NULL);
    INSERT INTO house.clock VALUES (0);
    CREATE OR REPLACE FUNCTION perennial_now(told bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
        SELECT coalesce(told, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + (SELECT ahead FROM house.clock))
    $$;";

/// A file, or a database of a server.
pub(crate) enum Place {
    File(PathBuf),
    Database(Box<Database>),
}

/// A database of the server that all tests share.
pub(crate) struct Database {
    /// There until the end.
    looks: Mutex<Option<Client>>,
    address: perennial_postgres::Database<'static>,
}

impl Place {
    /// A database with the schema of this build. `None` where the machine has no PostgreSQL, after saying so.
    pub fn database() -> Option<Self> {
        let address = Server::shared()?.lend();
        let looks = Mutex::new(Some(aside(|| connect(&address))));
        let database = Database { looks, address };
        database.ask(|looks| looks.batch_execute(MOVED_CLOCK));
        Some(Self::Database(Box::new(database)))
    }

    /// The variables of the service that say where its data is.
    pub fn variables(&self) -> Vec<(String, String)> {
        let Self::Database(database) = self else { return Vec::new() };
        let variables = [
            ("store", "postgres".to_owned()),
            ("database_url", format!("{}?sslmode=disable", &*database.address)),
            ("database_host", server(&database.address)),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Moves the clock of the database, where there is one: so many milliseconds on.
    pub fn move_clock(&self, millis: i64) {
        if matches!(self, Self::Database(_)) {
            self.execute(&format!("UPDATE house.clock SET ahead = ahead + {millis}"));
        }
    }

    /// The one number that a query gives.
    pub fn number(&self, query: &str) -> i64 {
        match self {
            Self::File(file) => in_file(file, query, |sql| sql.query_row(query, [], |row| row.get(0))),
            Self::Database(database) => database.ask(|sql| Ok(sql.query_one(&plain(query), &[])?.get(0))),
        }
    }

    /// The one text that a query gives.
    pub fn text(&self, query: &str) -> String {
        match self {
            Self::File(file) => in_file(file, query, |sql| sql.query_row(query, [], |row| row.get(0))),
            Self::Database(database) => database.ask(|sql| Ok(sql.query_one(&plain(query), &[])?.get(0))),
        }
    }

    /// The texts that a query gives, each with its number.
    pub fn tally(&self, query: &str) -> BTreeMap<String, i64> {
        match self {
            Self::File(file) => in_file(file, query, |sql| {
                let mut rows = sql.prepare(query)?;
                rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            }),
            Self::Database(database) => database.ask(|sql| {
                let rows = sql.query(&plain(query), &[])?;
                Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
            }),
        }
    }

    /// Executes a statement; gives how many rows it has written.
    pub fn execute(&self, statement: &str) -> usize {
        match self {
            Self::File(file) => in_file(file, statement, |sql| sql.execute(statement, [])),
            Self::Database(database) => {
                let written = database.ask(|sql| sql.execute(&plain(statement), &[]));
                usize::try_from(written).unwrap()
            }
        }
    }
}

impl Database {
    fn ask<T: Send>(&self, ask: impl FnOnce(&mut Client) -> Result<T, Error> + Send) -> T {
        // The client cannot be used by a thread that runs an asynchronous test.
        aside(|| {
            let mut looks = self.looks.lock().unwrap();
            ask(looks.as_mut().unwrap()).unwrap_or_else(|error| panic!("{error:?}"))
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Nor ended by one.
        let looks = self.looks.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        aside(|| drop(looks));
    }
}

fn in_file<T>(file: &PathBuf, words: &str, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> T {
    let connection = Connection::open(file).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    ask(&connection).unwrap_or_else(|error| panic!("{words}: {error}"))
}

/// `postgres://host:port` of an address.
fn server(address: &str) -> String {
    let place = address.split_once('@').and_then(|(_, place)| place.split_once('/'));
    format!("postgres://{}", place.map(|(server, _)| server).unwrap_or_default())
}
