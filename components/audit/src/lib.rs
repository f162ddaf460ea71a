//! The audit: who did what, sealed into a chain for each user. Lists entries, verifies and exports chains, tells how a task was at a
//! time, and anchors chains day by day.

mod anchors;
mod door;
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "spin-sdk and wit-bindgen generate the exported functions")]
mod entry;
mod export;
#[cfg(target_arch = "wasm32")]
mod http_out;
mod limits;
mod list;
mod task_at;
mod verify;

pub use anchors::{Anchored, Keeper, anchor_due};
pub use door::{Admitted, Service, admit, finish, template};
pub use limits::Limits;
