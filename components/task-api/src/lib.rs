//! The HTTP API: tasks, occurrences, channels, notifications, users and tokens.

mod api;
mod bin;
mod bulk;
mod changes;
mod channels;
mod command;
mod described;
#[cfg(feature = "schema")]
mod docs;
mod door;
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "spin-sdk generates the exported function")]
mod entry;
mod events;
mod export;
mod health;
mod letters;
mod limits;
mod notifications;
mod occurrences;
#[cfg(feature = "schema")]
mod openapi;
mod operation;
mod parked;
mod preview;
mod projects;
mod quick;
mod settings;
mod tasks;
mod tokens;
mod users;
mod view;

pub use api::{Answered, Api, Written};
#[cfg(feature = "schema")]
pub use docs::page;
pub use door::{Admitted, Used, admit, finish, handle, template};
pub use limits::Limits;
#[cfg(feature = "schema")]
pub use openapi::document;
