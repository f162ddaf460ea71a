//! What happens to a user's tasks, told as it happens: `GET /v1/stream`, Server-Sent Events.
//!
//! A stream reads the user's events by their sequence, a few times a second. What wakes nobody can be missed by nobody: a client
//! that was cut off names the last event it read, and the stream goes on right after it.

mod door;
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "spin-sdk generates the exported function")]
mod entry;
mod follow;
mod frame;
mod listen;
mod tell;

pub use door::{Admitted, admit, head};
pub use follow::{Follower, Look};
pub use listen::listen;
pub use tell::{End, LASTS, Outside, tell};
