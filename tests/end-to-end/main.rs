//! The promises of the service, kept by the real binary over real HTTP.

mod completing;
mod delivery;
mod idempotency;
mod owners;
mod path;
mod preview;
mod series;
mod tasks;
mod triggers;
