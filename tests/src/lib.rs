//! What the end-to-end tests share: the running service, a client of its API, a receiver of its webhooks, a look into
//! its database, a Redis, many requests at once, and waiting with a deadline.

mod client;
mod database;
mod flood;
mod receiver;
mod redis;
mod service;
mod stream;
mod wait;

pub use client::{Answer, Call, Client};
pub use database::{Database, Seed};
pub use flood::{CLIENTS, flood};
pub use receiver::{Delivery, Receiver, verify};
pub use redis::Redis;
pub use service::{Service, Setup, repository, restored};
pub use stream::{Stream, Told};
pub use wait::{SOON, at_once, until};
