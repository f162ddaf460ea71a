//! Taking notifications that are due: fresh ones by the set, and apart from them what may bring its notifier down.

use perennial_domain::{Ids, MAX_ATTEMPTS, Timestamp};
use perennial_store::{Claim, Claimed, DueNotification, Settlement, StoreError, Ticket, WorkKind, WorkStore};

use crate::Delivered;

/// Endpoints claimed at a time.
const LANES: u32 = 32;

/// Notifications of one endpoint claimed at a time: what it has under way at most.
const PER_LANE: u32 = 2;

/// How long a claim holds, in milliseconds: longer than any attempt may take.
const LEASE: i64 = 60_000;

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
pub(crate) struct Taken {
    pub due: Vec<(Ticket, DueNotification)>,
    /// How many were settled without an attempt.
    pub settled: u32,
}

/// Claims what is due. What is gone, cannot be read or brings its notifier down is settled at once.
pub(crate) fn claim<S: WorkStore>(
    store: &S,
    again: bool,
    now: Timestamp,
    ids: &mut dyn Ids,
    delivered: &mut Delivered,
) -> Result<Taken, StoreError> {
    let (mut due, mut settled) = (Vec::new(), Vec::new());
    let (lanes, per_lane) = if again { (1, 1) } else { (LANES, PER_LANE) };
    let claim =
        Claim { id: ids.next().to_string(), again, now, lease_for: LEASE, hold_for: LEASE, lanes, per_lane };
    for Claimed { ticket, what } in store.claim_notifications(&claim)? {
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
    store.settle(&settled, now)?;
    Ok(Taken { due, settled: u32::try_from(settled.len()).unwrap_or(u32::MAX) })
}
