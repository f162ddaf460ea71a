//! Events on their way: the CloudEvents envelope, the relay that empties the outbox, and the buses.
//!
//! What travels on a bus is a hint. It may be lost, repeated or late; what must happen is in the store.

mod bus;
mod envelope;
mod relay;

pub use bus::{Bus, BusError};
#[cfg(target_arch = "wasm32")]
pub use bus::{LocalBus, RedisBus};
pub use envelope::{CloudEvent, EVENT_MEDIA_TYPE, EnvelopeError, MAX_EVENT};
pub use relay::{RelayError, relay_all, relay_stream};
