//! The application as it runs in the cloud, on this machine: Kafka, the Dapr Scheduler, and each handler as an application of its
//! own beside its own Dapr sidecar. Nothing stands in for anything; `make cloud` brings what it needs.

mod app;
mod between;
mod cloud;
mod deployment;
mod installed;
mod kafka;
mod ports;
mod postgres;
mod process;
mod redis;
mod scheduler;
mod service;

pub use app::{App, Secrets};
pub use between::{Between, Manner};
pub use cloud::{Cloud, HANDLERS, Setup, secret};
pub use deployment::Deployment;
pub use installed::Installed;
pub use kafka::{Kafka, Record};
pub use postgres::Postgres;
pub use process::Process;
pub use redis::Redis;
pub use scheduler::Scheduler;
pub use service::Service;

use std::path::PathBuf;

use perennial_tests::repository;

/// What a deployment reads: topics, and the resources of the sidecars.
pub fn deployed(file: &str) -> PathBuf {
    repository().join("k8s/spinkube/perennial/files").join(file)
}
