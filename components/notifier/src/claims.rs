//! Taking notifications that are due: fresh ones by the set, and apart from them what may bring its notifier down.

use perennial_domain::{Ids, MAX_ATTEMPTS, Timestamp};
use perennial_store::{
    Claim, Claimed, DueNotification, Settlement, Share, StoreError, Ticket, WorkKind, WorkStore,
};

use crate::Delivered;
use crate::records::Records;

/// Endpoints that answered promptly last time. They give their places back soon, so each may have two attempts under way, and
/// several of one user may.
const PROVEN: Share = Share { proven: true, endpoints: 0, per_endpoint: 2, per_user: 4 };

/// Endpoints that hung or were slow last time, and those never tried: any of them may keep its place for as long as an
/// attempt may take. So one of them at a time is all that a user can take from the others.
const UNPROVEN: Share = Share { proven: false, endpoints: 0, per_endpoint: 1, per_user: 1 };

/// How long a claim holds, in milliseconds, where nobody renews it. For so long an endpoint waits whose notifier was cut off: that it was is
/// known by nothing else.
const LEASE: i64 = 10_000;

/// When the claim of an attempt that is still under way is renewed, in milliseconds. Where that fails it is tried once a second: a store
/// that is away for less than seven seconds has nobody make the attempt again.
const RENEW_AFTER: i64 = 3_000;

/// Which notifications are due.
#[derive(Default)]
pub(crate) struct Waits {
    pub fresh: bool,
    /// Begun before and never ended.
    pub again: bool,
}

/// Looks what is due; claims nothing.
pub(crate) fn look<S: WorkStore>(store: &S, now: Timestamp) -> Result<Waits, StoreError> {
    let kinds = store.due_work(now, "")?.kinds;
    let has = |again| kinds.contains(&(WorkKind::Notification, again));
    Ok(Waits { fresh: has(false), again: has(true) })
}

/// What was claimed.
#[derive(Default)]
pub(crate) struct Taken {
    pub due: Vec<(Ticket, DueNotification)>,
    /// How many were settled without an attempt.
    pub settled: u32,
}

/// What is to be taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    /// What is due, into places that are free.
    Fresh(Places),
    /// One that was begun before and never ended.
    Again,
}

/// Places for attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// At endpoints that answered promptly last time.
    pub proven: usize,
    /// At the others.
    pub unproven: usize,
}

/// Claims what is due. What is gone, cannot be read or brings its notifier down is noted as settled.
pub(crate) fn claim<S: WorkStore>(
    store: &S,
    what: What,
    now: Timestamp,
    ids: &mut dyn Ids,
    records: &mut Records,
    delivered: &mut Delivered,
) -> Result<Taken, StoreError> {
    let (mut due, mut settled) = (Vec::new(), Vec::new());
    let again = matches!(what, What::Again);
    let id = ids.next().to_string();
    let claim =
        Claim { id, again, now, lease_for: LEASE, hold_for: LEASE, lanes: 1, per_lane: 1, shard: None };
    let claimed = match what {
        What::Again => store.claim_notifications(&claim)?,
        What::Fresh(places) => store.claim_shares(&claim, &shares(places))?,
    };
    for Claimed { ticket, what } in claimed {
        let reason = match what {
            _ if ticket.tries > MAX_ATTEMPTS => "it was begun again and again and never finished".to_owned(),
            Ok(Some(notification)) => {
                due.push((ticket, notification));
                continue;
            }
            Ok(None) => {
                settled.push((ticket, Settlement::Drop));
                continue;
            }
            Err(error) => error.to_string(),
        };
        delivered.failures.push(format!("task {}: {reason}", ticket.task));
        settled.push((ticket, Settlement::Park { reason }));
    }
    let taken = Taken { due, settled: u32::try_from(settled.len()).unwrap_or(u32::MAX) };
    records.settle(settled);
    Ok(taken)
}

/// What fits into the free places.
fn shares(free: Places) -> Vec<Share> {
    [(PROVEN, free.proven), (UNPROVEN, free.unproven)]
        .into_iter()
        .filter_map(|(share, free)| {
            let endpoints = u32::try_from(free).unwrap_or(u32::MAX).checked_div(share.per_endpoint)?;
            (endpoints > 0).then_some(Share { endpoints, ..share })
        })
        .collect()
}

/// Claims whose attempts are under way, or are not recorded yet.
#[derive(Default)]
pub(crate) struct Held(Vec<(Ticket, Timestamp)>);

impl Held {
    /// An attempt begins that was claimed about now.
    pub fn begin(&mut self, ticket: &Ticket, now: Timestamp) {
        self.0.push((ticket.clone(), now));
    }

    /// It has ended, and is recorded.
    pub fn end(&mut self, ticket: &Ticket) {
        self.0.retain(|(held, _)| (held.id, held.tries) != (ticket.id, ticket.tries));
    }

    /// Renews claims, all in one go, if one of them is of some age. Where the store is out of reach, and of users who go on writing, it is
    /// tried again at the next look.
    pub fn renew<S: WorkStore>(&mut self, store: &S, now: Timestamp) -> Result<(), StoreError> {
        if self.0.iter().all(|(_, since)| now < since.plus_millis(RENEW_AFTER)) {
            return Ok(());
        }
        // Those that will be of that age soon are renewed with it; others were just now, where one is left again and again.
        let is_due = |since: &Timestamp| now >= since.plus_millis(RENEW_AFTER / 2);
        let due = self.0.iter().filter(|(_, since)| is_due(since));
        let tickets: Vec<Ticket> = due.map(|(ticket, _)| ticket.clone()).collect();
        match store.renew(&tickets, now, LEASE) {
            Ok(left) => {
                let asked = self.0.iter_mut().filter(|(_, since)| is_due(since));
                let renewed = asked.filter(|(ticket, _)| !left.contains(&ticket.id));
                renewed.for_each(|(_, since)| *since = now);
            }
            Err(StoreError::Unavailable(_) | StoreError::Busy(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
