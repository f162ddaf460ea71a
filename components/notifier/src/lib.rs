//! The notifier: delivers notifications as signed webhooks, tries again, and records what became of each.

mod claims;
mod deliver;
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "spin-sdk and wit-bindgen generate the exported functions")]
mod entry;
#[cfg(target_arch = "wasm32")]
mod http_out;
mod records;
mod sign;
mod webhook;

pub use deliver::{Delivered, deliver};
pub use sign::{SignError, Signature, sign};
pub use webhook::{Post, Sender, Webhook};

use perennial_domain::{Attempt, Notification, Timestamp};

/// One kind of channel's way to deliver a notification.
pub trait Deliverer {
    /// Makes one attempt and says how it ended, in a bounded time.
    #[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
    async fn deliver(&self, notification: &Notification, at: Timestamp) -> Attempt;
}
