//! From a name that may be reached to the very addresses to connect to.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use url::Host;

use super::Outbound;
use super::allowed_hosts::Permission;
use super::public::is_public;

/// A host and port that the allow list let pass, with how it did.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub host: Host,
    pub port: u16,
    pub permission: Permission,
}

/// Why there is no address to connect to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    /// The name has no address.
    #[error("address not available")]
    NoAddress,
    /// All of its addresses are forbidden.
    #[error("destination IP address is prohibited")]
    Prohibited,
}

impl Outbound {
    /// Resolves once and keeps what may be connected to; whoever connects takes these and asks no resolver again.
    pub async fn resolve(&self, destination: &Destination) -> Result<Vec<SocketAddr>, ResolveError> {
        let addresses: Vec<SocketAddr> = match &destination.host {
            Host::Domain(domain) => {
                // The system's resolver holds a thread for as long as it takes, even if nobody waits any more.
                let place =
                    self.lookups.clone().acquire_owned().await.map_err(|_| ResolveError::NoAddress)?;
                let (name, port) = (domain.clone(), destination.port);
                let found = tokio::task::spawn_blocking(move || {
                    let _place = place;
                    (name.as_str(), port).to_socket_addrs().map(Vec::from_iter)
                });
                found.await.ok().and_then(Result::ok).ok_or(ResolveError::NoAddress)?
            }
            Host::Ipv4(ip) => vec![SocketAddr::new(IpAddr::V4(*ip), destination.port)],
            Host::Ipv6(ip) => vec![SocketAddr::new(IpAddr::V6(*ip), destination.port)],
        };
        if addresses.is_empty() {
            return Err(ResolveError::NoAddress);
        }
        let allowed: Vec<_> = addresses
            .into_iter()
            .filter(|address| self.may_connect(address.ip(), destination.permission))
            .collect();
        if allowed.is_empty() { Err(ResolveError::Prohibited) } else { Ok(allowed) }
    }

    fn may_connect(&self, ip: IpAddr, permission: Permission) -> bool {
        let public_only = self.block_private || permission == Permission::Wildcard;
        let blocked = |ip: IpAddr| self.blocked.iter().any(|network| network.contains(&ip));
        permission != Permission::Denied
            && !blocked(ip)
            && !blocked(ip.to_canonical())
            && (!public_only || is_public(ip))
    }
}
