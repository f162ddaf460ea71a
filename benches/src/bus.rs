//! The service over each bus that it knows, each process as its users have it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use perennial_cloud::Cloud;
use perennial_tests::{Client, Redis, Service, Setup, at_once};

/// What carries events to the handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// The service's own, in its process.
    Local,
    /// Redis.
    Redis,
    /// Kafka, with a Dapr sidecar for each handler, which is a process of its own.
    Kafka,
}

/// A running service over one of them. All of it ends when this is dropped.
#[derive(Debug)]
pub enum Running {
    /// One process, and the Redis that it uses.
    One(Service, Option<Redis>),
    /// A process for each handler.
    Many(Box<Cloud>),
}

impl Bus {
    /// All of them, the one first that the others are held against.
    pub const ALL: [Self; 3] = [Self::Local, Self::Redis, Self::Kafka];

    /// What it is called in figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Redis => "redis",
            Self::Kafka => "kafka",
        }
    }

    /// Starts the service over it, with its clock. `None` where the machine lacks what it needs, after saying so.
    pub fn start(self, state_dir: &Path) -> Option<Running> {
        match self {
            Self::Local => Some(Running::One(Service::with(setup(state_dir, None)), None)),
            Self::Redis => Redis::start().map(|redis| Running::over(redis, state_dir)),
            Self::Kafka => Cloud::start(perennial_cloud::Setup::default()).map(Running::cloud),
        }
    }
}

impl Running {
    /// One process that uses this Redis.
    pub fn over(redis: Redis, state_dir: &Path) -> Self {
        Self::One(Service::with(setup(state_dir, Some(&redis))), Some(redis))
    }

    /// A process for each handler.
    pub fn cloud(cloud: Cloud) -> Self {
        Self::Many(Box::new(cloud))
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        let address = match self {
            Self::One(service, _) => service.address().to_owned(),
            Self::Many(cloud) => cloud.app("task-api").address(),
        };
        address.trim_start_matches("http://").parse().unwrap()
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        let state_dir = match self {
            Self::One(service, _) => service.state_dir(),
            Self::Many(cloud) => cloud.state_dir(),
        };
        state_dir.join("sqlite_db.db")
    }

    /// So many new users.
    pub fn users(&self, count: usize) -> Vec<Client> {
        at_once(count, |number| {
            let name = format!("User {number}");
            match self {
                Self::One(service, _) => service.user(&name),
                Self::Many(cloud) => cloud.user(&name),
            }
        })
    }
}

fn setup(state_dir: &Path, redis: Option<&Redis>) -> Setup {
    let variables = match redis {
        Some(redis) => vec![("redis_url", redis.url()), ("redis_host", redis.url())],
        // The in-process bus of the host.
        None => Vec::new(),
    };
    Setup { state_dir: Some(state_dir.to_owned()), variables, ..Setup::default() }
}
