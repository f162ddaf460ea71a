//! A session of a native command with the database of a store on PostgreSQL.

use std::time::Duration;

use anyhow::{Context, anyhow};
use postgres::Client;

use crate::postgres::Connector;

/// How long connecting may take, unless the address says otherwise.
const CONNECT: Duration = Duration::from_secs(10);

const UNREADABLE: &str = "the address of the database cannot be read: it must be postgres://user:password@host:port/database, \
     or words such as host=… user=…";

/// Connects to an address as the command `name`.
pub(crate) fn connect(address: &str, name: &str) -> anyhow::Result<Client> {
    // Its own error is not told: in an address that is not understood a password may stand anywhere.
    let mut config: postgres::Config = address.parse().map_err(|_| anyhow!(UNREADABLE))?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_application_name().is_none() {
        config.application_name(name);
    }
    config.connect(Connector::default()).context("connecting to the database")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_not_understood_is_not_told() {
        for address in [
            "postgress://perennial:S3cretPw@127.0.0.1/perennial?sslmode=disable",
            "postgres://perennial:x@127.0.0.1/perennial?S3cretPw=1",
            "host=127.0.0.1 S3cretPw=1",
            "S3cretPw",
        ] {
            let error = connect(address, "test").err().expect("it cannot be read");
            let told = format!("{error:#} {error:?}");
            assert!(told.contains("must be postgres://") && !told.contains("S3cretPw"), "{told}");
        }
    }
}
