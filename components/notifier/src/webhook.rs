//! Webhooks: a signed POST (Standard Webhooks 1.0).

use perennial_domain::{Attempt, Notification, Retired, Timestamp, WebhookPolicy};

use crate::{Deliverer, Signature, sign};

/// A signed POST that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// Its signature.
    pub signature: Signature,
    /// Its body.
    pub body: String,
}

/// Sends webhooks: over HTTP, or in a test.
pub trait Sender {
    /// Sends one POST, following no redirect, and says how it ended, in a bounded time.
    #[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
    async fn send(&self, post: &Post) -> Attempt;

    /// Lets about a second pass.
    #[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
    async fn pause(&self);
}

/// The way to deliver to one webhook.
pub struct Webhook<'a, S> {
    /// Sends the POST.
    pub sender: &'a S,
    /// Where webhooks may go.
    pub policy: &'a WebhookPolicy,
    /// Where this one goes.
    pub url: &'a str,
    /// What signs it.
    pub secret: &'a str,
    /// What signs it beside that, each until its time.
    pub previous: &'a [Retired],
}

impl<S: Sender> Deliverer for Webhook<'_, S> {
    async fn deliver(&self, notification: &Notification, at: Timestamp) -> Attempt {
        // The operator may have changed what is allowed since the channel was set up.
        if let Err(why) = self.policy.check(self.url) {
            return Attempt::Gone { error: format!("the address {why}") };
        }
        let previous = self.previous.iter().rev().filter(|old| at < old.until).map(|old| old.secret.as_str());
        let secrets = std::iter::once(self.secret).chain(previous);
        match sign(secrets, &notification.id.to_string(), at, &notification.payload) {
            Ok(signature) => {
                let post = Post { url: self.url.to_owned(), signature, body: notification.payload.clone() };
                self.sender.send(&post).await
            }
            Err(error) => Attempt::Gone { error: error.to_string() },
        }
    }
}
