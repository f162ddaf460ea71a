//! Buses: ways to hand events to those who wait for them.

#[cfg(any(target_arch = "wasm32", test))]
mod dapr;
#[cfg(target_arch = "wasm32")]
mod local;
#[cfg(target_arch = "wasm32")]
mod redis;

#[cfg(any(target_arch = "wasm32", test))]
use std::time::{Duration, Instant};

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

/// How long a bus that hands events on one by one goes on with a batch before it gives the relay its turn: the lease must outlast that, and
/// one more event.
#[cfg(any(target_arch = "wasm32", test))]
const BATCH_TIME: Duration = Duration::from_millis(500);

/// Hands the events of a batch on one by one, until one fails or the time of a batch is over; one at least.
#[cfg(any(target_arch = "wasm32", test))]
async fn one_by_one(
    batch: &[Message],
    publish: impl AsyncFn(usize, &Message) -> Result<(), BusError>,
) -> (usize, Option<BusError>) {
    let begun = Instant::now();
    let mut taken: usize = 0;
    for (index, message) in batch.iter().enumerate() {
        if taken > 0 && begun.elapsed() > BATCH_TIME {
            break;
        }
        if let Err(error) = publish(index, message).await {
            return (taken, Some(error));
        }
        taken = taken.saturating_add(1);
    }
    (taken, None)
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
    fn what_goes_out_one_by_one_goes_until_one_fails_or_the_time_is_over() {
        let event: CloudEvent = serde_json::from_value(serde_json::json!({
            "specversion": "1.0", "id": "1", "source": "/perennial/test", "type": "task.created", "subject": "task",
            "time": "2026-11-30T00:00:00Z", "datacontenttype": "application/json",
            "dataschema": "urn:perennial:event:task.created:1.0", "userid": "ada", "stream": "ada",
            "sequence": "00000000000000000001", "partitionkey": "ada", "correlationid": "c", "epoch": "e", "data": {},
        }))
        .unwrap();
        let batch: Vec<Message> =
            (0..20).map(|_| Message { topic: "task-events".to_owned(), event: event.clone() }).collect();
        let take = |refused: usize, pause: u64| {
            pollster::block_on(one_by_one(&batch, async |index, _| {
                std::thread::sleep(Duration::from_millis(pause));
                let failed = BusError { bus: "test", reason: "no".to_owned(), fault: Fault::Bus };
                if index == refused { Err(failed) } else { Ok(()) }
            }))
        };
        assert!(matches!(take(20, 0), (20, None)));
        assert!(matches!(take(3, 0), (3, Some(_))));
        // Twenty of these take two seconds.
        let (taken, error) = take(20, 100);
        assert!(error.is_none() && (1..20).contains(&taken), "{taken}");
    }

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
