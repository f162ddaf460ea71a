//! The promises of the service, kept by the real binary over real HTTP.

mod buses;
mod callbacks;
mod case;
mod completing;
mod delivery;
mod full_disk;
mod idempotency;
mod isolation;
mod jwt;
mod one_answer;
mod operations;
mod owners;
mod parked;
mod path;
mod preview;
mod queued;
mod quick;
mod receivers;
mod reminders;
mod reopening;
mod series;
mod series_after;
mod stacks;
mod starving;
mod tasks;
mod triggers;
