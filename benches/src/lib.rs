//! What the benchmarks of the service share: the service in a process of its own, a client that costs little, seeds for
//! its store, looks into it, and figures.

mod bare;
mod figures;
mod lean;
mod load;
mod look;
mod requests;
mod seed;
mod service;
mod settings;

pub use bare::Bare;
pub use figures::{median, quantile, table};
pub use lean::Connection;
pub use load::{Load, drive};
pub use look::Look;
pub use requests::{Requests, task_document};
pub use seed::{Seed, seed};
pub use service::{Clock, Service, User};
pub use settings::{number, scratch};
