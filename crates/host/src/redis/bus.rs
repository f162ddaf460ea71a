//! The in-process bus: where guests' publishes and the redis triggers meet when no Redis is configured.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use crate::in_flight::{InFlight, Work};

/// How many messages may wait for one trigger. Beyond that they are dropped, as publish and subscribe may.
pub(crate) const QUEUE: usize = 1024;

/// A message on its way to one trigger.
pub(crate) struct Message {
    pub payload: Arc<Vec<u8>>,
    /// Counts as work in flight until it has been handled.
    pub work: Work,
}

/// The queues of the triggers, by channel.
#[derive(Default)]
pub(crate) struct Channels(BTreeMap<String, Vec<Subscriber>>);

struct Subscriber {
    component: String,
    queue: Sender<Message>,
}

impl Channels {
    pub fn subscribe(&mut self, channel: String, component: String, queue: Sender<Message>) {
        self.0.entry(channel).or_default().push(Subscriber { component, queue });
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Queues the message for each trigger of the channel.
    pub fn deliver(&self, in_flight: &InFlight, channel: &str, payload: &Arc<Vec<u8>>) {
        for subscriber in self.0.get(channel).into_iter().flatten() {
            let message = Message { payload: payload.clone(), work: in_flight.begin() };
            if let Err(TrySendError::Full(_)) = subscriber.queue.try_send(message) {
                tracing::warn!(
                    component = subscriber.component,
                    channel,
                    "message dropped: the queue is full"
                );
            }
        }
    }
}

/// Which bus the application uses.
#[derive(Default)]
pub(crate) struct Bus {
    /// The address that means this process.
    pub in_process: Option<String>,
    /// The triggers of each address.
    pub addresses: BTreeMap<String, Channels>,
}

impl Bus {
    /// The triggers to deliver to, if `address` means this process.
    pub fn local(&self, address: &str) -> bool {
        self.in_process.as_deref() == Some(address)
    }

    /// Publishes to the triggers of this process that listen at `address`.
    pub fn publish(&self, in_flight: &InFlight, address: &str, channel: &str, payload: Vec<u8>) {
        if let Some(channels) = self.addresses.get(address) {
            channels.deliver(in_flight, channel, &Arc::new(payload));
        }
    }

    /// Publishes to all triggers of the channel, whatever their address.
    pub fn publish_everywhere(&self, in_flight: &InFlight, channel: &str, payload: Vec<u8>) {
        let payload = Arc::new(payload);
        self.addresses.values().for_each(|channels| channels.deliver(in_flight, channel, &payload));
    }
}
