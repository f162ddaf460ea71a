//! Delivering what is due: many endpoints at once, few notifications of each, and none waits for one that hangs.
//!
//! Work is claimed by endpoint. A claimed endpoint is held until an attempt at it has ended, so that it never has more under
//! way than one claim takes; one that hung is left alone for a growing while. As long as attempts are under way, what comes due
//! meanwhile is claimed beside them.
//!
//! What was claimed before and never settled may have brought its notifier down. It comes after the rest, one at a time with
//! nothing else under way, and is parked once it has been begun more often than it may be attempted.

use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use perennial_domain::{
    Actor, Attempt, Commit, Context, Ids, Notification, Timestamp, User, WebhookPolicy, record_attempt,
};
use perennial_store::{Apply, DueNotification, Mode, Outcome, Store, StoreError, WorkStore};
use serde::Serialize;

use crate::claims::{Waits, claim, look};
use crate::{Signature, sign};

/// Attempts under way at most.
const AT_ONCE: usize = 128;

/// Attempts in one go.
const ATTEMPTS: u32 = 1_000;

/// For how long further work is claimed, in milliseconds; then the rest is waited for.
const CLAIMING: i64 = 30_000;

/// Items that were begun before and never ended, attempted in one go.
const AGAIN: u32 = 25;

/// For how long such are begun while others are due, in milliseconds.
const AGAIN_BESIDE_OTHERS: i64 = 2_000;

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

    /// Lets about a second pass.
    #[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
    async fn pause(&self);
}

/// What a round of deliveries came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Attempts made.
    pub attempted: u32,
    /// Whether events wait to be published.
    #[serde(skip)]
    pub relay: bool,
    /// What could not be done now, one line each.
    #[serde(skip)]
    pub failures: Vec<String>,
}

/// An attempt that has ended.
struct Ended {
    user: User,
    notification: Notification,
    outcome: Attempt,
}

/// Tries to deliver what is due. Each notification is claimed first, so that no two attempts at one run at the same time.
pub async fn deliver<S: Store + WorkStore>(
    store: &S,
    sender: &impl Sender,
    policy: &WebhookPolicy,
    now: &impl Fn() -> Timestamp,
    ids: &mut dyn Ids,
) -> Result<Delivered, StoreError> {
    let mut delivered = Delivered::default();
    let mut under_way = FuturesUnordered::new();
    let mut waits = Waits::default();
    let last_claim = now().plus_millis(CLAIMING);
    let mut begun: u32 = 0;
    loop {
        let has_room = under_way.len() < AT_ONCE && begun < ATTEMPTS && now() < last_claim;
        if has_room {
            waits = look(store, now())?;
            if waits.fresh {
                for due in claim(store, false, now(), ids, &mut delivered)? {
                    begun = begun.saturating_add(1);
                    under_way.push(attempt(sender, policy, due, now()));
                }
            }
        }
        if under_way.is_empty() {
            break;
        }
        let mut ended = Vec::new();
        match select(under_way.next(), Box::pin(sender.pause())).await {
            Either::Left((first, _)) => ended.extend(first),
            Either::Right(((), _)) => {}
        }
        while let Some(Some(another)) = under_way.next().now_or_never() {
            ended.push(another);
        }
        record(store, &ended, now(), ids, &mut delivered)?;
    }
    let begin = now();
    for _ in 0..AGAIN {
        // The rest waits no longer for these than for one attempt.
        let patience = if waits.fresh { AGAIN_BESIDE_OTHERS } else { CLAIMING };
        if !waits.again || now() > begin.plus_millis(patience) {
            break;
        }
        for due in claim(store, true, now(), ids, &mut delivered)? {
            let ended = attempt(sender, policy, due, now()).await;
            record(store, &[ended], now(), ids, &mut delivered)?;
        }
        waits = look(store, now())?;
    }
    Ok(delivered)
}

async fn attempt(sender: &impl Sender, policy: &WebhookPolicy, due: DueNotification, at: Timestamp) -> Ended {
    let outcome = send(sender, policy, &due.notification, at).await;
    Ended { user: due.user, notification: due.notification, outcome }
}

/// Records how attempts ended. One that a later attempt has overtaken says nothing any more.
fn record<S: Store>(
    store: &S,
    ended: &[Ended],
    now: Timestamp,
    ids: &mut dyn Ids,
    delivered: &mut Delivered,
) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    let commits: Vec<Commit> = ended
        .iter()
        .map(|Ended { user, notification, outcome }| {
            let mut ctx = Context {
                user: user.id.clone(),
                zone: user.zone,
                now,
                actor: Actor::component("notifier"),
                correlation_id: notification.id.to_string(),
                causation_id: None,
                traceparent: None,
                ids: &mut *ids,
            };
            record_attempt(&mut ctx, notification, outcome)
        })
        .collect();
    let outcomes = store.apply(&commits, Apply { mode: Mode::Each, relay_for: 0 })?;
    for (commit, outcome) in commits.iter().zip(outcomes) {
        if matches!(outcome, Outcome::Applied(_)) {
            delivered.attempted = delivered.attempted.saturating_add(1);
            delivered.relay |= !commit.events.is_empty();
        }
    }
    Ok(())
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
