//! Buses: ways to hand events to those who wait for them.

#[cfg(any(target_arch = "wasm32", test))]
mod dapr;
#[cfg(target_arch = "wasm32")]
mod local;
#[cfg(target_arch = "wasm32")]
mod redis;

use thiserror::Error;

#[cfg(target_arch = "wasm32")]
pub use dapr::DaprBus;
#[cfg(target_arch = "wasm32")]
pub use local::LocalBus;
#[cfg(target_arch = "wasm32")]
pub use redis::RedisBus;

#[cfg(any(target_arch = "wasm32", test))]
use crate::MAX_EVENT;
use crate::{CloudEvent, Consumer, hearing};

/// An event and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// The event.
    pub event: CloudEvent,
}

/// Those that a message of a batch wakes: who hears it, but for those that one before it has woken already.
pub fn woken(batch: &[Message], index: usize) -> impl Iterator<Item = &'static Consumer> {
    let hears = |message: &Message, consumer: &Consumer| {
        hearing(&message.topic, &message.event.kind).any(|hearing| hearing == consumer)
    };
    let (before, message) = (batch.get(..index).unwrap_or_default(), batch.get(index));
    message
        .into_iter()
        .flat_map(|message| hearing(&message.topic, &message.event.kind))
        .filter(move |consumer| consumer.each || !before.iter().any(|message| hears(message, consumer)))
}

/// Hands events on.
pub trait Bus {
    /// Publishes events of one stream in order, and gives how many it took; where it failed, why it did not take the next one.
    /// A bus that takes some and did not fail takes the others when it is asked again. That it took an event does not say that
    /// anyone heard.
    #[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
    async fn publish(&self, batch: &[Message]) -> (usize, Option<BusError>);
}

/// The bus did not take an event.
#[derive(Debug, Error)]
#[error("the {bus} bus failed: {reason}")]
pub struct BusError {
    /// Which bus.
    pub bus: &'static str,
    /// What it said.
    pub reason: String,
    /// What may be done about it.
    pub fault: Fault,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The event's: it will never be taken.
    Event,
    /// Of whoever takes this event, or of the event: others may be taken. Where it comes again and again, it is the event's.
    Stream,
    /// The bus's: it takes nothing now.
    Bus,
}

/// The event of a message as it travels, unless it is longer than an event may be.
#[cfg(any(target_arch = "wasm32", test))]
fn document(bus: &'static str, message: &Message) -> Result<Vec<u8>, BusError> {
    let failed = |reason| BusError { bus, reason, fault: Fault::Event };
    let document = serde_json::to_vec(&message.event).map_err(|error| failed(error.to_string()))?;
    if document.len() > MAX_EVENT {
        return Err(failed(format!("{} bytes are more than an event may have", document.len())));
    }
    Ok(document)
}

/// Whose fault it is where a handler of this application did not answer 2xx.
#[cfg(any(target_arch = "wasm32", test))]
fn fault_of(status: u16) -> Fault {
    match status {
        400 | 413 | 415 | 422 => Fault::Event,
        // Its token or its address is not what the bus has for it: so it is for all events.
        401 | 403..=405 => Fault::Bus,
        _ => Fault::Stream,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handlers_failure_may_be_the_events_and_a_wrong_setting_never_is() {
        for (statuses, fault) in [
            (&[400, 413, 415, 422][..], Fault::Event),
            (&[401, 403, 404, 405], Fault::Bus),
            (&[302, 408, 429, 500, 502, 503, 504], Fault::Stream),
        ] {
            for status in statuses {
                assert_eq!(fault_of(*status), fault, "{status}");
            }
        }
    }
}
