//! Delivering what is due, a bounded number at a time.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use perennial_domain::{
    Actor, Attempt, Context, Ids, Notification, Timestamp, UserId, WebhookPolicy, record_attempt,
};
use perennial_store::{Store, StoreError, SystemStore};
use serde::Serialize;

use crate::{Signature, sign};

/// Notifications tried in one go.
const SLICE: u32 = 20;

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
    /// Sends one POST, following no redirect, and says how it ended. Takes no longer than a claim holds.
    #[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
    async fn send(&self, post: &Post) -> Attempt;
}

/// What a round of deliveries came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Attempts made.
    pub attempted: u32,
    /// Users whose streams have news.
    #[serde(skip)]
    pub users: Vec<UserId>,
    /// What could not be done now, one line each.
    #[serde(skip)]
    pub failures: Vec<String>,
}

/// Tries to deliver what is due, all at once: a receiver that is slow delays no other. Each notification is claimed first,
/// so that no two attempts at one run at the same time.
pub async fn deliver<S: Store + SystemStore>(
    store: &S,
    sender: &impl Sender,
    policy: &WebhookPolicy,
    now: &impl Fn() -> Timestamp,
    ids: &mut dyn Ids,
) -> Result<Delivered, StoreError> {
    let mut delivered = Delivered::default();
    let mut claimed = Vec::new();
    for due in store.due_notifications(now(), SLICE)? {
        let at = now();
        if let Some(notification) = store.claim_notification(due.id, at, Notification::lease_end(at))? {
            claimed.push((due.user, notification, at));
        }
    }
    let mut attempts: FuturesUnordered<_> = claimed
        .into_iter()
        .map(async |(user, notification, at)| {
            let outcome = send(sender, policy, &notification, at).await;
            (user, notification, outcome)
        })
        .collect();
    while let Some((user, notification, outcome)) = attempts.next().await {
        match record(store, &user, &notification, &outcome, now(), ids) {
            Ok(true) => {
                delivered.attempted = delivered.attempted.saturating_add(1);
                if !delivered.users.contains(&user) {
                    delivered.users.push(user);
                }
            }
            Ok(false) => {}
            Err(error) => delivered.failures.push(format!("notification {}: {error}", notification.id)),
        }
    }
    Ok(delivered)
}

/// Records how an attempt ended; false if a later one has overtaken it and speaks for the notification now.
fn record<S: Store + SystemStore>(
    store: &S,
    user: &UserId,
    notification: &Notification,
    outcome: &Attempt,
    now: Timestamp,
    ids: &mut dyn Ids,
) -> Result<bool, StoreError> {
    let Some(user) = store.user(user)? else { return Ok(false) };
    let mut ctx = Context {
        user: user.id,
        zone: user.zone,
        now,
        actor: Actor::component("notifier"),
        correlation_id: notification.id.to_string(),
        causation_id: None,
        traceparent: None,
        ids,
    };
    match store.apply(&record_attempt(&mut ctx, notification, outcome)) {
        Ok(()) => Ok(true),
        Err(StoreError::Changed(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn send(
    sender: &impl Sender,
    policy: &WebhookPolicy,
    notification: &Notification,
    at: Timestamp,
) -> Attempt {
    // The operator may have changed what is allowed since the channel was set up.
    if let Err(why) = policy.check(&notification.url) {
        return Attempt::Gone { error: format!("the address {why}") };
    }
    match sign(&notification.secret, &notification.id.to_string(), at, &notification.payload) {
        Ok(signature) => {
            let post = Post { url: notification.url.clone(), signature, body: notification.payload.clone() };
            sender.send(&post).await
        }
        Err(error) => Attempt::Gone { error: error.to_string() },
    }
}
