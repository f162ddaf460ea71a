//! Events on their way: the CloudEvents envelope, the relay that empties the outbox, the buses, and dead letters.
//!
//! What travels on a bus is a hint. It may be lost, repeated or late; what must happen is in the store.

mod bus;
mod consumer;
mod delivery;
mod envelope;
mod first_look;
mod lanes;
mod letter;
mod place;
mod relay;
mod replay;
#[cfg(target_arch = "wasm32")]
mod sidecar;
#[cfg(target_arch = "wasm32")]
mod timeout;

pub use bus::{Bus, BusError, Fault, Message, woken};
#[cfg(target_arch = "wasm32")]
pub use bus::{DaprBus, LocalBus, RedisBus};
pub use consumer::{CONSUMERS, Consumer, heard_at, hearing};
pub use delivery::{Delivery, Entry, MAX_DELIVERED, MAX_DELIVERY, Status};
pub use envelope::{CloudEvent, EVENT_MEDIA_TYPE, EnvelopeError, MAX_EVENT};
pub use first_look::{FirstLook, StateStore};
pub use lanes::{LANES, lane_stream};
pub use letter::{DeadLetterRecord, ErrorContext, OTHER_TOPIC, given_up_by_broker, topic_named, unusable};
pub use place::EventPlace;
pub use relay::{
    OWN_LEASE, RelayError, Relayed, relay_all, relay_commit, relay_own, relay_shard, relay_stream,
};
pub use replay::{Resent, replay_letters};
#[cfg(target_arch = "wasm32")]
pub use sidecar::{Sidecar, SidecarState};
#[cfg(target_arch = "wasm32")]
pub use timeout::within;
