//! Delivering what is due: many endpoints at once, few notifications of each, and none waits for one that hangs.
//!
//! Work is claimed round by user, then by endpoint. A claimed endpoint is held until an attempt at it has ended, so that it
//! never has more under way than one claim takes; one that hung is left alone for a growing while. Endpoints that answered
//! promptly last time have places of their own: those that hang and those never tried cannot fill them. As long as attempts
//! are under way, what comes due meanwhile is claimed beside them.

use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use perennial_domain::{
    Actor, Attempt, ChannelConfig, Commit, Context, Ids, Notification, Timestamp, User, WebhookPolicy,
    record_attempt,
};
use perennial_store::{
    DueNotification, Outcome, Settlement, Store, StoreError, Ticket, WorkStore, apply_each,
};
use serde::Serialize;

use crate::claims::{Places, Waits, What, claim, look};
use crate::{Deliverer, Sender, Webhook};

/// Attempts under way at most: what hangs may not take the places of what answers, nor the reverse.
const AT_ONCE: Places = Places { proven: 128, unproven: 128 };

/// Attempts in one go.
const ATTEMPTS: u32 = 10_000;

/// Looks without a pause, as long as each of them finds something: a claim takes no more than a part of what is due.
const LOOKS: u32 = 8;

/// For how long what was begun before and never ended is tried again, in milliseconds.
const AGAIN_FOR: i64 = 30_000;

/// Items that were begun before and never ended, attempted in one go.
const AGAIN: u32 = 25;

/// For how long such are begun while others are due, in milliseconds.
const AGAIN_BESIDE_OTHERS: i64 = 2_000;

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
    proven: bool,
    took: i64,
    ticket: Ticket,
    user: User,
    notification: Notification,
    outcome: Attempt,
}

/// The attempts under way, counted by the class of their endpoints.
#[derive(Default)]
struct UnderWay {
    places: Places,
    begun: u32,
}

impl UnderWay {
    fn begin(&mut self, proven: bool) {
        self.begun = self.begun.saturating_add(1);
        let place = self.class(proven);
        *place = place.saturating_add(1);
    }

    fn end(&mut self, proven: bool) {
        let place = self.class(proven);
        *place = place.saturating_sub(1);
    }

    fn class(&mut self, proven: bool) -> &mut usize {
        if proven { &mut self.places.proven } else { &mut self.places.unproven }
    }

    fn is_empty(&self) -> bool {
        self.places == Places::default()
    }

    fn free(&self) -> Places {
        Places {
            proven: AT_ONCE.proven.saturating_sub(self.places.proven),
            unproven: AT_ONCE.unproven.saturating_sub(self.places.unproven),
        }
    }
}

/// Tries to deliver what is due. Each notification is claimed first, so that no two attempts at one run at the same time.
///
/// What comes due within `claiming` milliseconds is taken too; then the rest is waited for.
pub async fn deliver<S: Store + WorkStore>(
    store: &S,
    sender: &impl Sender,
    policy: &WebhookPolicy,
    (now, claiming): (&impl Fn() -> Timestamp, i64),
    ids: &mut dyn Ids,
) -> Result<Delivered, StoreError> {
    let mut delivered = Delivered::default();
    let mut attempts = FuturesUnordered::new();
    let mut under_way = UnderWay::default();
    let mut waits = Waits::default();
    let last_claim = now().plus_millis(claiming);
    loop {
        let mut settled = 0;
        for _ in 0..LOOKS {
            let free = under_way.free();
            if free == Places::default() || under_way.begun >= ATTEMPTS || now() >= last_claim {
                break;
            }
            waits = look(store, now())?;
            if !waits.fresh {
                break;
            }
            let taken = claim(store, What::Fresh(free), now(), ids, &mut delivered)?;
            settled = taken.settled;
            under_way.begun = under_way.begun.saturating_add(settled);
            let nothing = taken.due.is_empty();
            for due in taken.due {
                under_way.begin(due.1.proven);
                attempts.push(attempt(sender, policy, due, now));
            }
            if nothing {
                break;
            }
        }
        if under_way.is_empty() {
            // Behind what was settled without an attempt there may be more.
            if settled > 0 {
                continue;
            }
            break;
        }
        let mut ended = Vec::new();
        match select(attempts.next(), Box::pin(sender.pause())).await {
            Either::Left((first, _)) => ended.extend(first),
            Either::Right(((), _)) => {}
        }
        while let Some(Some(another)) = attempts.next().now_or_never() {
            ended.push(another);
        }
        for one in &ended {
            under_way.end(one.proven);
        }
        record(store, &ended, now(), ids, &mut delivered)?;
    }
    drop(attempts);
    retry_unfinished(store, sender, policy, (now, waits), ids, &mut delivered).await?;
    Ok(delivered)
}

/// Attempts what was begun before and never ended, one at a time: what brings us down takes nothing else with it.
async fn retry_unfinished<S: Store + WorkStore>(
    store: &S,
    sender: &impl Sender,
    policy: &WebhookPolicy,
    (now, mut waits): (&impl Fn() -> Timestamp, Waits),
    ids: &mut dyn Ids,
    delivered: &mut Delivered,
) -> Result<(), StoreError> {
    let begin = now();
    for _ in 0..AGAIN {
        // The rest waits no longer for these than for one attempt.
        let patience = if waits.fresh { AGAIN_BESIDE_OTHERS } else { AGAIN_FOR };
        if !waits.again || now() > begin.plus_millis(patience) {
            break;
        }
        for due in claim(store, What::Again, now(), ids, delivered)?.due {
            let ended = attempt(sender, policy, due, now).await;
            record(store, &[ended], now(), ids, delivered)?;
        }
        waits = look(store, now())?;
    }
    Ok(())
}

async fn attempt(
    sender: &impl Sender,
    policy: &WebhookPolicy,
    (ticket, due): (Ticket, DueNotification),
    now: &impl Fn() -> Timestamp,
) -> Ended {
    let at = now();
    let outcome = send(sender, policy, &due.notification, at).await;
    let took = now().as_millis().saturating_sub(at.as_millis());
    Ended { proven: due.proven, took, ticket, user: due.user, notification: due.notification, outcome }
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
        .map(|Ended { user, notification, outcome, took, .. }| {
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
            record_attempt(&mut ctx, notification, outcome, *took)
        })
        .collect();
    let mut settled = Vec::new();
    for ((commit, Ended { ticket, .. }), outcome) in
        commits.iter().zip(ended).zip(apply_each(store, &commits)?)
    {
        match outcome {
            Outcome::Applied(_) | Outcome::Counted(..) => {
                delivered.attempted = delivered.attempted.saturating_add(1);
                delivered.relay |= !commit.events.is_empty();
            }
            Outcome::Answered(_) | Outcome::Refused => {}
            Outcome::Failed(reason) => {
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
        ChannelConfig::Webhook { url, secret, previous, .. } => {
            Webhook { sender, policy, url, secret, previous }.deliver(notification, at).await
        }
    }
}
