//! The HTTP API: requests in, answers out, and then the events that they caused. What requests do is in `crates/api`.

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "spin-sdk generates the exported function")]
mod entry;
