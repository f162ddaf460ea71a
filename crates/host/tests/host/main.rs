//! The embedded host, asked through a probe component: a real guest, built with the SDK, on a real host.

mod cli;
mod contracts;
mod cron;
mod faults;
mod http;
mod networking;
mod redis;
mod refusals;
mod sqlite;
mod support;
mod variables;
