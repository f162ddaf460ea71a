//! What the end-to-end tests share: the running service, a client of its API, a receiver of its webhooks, a look into
//! its database, all that a store holds as one digest, a Redis, many requests at once, clients that note what they were told, and
//! waiting with a deadline.

mod client;
mod database;
mod disk;
mod flood;
pub mod load;
mod receiver;
mod redis;
mod service;
mod setting;
mod state;
mod stream;
mod wait;

pub use client::{Answer, Call, Client, Unanswered};
pub use database::{Database, Seed};
pub use disk::SmallDisk;
pub use flood::{CLIENTS, flood};
pub use receiver::{Delivery, Receiver, verify};
pub use redis::{Redis, redis_server};
pub use service::{Build, Service, Setup, binary, on_postgres, perennial, repository, restored};
pub use setting::setting;
pub use state::State;
pub use stream::{Stream, Told};
pub use wait::{SOON, at_once, until};
