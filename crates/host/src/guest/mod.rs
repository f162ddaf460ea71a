//! Guests: compiled once, instantiated fresh for every request, message and tick.

mod cache;
mod component;
mod engine;
mod faults;
mod linker;
mod memory;
mod meter;
mod run;
mod state;
mod stdio;

pub(crate) use cache::Cache;
pub(crate) use component::GuestComponent;
pub(crate) use engine::engine;
pub(crate) use faults::Faults;
pub(crate) use linker::linker;
pub(crate) use memory::{Counted, Held};
pub(crate) use run::{after, is_shutdown};
pub(crate) use state::GuestState;
pub(crate) use stdio::Logs;
