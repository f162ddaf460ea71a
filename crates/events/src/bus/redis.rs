//! Redis pub/sub, or the embedded host's in-process bus behind the same interface.

use spin_sdk::redis::Connection;

use super::{Bus, BusError, Fault, Message, document, one_by_one, woken};

/// Publishes on the Redis channel named like the topic, for readers outside, and on the channel of each handler that the event
/// wakes.
pub struct RedisBus(Connection);

impl RedisBus {
    /// Connects.
    pub fn open(address: &str) -> Result<Self, BusError> {
        Connection::open(address).map(Self).map_err(|error| failed(Fault::Bus, error))
    }

    fn publish_one(&self, batch: &[Message], index: usize, message: &Message) -> Result<(), BusError> {
        let payload = document("redis", message)?;
        let channels = woken(batch, index).filter_map(|consumer| consumer.channel);
        for channel in std::iter::once(message.topic.as_str()).chain(channels) {
            self.0.publish(channel, &payload).map_err(|error| failed(Fault::Bus, error))?;
        }
        Ok(())
    }
}

impl Bus for RedisBus {
    async fn publish(&self, batch: &[Message]) -> (usize, Option<BusError>) {
        one_by_one(batch, async |index, message| self.publish_one(batch, index, message)).await
    }
}

fn failed(fault: Fault, error: impl std::fmt::Display) -> BusError {
    BusError { bus: "redis", reason: error.to_string(), fault }
}
