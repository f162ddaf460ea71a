//! Where guests may connect to: shared by outgoing HTTP and Redis.

mod allowed_hosts;
mod public;
mod resolve;

use std::sync::Arc;

use anyhow::Context;
use ipnet::IpNet;
use serde::Deserialize;
use tokio::sync::Semaphore;

pub(crate) use allowed_hosts::{AllowedHosts, Permission, chaining_target, default_port};
pub(crate) use resolve::{Destination, ResolveError};

/// Names that are looked up at once: each holds a thread of those that statements of SQLite need too.
const LOOKUPS: usize = 384;

/// `[outbound_networking]` of the runtime config.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboundNetworkingConfig {
    #[serde(default)]
    block_networks: Vec<String>,
}

/// `[outbound_http]` of the runtime config.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboundHttpConfig {
    /// This host never pools outgoing connections; the key changes nothing a guest can see.
    #[serde(default, rename = "connection_pooling")]
    _connection_pooling: bool,
    max_concurrent_requests: Option<usize>,
}

/// The settings all components share.
pub(crate) struct Outbound {
    blocked: Vec<IpNet>,
    block_private: bool,
    /// Bounds outgoing HTTP requests, if the runtime config does.
    pub requests: Option<Arc<Semaphore>>,
    /// Bounds the names that are looked up at once.
    lookups: Arc<Semaphore>,
    pub tls: Arc<rustls::ClientConfig>,
}

impl Outbound {
    pub fn new(networking: OutboundNetworkingConfig, http: &OutboundHttpConfig) -> anyhow::Result<Self> {
        let mut blocked = Vec::new();
        let mut block_private = false;
        for network in networking.block_networks {
            match network.as_str() {
                "private" => block_private = true,
                text => blocked.push(parse_network(text)?),
            }
        }
        // Spin lets one more through than the number says; so do we.
        let requests = http.max_concurrent_requests.map(|n| Arc::new(Semaphore::new(n.saturating_add(1))));
        Ok(Self {
            blocked,
            block_private,
            requests,
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            tls: tls_config()?,
        })
    }
}

fn parse_network(text: &str) -> anyhow::Result<IpNet> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .with_context(|| format!("runtime config: invalid network {text:?} in `block_networks`"))
}

/// Mozilla's roots; HTTP/1.1 only.
fn tls_config() -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
