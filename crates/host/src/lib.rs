//! The embedded host: what this application needs of `spin up`, in one process.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use perennial_host::{Hooks, UpOptions, start};
//!
//! let options = UpOptions { listen: ([127, 0, 0, 1], 0).into(), ..UpOptions::default() };
//! let running = start(options, Hooks::default()).await?;
//! println!("http://{}", running.address);
//! running.idle().await;
//! running.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! One folder per Spin interface (`variables`, `sqlite`, `postgres`, `redis`, `http_out`), each with the same parts: `mod.rs` for
//! its life cycle, `host.rs` for the interface, `runtime_config.rs` for its configuration. `triggers` starts guests,
//! `guest` runs them.

mod backup;
mod bindings;
mod caller;
pub mod cli;
mod counts;
mod database;
mod draft;
mod guest;
mod hooks;
mod http_out;
mod in_flight;
mod locks;
mod manifest;
mod migrate;
mod options;
mod outbound;
mod postgres;
mod redis;
pub mod repeats;
mod rest;
mod restore;
mod restored;
mod running;
mod runtime_config;
mod services;
mod settings;
mod sqlite;
mod start;
mod state_dir;
mod timed_body;
mod triggers;
mod variables;

pub use backup::{Copied, backup};
pub use counts::Counts;
pub use hooks::{Call, FaultHook, Hooks, Moment, Point, Verdict, WallClock};
pub use migrate::migrate;
pub use options::{GuestLimits, UpOptions};
pub use restore::restore;
pub use restored::{Restored, restored, restored_database};
pub use running::Running;
pub use start::start;
pub use triggers::http::Unread;
