//! The tools of an assistant, over the Model Context Protocol: `/mcp`, and where its tokens come from.
//!
//! The protocol is `perennial-mcp`'s, the tools are `perennial-tools`'s; here is what they meet in, for one request: who asks, what they
//! may, and what has changed for who listens.

mod door;
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "spin-sdk generates the exported function")]
mod entry;
mod feed;
mod prompts;
mod resources;
mod server;

pub use door::{Asked, asked, challenge, metadata};
pub use feed::Changes;
pub use server::{Carry, Tasks};
