//! What `perennial up` is asked to do, as a value that tests can build too.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The options of `perennial up`. The names are those of `spin up`.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// The manifest, or the folder that holds a `spin.toml`.
    pub from: PathBuf,
    /// The one address the HTTP trigger listens on; port 0 takes a free port.
    pub listen: SocketAddr,
    /// `runtime-config.toml`; `None` means there is none.
    pub runtime_config_file: Option<PathBuf>,
    /// Where data, logs, the token and compiled code lie; `None` is `.spin` beside the manifest.
    pub state_dir: Option<PathBuf>,
    /// The component ids to keep, together with their triggers; empty keeps all.
    pub components: Vec<String>,
    /// `--variable name=value`, strongest of all sources.
    pub variables: Vec<(String, String)>,
    /// Compiled code; `None` is `cache` in the state directory.
    pub cache_dir: Option<PathBuf>,
    /// Do not echo what guests write to stdout and stderr (it still goes to the log files).
    pub quiet: bool,
    /// How many HTTP guests may run at once, those apart whose component has places of its own; one more is answered 503.
    pub max_instances: u32,
    /// Bounds on a single guest.
    pub limits: GuestLimits,
}

impl Default for UpOptions {
    fn default() -> Self {
        Self {
            from: PathBuf::from("spin.toml"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            runtime_config_file: None,
            state_dir: None,
            components: Vec::new(),
            variables: Vec::new(),
            cache_dir: None,
            quiet: false,
            max_instances: 1000,
            limits: GuestLimits::default(),
        }
    }
}

/// Bounds on a single guest. Spin has none of the time bounds.
#[derive(Debug, Clone)]
pub struct GuestLimits {
    /// Linear memory in bytes, unless `max_instance_memory` of the runtime config says otherwise.
    pub memory: usize,
    /// How long a guest may compute before it is trapped. Waiting for a host call does not count.
    pub cpu: Duration,
    /// From the head of a request to the end of its body.
    pub body: Duration,
    /// From the request to the head of the response.
    pub until_response: Duration,
    /// How long a client may leave a part of the response lying before its guest is cut.
    pub unread: Duration,
    /// How much memory guests may hold, in bytes, for answers that their clients do not read; beyond it, those that have not
    /// been read for longest are given up earlier.
    pub unread_memory: usize,
    /// How long a guest may go on after its response is complete or its client has left.
    pub after_response: Duration,
    /// Connecting to a Redis.
    pub redis_connect: Duration,
    /// One command of a Redis.
    pub redis_command: Duration,
    /// Connecting to one server of a PostgreSQL's address, and how long it may take to make a session fit for the next guest.
    pub postgres_connect: Duration,
    /// How many sessions there are with the servers of one address, as in Spin, and how long a guest waits for one, also where the server
    /// has no room for more.
    pub postgres_sessions: usize,
    /// See above.
    pub postgres_wait: Duration,
    /// How long a session is kept that no guest has.
    pub postgres_idle: Duration,
    /// One statement of a PostgreSQL.
    pub postgres_statement: Duration,
    /// After how long without an answer it is looked whether a PostgreSQL answers others.
    pub postgres_silence: Duration,
    /// One message of a redis trigger, or one tick of a cron trigger.
    pub event: Duration,
}

impl Default for GuestLimits {
    fn default() -> Self {
        Self {
            memory: 256 * 1024 * 1024,
            cpu: Duration::from_secs(30),
            body: Duration::from_secs(60),
            until_response: Duration::from_secs(300),
            unread: Duration::from_secs(60),
            unread_memory: 512 * 1024 * 1024,
            after_response: Duration::from_secs(60),
            redis_connect: Duration::from_secs(2),
            redis_command: Duration::from_secs(5),
            postgres_connect: Duration::from_secs(5),
            postgres_sessions: 64,
            postgres_wait: Duration::from_secs(5),
            postgres_idle: Duration::from_secs(300),
            postgres_statement: Duration::from_secs(30),
            postgres_silence: Duration::from_secs(3),
            event: Duration::from_secs(300),
        }
    }
}
