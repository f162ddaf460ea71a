//! What starts guests: HTTP requests, Redis messages, the clock.

pub(crate) mod cron;
pub(crate) mod http;
pub(crate) mod redis;
