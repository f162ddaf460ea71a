//! The promises of the service, kept by the real binary over real HTTP.

mod buses;
mod case;
mod completing;
mod delivery;
mod idempotency;
mod one_answer;
mod operations;
mod owners;
mod parked;
mod path;
mod preview;
mod queued;
mod reminders;
mod reopening;
mod series;
mod series_after;
mod stacks;
mod starving;
mod tasks;
mod triggers;
