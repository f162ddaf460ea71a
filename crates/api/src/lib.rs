//! The operations: on tasks, occurrences, channels, notifications, users and tokens. Each is declared once, in a table, by which requests
//! are let in and carried out and the API is described; what calls them is a component.

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
mod events;
mod export;
mod health;
#[cfg(target_arch = "wasm32")]
mod hosted;
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
mod rehearsal;
mod settings;
mod tasks;
mod tokens;
mod users;
mod view;

pub use api::{Answered, Api, Written};
#[cfg(feature = "schema")]
pub use docs::page;
pub use door::{Admitted, Used, admit, admit_as, finish, handle, template};
#[cfg(target_arch = "wasm32")]
pub use hosted::{Hosted, publish};
pub use limits::Limits;
#[cfg(feature = "schema")]
pub use openapi::document;
