//! Where a guest wants to go: what its address says, and whether it may.

use std::net::{IpAddr, Ipv6Addr};

use tokio_postgres::Config;
use tokio_postgres::config::Host as PgHost;
use url::{Host, Url};

use super::error::refused;
use crate::bindings::spin::postgres::postgres::Error;
use crate::outbound::{AllowedHosts, Destination, Permission};

/// The port of a PostgreSQL.
const PORT: u16 = 5432;

/// An address that was read, to servers that may be reached.
#[derive(Clone)]
pub(super) struct Address {
    /// As the guest wrote it.
    pub text: String,
    pub config: Config,
    /// The servers that it names, in order.
    pub servers: Vec<Server>,
}

/// One server of an address.
#[derive(Clone)]
pub(super) struct Server {
    /// The host as the address has it: whom a certificate is to be of.
    pub host: String,
    pub destination: Destination,
}

impl Address {
    /// Reads an address: a URL, or words as libpq has them (`host=… user=…`).
    pub fn parse(text: String, allowed: &AllowedHosts) -> Result<Self, Error> {
        // What was read of it is not told: in an address that is not understood a password may stand anywhere.
        let mut config: Config =
            text.parse().map_err(|error: tokio_postgres::Error| refused(&error.to_string()))?;
        if !config.get_hostaddrs().is_empty() {
            return Err(refused("hostaddr is not supported: allowed_outbound_hosts names hosts"));
        }
        let hosts = config.get_hosts().iter().enumerate();
        let servers: Vec<Server> =
            hosts.map(|(at, host)| server(&config, at, host, allowed)).collect::<Result<_, _>>()?;
        if servers.is_empty() {
            return Err(refused("the address names no host"));
        }
        if config.get_application_name().is_none() {
            config.application_name("perennial");
        }
        Ok(Self { text, config, servers })
    }

    /// How its servers may be reached.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> {
        self.servers.iter().map(|server| server.destination.permission)
    }
}

fn server(config: &Config, at: usize, host: &PgHost, allowed: &AllowedHosts) -> Result<Server, Error> {
    let name = match host {
        PgHost::Tcp(name) => name.clone(),
        #[cfg(unix)]
        PgHost::Unix(_) => return Err(refused("Unix sockets are not supported on WebAssembly")),
    };
    let ports = config.get_ports();
    let port = match ports {
        [] => PORT,
        [one] => *one,
        many => many.get(at).copied().unwrap_or(PORT),
    };
    let in_url = if name.parse::<Ipv6Addr>().is_ok() { format!("[{name}]") } else { name.clone() };
    let url = format!("postgres://{in_url}:{port}");
    let read = Url::parse(&url).map_err(|error| refused(&error.to_string()))?;
    let permission = allowed.check(&read);
    if permission == Permission::Denied {
        return Err(refused(&format!("address {url} is not permitted")));
    }
    let host = match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => Host::Ipv4(ip),
        Ok(IpAddr::V6(ip)) => Host::Ipv6(ip),
        Err(_) => Host::parse(&name).map_err(|error| refused(&error.to_string()))?,
    };
    Ok(Server { host: name, destination: Destination { host, port, permission } })
}

/// An error with its cause.
pub(super) fn full(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
