//! A session of a native command with the database of a store on PostgreSQL.

use std::time::Duration;

use anyhow::Context;
use postgres::Client;

use crate::postgres::Connector;

/// How long connecting may take, unless the address says otherwise.
const CONNECT: Duration = Duration::from_secs(10);

/// Connects to an address as the command `name`.
pub(crate) fn connect(address: &str, name: &str) -> anyhow::Result<Client> {
    let mut config: postgres::Config = address.parse().context("the address of the database")?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_application_name().is_none() {
        config.application_name(name);
    }
    config.connect(Connector::default()).context("connecting to the database")
}
