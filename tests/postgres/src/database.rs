//! Databases, each made by copying one that has the schema.

use std::ops::Deref;

use perennial_store::postgres::{Patience, migrate};
use postgres::{Client, NoTls};

use crate::{Server, aside};

/// The database that the others are copied from.
pub(crate) const TEMPLATE: &str = "template_perennial";

/// A database for a time: dropped when this is. It reads as its address.
#[derive(Debug)]
pub struct Database<'a> {
    server: &'a Server,
    address: String,
}

impl<'a> Database<'a> {
    pub(crate) fn new(server: &'a Server, address: String) -> Self {
        Self { server, address }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.address.rsplit('/').next().unwrap_or_default()
    }
}

impl Deref for Database<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.address
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // A server that was stopped has nothing to drop it from; where a test has failed, it may help to keep it until the end.
        if std::thread::panicking() || self.server.id().is_none() {
            return;
        }
        let (address, drop) = (
            self.server.address("postgres"),
            format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name()),
        );
        aside(|| {
            if let Ok(mut client) = Client::connect(&address, NoTls) {
                let _ = client.batch_execute(&drop);
            }
        });
    }
}

/// A session in the database of an address.
pub fn connect(address: &str) -> Client {
    Client::connect(address, NoTls).unwrap_or_else(|error| panic!("{address}: {error}"))
}

/// Runs statements in the database of an address.
pub fn batch(address: &str, statements: &str) {
    aside(|| connect(address).batch_execute(statements))
        .unwrap_or_else(|error| panic!("{statements}: {error:?}"));
}

/// The one number, of type bigint, that a query gives in the database of an address.
pub fn number(address: &str, query: &str) -> i64 {
    let row = aside(|| connect(address).query_one(query, &[]).map(|row| row.get(0)));
    row.unwrap_or_else(|error| panic!("{query}: {error:?}"))
}

pub(crate) fn create(server: &Server, name: &str, template: Option<&str>) {
    let template = template.unwrap_or("template0");
    // Quicker than by way of the log, where nobody waits for a disk.
    batch(
        &server.address("postgres"),
        &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"),
    );
}

pub(crate) fn make_template(server: &Server) {
    create(server, TEMPLATE, None);
    let address = server.address(TEMPLATE);
    let migrated = aside(|| migrate(&mut connect(&address), &Patience::default(), &mut |_| {}));
    migrated.unwrap_or_else(|error| panic!("{error}"));
}
