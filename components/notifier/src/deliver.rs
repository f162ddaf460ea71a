//! Delivering what is due: many endpoints at once, few notifications of each, and none waits for one that hangs.
//!
//! Work is claimed round by user, then by endpoint. A claimed endpoint is held until an attempt at it has ended, so that it
//! never has more under way than one claim takes; one that hung is left alone for a growing while. Endpoints that answered
//! promptly last time have places of their own: those that hang and those never tried cannot fill them. As long as attempts
//! are under way, what comes due meanwhile is claimed beside them, and their claims are renewed: what is not was cut off.

use std::cell::Cell;
use std::pin::pin;

use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use perennial_domain::{Attempt, ChannelConfig, Ids, Notification, Timestamp, User, WebhookPolicy};
use perennial_store::{DueNotification, Store, StoreError, Ticket, WorkStore};
use serde::Serialize;

use crate::claims::{Held, Places, Taken, Waits, What, claim, look};
use crate::records::Records;
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
pub(crate) struct Ended {
    pub proven: bool,
    pub took: i64,
    pub ticket: Ticket,
    pub user: User,
    pub notification: Notification,
    pub outcome: Attempt,
}

/// The attempts under way, counted by the class of their endpoints.
#[derive(Default)]
struct UnderWay {
    places: Places,
    held: Held,
    begun: u32,
}

impl UnderWay {
    fn begin(&mut self, ticket: &Ticket, proven: bool, now: Timestamp) {
        self.begun = self.begun.saturating_add(1);
        self.held.begin(ticket, now);
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

/// How a round stands.
#[derive(Default)]
struct Round {
    under_way: UnderWay,
    records: Records,
    waits: Waits,
    delivered: Delivered,
    /// What keeps it from claiming more.
    failed: Option<StoreError>,
}

impl Round {
    /// Claims what is due and has a place, look by look; gives it, and how many items were settled without an attempt.
    fn claim<S: Store + WorkStore>(
        &mut self,
        store: &S,
        (now, last): (&impl Fn() -> Timestamp, Timestamp),
        ids: &mut dyn Ids,
    ) -> Result<(Vec<(Ticket, DueNotification)>, u32), StoreError> {
        let (mut due, mut settled) = (Vec::new(), 0);
        for _ in 0..LOOKS {
            let free = self.under_way.free();
            let is_enough = free == Places::default() || self.under_way.begun >= ATTEMPTS || now() >= last;
            if is_enough || self.failed.is_some() || self.records.are_failing() {
                break;
            }
            let taken = match self.take(store, free, now(), ids) {
                Ok(taken) => taken,
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            };
            settled = taken.settled;
            self.under_way.begun = self.under_way.begun.saturating_add(settled);
            let nothing = taken.due.is_empty();
            for (ticket, notification) in &taken.due {
                self.under_way.begin(ticket, notification.proven, now());
            }
            due.extend(taken.due);
            self.write(store, now())?;
            if nothing {
                break;
            }
        }
        Ok((due, settled))
    }

    /// Looks what is due, and claims what fits into the places that are free.
    fn take<S: WorkStore>(
        &mut self,
        store: &S,
        free: Places,
        now: Timestamp,
        ids: &mut dyn Ids,
    ) -> Result<Taken, StoreError> {
        self.waits = look(store, now)?;
        if !self.waits.fresh {
            return Ok(Taken::default());
        }
        claim(store, What::Fresh(free), now, ids, &mut self.records, &mut self.delivered)
    }

    fn has_ended(&self) -> bool {
        self.under_way.is_empty() && self.records.is_empty()
    }

    /// Records what has ended.
    fn record<S: Store + WorkStore>(
        &mut self,
        store: &S,
        ended: Vec<Ended>,
        now: Timestamp,
        ids: &mut dyn Ids,
    ) -> Result<(), StoreError> {
        for one in ended {
            self.under_way.end(one.proven);
            self.records.note(one, now, ids);
        }
        self.write(store, now)
    }

    /// Writes what was noted. A claim is held until it is: those that are due are renewed before, since users who go on writing may be waited
    /// for.
    fn write<S: Store + WorkStore>(&mut self, store: &S, now: Timestamp) -> Result<(), StoreError> {
        if let Err(error) = self.under_way.held.renew(store, now) {
            self.failed = Some(error);
        }
        self.records.write(store, now, &mut self.delivered)?;
        self.records.done().iter().for_each(|ticket| self.under_way.held.end(ticket));
        Ok(())
    }

    /// Once a second: what could not be recorded may be recorded now, and claims are renewed.
    fn look_after<S: Store + WorkStore>(&mut self, store: &S, now: Timestamp) -> Result<(), StoreError> {
        self.records.try_again();
        self.write(store, now)
    }
}

/// The time that passes at the store: none of it is an endpoint's, though its attempt is under way meanwhile.
struct AtStore<'n, N> {
    now: &'n N,
    millis: Cell<i64>,
}

impl<'n, N: Fn() -> Timestamp> AtStore<'n, N> {
    fn new(now: &'n N) -> Self {
        Self { now, millis: Cell::new(0) }
    }

    /// Does what asks the store.
    fn does<T>(&self, ask: impl FnOnce() -> T) -> T {
        let began = (self.now)().as_millis();
        let told = ask();
        let took = (self.now)().as_millis().saturating_sub(began);
        self.millis.set(self.millis.get().saturating_add(took));
        told
    }

    /// Now, apart from that time.
    fn elsewhere(&self) -> i64 {
        (self.now)().as_millis().saturating_sub(self.millis.get())
    }
}

/// Tries to deliver what is due. Each notification is claimed first, so that no two attempts at one run at the same time.
///
/// What comes due within `claiming` milliseconds is taken too; then the rest is waited for. Where the store is out of reach no more is
/// claimed; what is under way is brought to its end all the same.
pub async fn deliver<S: Store + WorkStore>(
    store: &S,
    sender: &impl Sender,
    policy: &WebhookPolicy,
    (now, claiming): (&impl Fn() -> Timestamp, i64),
    ids: &mut dyn Ids,
) -> Result<Delivered, StoreError> {
    let mut round = Round::default();
    let at_store = AtStore::new(now);
    let mut attempts = FuturesUnordered::new();
    let mut pause = pin!(sender.pause());
    let last_claim = now().plus_millis(claiming);
    loop {
        let (due, settled) = at_store.does(|| round.claim(store, (now, last_claim), ids))?;
        attempts.extend(due.into_iter().map(|due| attempt(sender, policy, due, &at_store)));
        if round.has_ended() {
            // Behind what was settled without an attempt there may be more.
            if settled > 0 {
                continue;
            }
            break;
        }
        let mut ended = Vec::new();
        let has_passed = match select(attempts.next(), pause.as_mut()).await {
            Either::Left((Some(first), _)) => {
                ended.push(first);
                false
            }
            // What is left is to be recorded.
            Either::Left((None, rest)) => {
                rest.await;
                true
            }
            Either::Right(((), _)) => true,
        };
        while let Some(Some(another)) = attempts.next().now_or_never() {
            ended.push(another);
        }
        at_store.does(|| round.record(store, ended, now(), ids))?;
        if has_passed {
            pause.set(sender.pause());
            at_store.does(|| round.look_after(store, now()))?;
        }
    }
    drop(attempts);
    let Round { waits, mut delivered, failed, .. } = round;
    if let Some(error) = failed {
        return Err(error);
    }
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
        let (mut records, mut held) = (Records::default(), Held::default());
        for due in claim(store, What::Again, now(), ids, &mut records, delivered)?.due {
            records.note(alone(store, sender, policy, due, (now, &mut held)).await, now(), ids);
        }
        records.write(store, now(), delivered)?;
        while !records.is_empty() {
            sender.pause().await;
            // Where it fails, so does what follows.
            drop(held.renew(store, now()));
            records.try_again();
            records.write(store, now(), delivered)?;
        }
        waits = look(store, now())?;
    }
    Ok(())
}

/// An attempt, whose claim is renewed until it has ended, and held from then on. Where that fails it is brought to its end all the same: what it
/// came to is to be recorded.
async fn alone<S: WorkStore>(
    store: &S,
    sender: &impl Sender,
    policy: &WebhookPolicy,
    due: (Ticket, DueNotification),
    (now, held): (&impl Fn() -> Timestamp, &mut Held),
) -> Ended {
    held.begin(&due.0, now());
    let at_store = AtStore::new(now);
    let mut attempt = pin!(attempt(sender, policy, due, &at_store));
    loop {
        match select(attempt.as_mut(), pin!(sender.pause())).await {
            Either::Left((ended, _)) => return ended,
            Either::Right(((), _)) => drop(at_store.does(|| held.renew(store, now()))),
        }
    }
}

async fn attempt(
    sender: &impl Sender,
    policy: &WebhookPolicy,
    (ticket, due): (Ticket, DueNotification),
    at_store: &AtStore<'_, impl Fn() -> Timestamp>,
) -> Ended {
    let began = at_store.elsewhere();
    let outcome = send(sender, policy, &due.notification, (at_store.now)()).await;
    let took = at_store.elsewhere().saturating_sub(began);
    Ended { proven: due.proven, took, ticket, user: due.user, notification: due.notification, outcome }
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
