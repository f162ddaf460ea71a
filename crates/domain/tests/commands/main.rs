//! What commands on tasks decide, one after the other, on rows kept as the store keeps them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod alarms;
mod alarms_model;
mod changes;
mod series;
mod spans;
mod splits;
mod tasks;
mod world;
mod zones;
