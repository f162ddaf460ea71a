//! What the benchmarks of the service share: the service in a process of its own, a client that costs little, seeds for
//! its store, looks into it, and figures.

mod bare;
mod bus;
mod completions;
mod figures;
mod followers;
mod home;
mod lean;
mod load;
mod look;
mod requests;
mod seed;
mod service;
mod settings;

pub use bare::Bare;
pub use bus::{Bus, Running};
pub use completions::{Burst, Completions, Paced};
pub use figures::{median, quantile, table};
pub use followers::{Follower, Followers};
pub use home::{Home, asked_server, server};
pub use lean::Connection;
pub use load::{Load, drive};
pub use look::Look;
pub use requests::{Requests, task_document};
pub use seed::{Seed, seed, seed_events};
pub use service::{Clock, Service, User};
pub use settings::{number, scratch};
