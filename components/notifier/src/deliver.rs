//! Delivering what is due: many endpoints at once, few notifications of each, and none waits for one that hangs.
//!
//! Work is claimed by endpoint. A claimed endpoint is held until an attempt at it has ended, so that it never has more under
//! way than one claim takes; one that hung is left alone for a growing while. As long as attempts are under way, what comes due
//! meanwhile is claimed beside them.

use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use perennial_domain::{
    Actor, Attempt, ChannelConfig, Commit, Context, Ids, MAX_ATTEMPTS, Notification, Timestamp, User,
    WebhookPolicy, record_attempt,
};
use perennial_store::{
    Claim, Claimed, DueNotification, Outcome, Settlement, Store, StoreError, Ticket, WorkKind, WorkStore,
    apply_each,
};
use serde::Serialize;

use crate::{Deliverer, Sender, Webhook};

/// Attempts under way at most.
const AT_ONCE: usize = 128;

/// Endpoints claimed at a time.
const LANES: u32 = 32;

/// Notifications of one endpoint claimed at a time: what it has under way at most.
const PER_LANE: u32 = 2;

/// How long a claim holds, in milliseconds: longer than any attempt may take.
const LEASE: i64 = 60_000;

/// Attempts in one go.
const ATTEMPTS: u32 = 1_000;

/// For how long further work is claimed, in milliseconds; then the rest is waited for.
const CLAIMING: i64 = 30_000;

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
    ticket: Ticket,
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
    let last_claim = now().plus_millis(CLAIMING);
    let mut begun: u32 = 0;
    loop {
        let has_room = under_way.len() < AT_ONCE && begun < ATTEMPTS && now() < last_claim;
        let mut settled = 0;
        if has_room {
            let claimed = claim(store, now(), ids, &mut delivered)?;
            settled = claimed.settled;
            begun = begun.saturating_add(settled);
            for (ticket, due) in claimed.due {
                begun = begun.saturating_add(1);
                under_way.push(async {
                    let outcome = send(sender, policy, &due.notification, now()).await;
                    Ended { ticket, user: due.user, notification: due.notification, outcome }
                });
            }
        }
        if under_way.is_empty() {
            // Behind what was settled without an attempt there may be more.
            if settled > 0 {
                continue;
            }
            return Ok(delivered);
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
}

/// What was claimed.
struct Taken {
    due: Vec<(Ticket, DueNotification)>,
    /// How many were settled without an attempt.
    settled: u32,
}

/// Claims what is due. What is gone or cannot be read is settled at once.
fn claim<S: WorkStore>(
    store: &S,
    now: Timestamp,
    ids: &mut dyn Ids,
    delivered: &mut Delivered,
) -> Result<Taken, StoreError> {
    let (mut due, mut settled) = (Vec::new(), Vec::new());
    for (kind, again) in store.due_work(now, "")?.kinds {
        if kind != WorkKind::Notification {
            continue;
        }
        // What was begun before and never ended comes one of an endpoint at a time.
        let per_lane = if again { 1 } else { PER_LANE };
        let claim = Claim {
            id: ids.next().to_string(),
            again,
            now,
            lease_for: LEASE,
            hold_for: LEASE,
            lanes: LANES,
            per_lane,
        };
        for Claimed { ticket, what } in store.claim_notifications(&claim)? {
            match what {
                _ if ticket.tries > MAX_ATTEMPTS => {
                    let reason = "it was begun again and again and never finished".to_owned();
                    delivered.failures.push(format!("task {}: {reason}", ticket.task));
                    settled.push((ticket, Settlement::Park { reason }));
                }
                Ok(Some(notification)) => due.push((ticket, notification)),
                Ok(None) => settled.push((ticket, Settlement::Drop)),
                Err(error) => {
                    let reason = error.to_string();
                    delivered.failures.push(format!("task {}: {reason}", ticket.task));
                    settled.push((ticket, Settlement::Park { reason }));
                }
            }
        }
    }
    store.settle(&settled, now)?;
    Ok(Taken { due, settled: u32::try_from(settled.len()).unwrap_or(u32::MAX) })
}

/// Records how attempts ended. One that a later attempt has overtaken says nothing any more; one that cannot be recorded
/// spoils no other, and is made again after a pause.
fn record<S: Store + WorkStore>(
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
        .map(|Ended { user, notification, outcome, .. }| {
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
    let mut settled = Vec::new();
    for ((commit, Ended { ticket, .. }), outcome) in
        commits.iter().zip(ended).zip(apply_each(store, &commits)?)
    {
        match outcome {
            Ok(Outcome::Applied(_)) => {
                delivered.attempted = delivered.attempted.saturating_add(1);
                delivered.relay |= !commit.events.is_empty();
            }
            Ok(Outcome::Answered(_) | Outcome::Refused) => {}
            Err(reason) => {
                delivered.failures.push(format!("task {}: {reason}", ticket.task));
                let settlement = Settlement::failed(ticket, reason);
                settled.push((ticket.clone(), settlement));
            }
        }
    }
    store.settle(&settled, now)
}

/// Sends a notification the way of its channel.
async fn send(
    sender: &impl Sender,
    policy: &WebhookPolicy,
    notification: &Notification,
    at: Timestamp,
) -> Attempt {
    match &notification.channel {
        ChannelConfig::Webhook { url, secret } => {
            Webhook { sender, policy, url, secret }.deliver(notification, at).await
        }
    }
}
