//! The notifier: delivers notifications as signed webhooks, tries again, and records what became of each.

mod claims;
mod deliver;
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "spin-sdk and wit-bindgen generate the exported functions")]
mod entry;
#[cfg(target_arch = "wasm32")]
mod http_out;
mod sign;

pub use deliver::{Delivered, Post, Sender, deliver};
pub use sign::{SignError, Signature, sign};
