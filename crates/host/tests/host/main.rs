//! The embedded host, asked through a probe component: a real guest, built with the SDK, on a real host.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must stop"
)]

mod arrival;
mod backup;
mod cli;
mod contracts;
mod counts;
mod cron;
mod door;
mod faults;
mod http;
mod hung_redis;
mod load;
mod networking;
mod places;
mod postgres;
mod redis;
mod refusals;
mod response;
mod sqlite;
mod start;
mod support;
mod variables;
mod writing;
