//! Redis for guests: a real one, or the in-process bus in its place.

mod bus;
mod client;
mod host;

pub(crate) use bus::{Bus, Message, QUEUE};
pub(crate) use client::settled;

/// A guest's connection.
pub enum Connection {
    /// To the triggers of this process that listen at this address.
    InProcess(String),
    /// To a Redis.
    Redis(client::Remote),
}
