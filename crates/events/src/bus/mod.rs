//! Buses: ways to hand an event to those who wait for it.

#[cfg(target_arch = "wasm32")]
mod local;
#[cfg(target_arch = "wasm32")]
mod redis;

use thiserror::Error;

#[cfg(target_arch = "wasm32")]
pub use local::LocalBus;
#[cfg(target_arch = "wasm32")]
pub use redis::RedisBus;

use crate::CloudEvent;

/// Hands events on.
pub trait Bus {
    /// Publishes one event on a topic. Success says that the bus took it, not that anyone heard.
    #[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
    async fn publish(&self, topic: &str, event: &CloudEvent) -> Result<(), BusError>;
}

/// The bus did not take an event.
#[derive(Debug, Error)]
#[error("the {bus} bus failed: {reason}")]
pub struct BusError {
    /// Which bus.
    pub bus: &'static str,
    /// What it said.
    pub reason: String,
}
