//! Redis pub/sub, or the embedded host's in-process bus behind the same interface.

use spin_sdk::redis::Connection;

use super::{Bus, BusError};
use crate::CloudEvent;

/// Publishes on the Redis channel named like the topic.
pub struct RedisBus(Connection);

impl RedisBus {
    /// Connects.
    pub fn open(address: &str) -> Result<Self, BusError> {
        Connection::open(address).map(Self).map_err(error)
    }
}

impl Bus for RedisBus {
    async fn publish(&self, topic: &str, event: &CloudEvent) -> Result<(), BusError> {
        let payload = serde_json::to_vec(event).map_err(error)?;
        self.0.publish(topic, &payload).map_err(error)
    }
}

fn error(error: impl std::fmt::Display) -> BusError {
    BusError { bus: "redis", reason: error.to_string() }
}
