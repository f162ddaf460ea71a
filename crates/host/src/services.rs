//! What all guests of one host share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, Weak};

use tokio_util::sync::CancellationToken;

use crate::hooks::Hooks;
use crate::http_out::OwnCalls;
use crate::in_flight::InFlight;
use crate::options::GuestLimits;
use crate::outbound::Outbound;
use crate::postgres::Servers;
use crate::redis::Bus;
use crate::rest::Resting;
use crate::sqlite::Databases;
use crate::triggers::http::HttpTrigger;

/// Shared by all guests.
pub(crate) struct Services {
    pub databases: Databases,
    pub bus: Bus,
    /// The Redis servers that do not answer, and who waits for one.
    pub resting: Resting,
    /// Sessions with PostgreSQL servers.
    pub postgres: Servers,
    pub outbound: Outbound,
    /// Which clients are guests of this host.
    pub own_calls: OwnCalls,
    pub limits: GuestLimits,
    pub hooks: Hooks,
    pub in_flight: InFlight,
    /// Cancelled when guests must not run any longer.
    pub kill: CancellationToken,
    /// The way back in for service chaining; weak, because the trigger owns this.
    pub http: OnceLock<Weak<HttpTrigger>>,
    invocations: AtomicU64,
}

impl Services {
    pub fn new(
        databases: Databases,
        bus: Bus,
        outbound: Outbound,
        limits: GuestLimits,
        instances: u32,
        hooks: Hooks,
    ) -> Self {
        Self {
            databases,
            bus,
            resting: Resting::new("Redis", instances),
            postgres: Servers::new(instances),
            outbound,
            own_calls: OwnCalls::default(),
            limits,
            hooks,
            in_flight: InFlight::default(),
            kill: CancellationToken::new(),
            http: OnceLock::new(),
            invocations: AtomicU64::new(0),
        }
    }

    pub fn next_invocation(&self) -> u64 {
        self.invocations.fetch_add(1, Ordering::Relaxed)
    }
}
