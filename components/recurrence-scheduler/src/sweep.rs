//! The clock's work: what is owed and what is due, found in the store, a bounded number at a time.

use perennial_domain::{Ids, Timestamp, fire, refresh_zone};
use perennial_recurrence::tzdata_version;
use perennial_store::{OccurrenceKey, QueuedAlarm, Store, StoreError, SystemStore};
use serde::Serialize;

use crate::{PlanError, Planned, context, owner, plan_owed};

/// Successors planned in one sweep.
const SUCCESSORS: u32 = 100;

/// Reminders fired in one sweep.
const ALARMS: u32 = 200;

/// Occurrences laid on new zone data in one sweep.
const ZONES: u32 = 100;

/// Rows of each kind forgotten in one sweep.
const FORGOTTEN: u32 = 500;

/// What a sweep came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Successors planned, or series ended.
    pub planned: u32,
    /// Reminders fired.
    pub fired: u32,
    /// What could not be done now, one line each; the next sweep tries again.
    #[serde(skip)]
    pub failures: Vec<String>,
}

/// Does one slice of what is owed and due. One that fails does not keep the others.
pub fn sweep<S: Store + SystemStore>(
    store: &S,
    now: Timestamp,
    ids: &mut dyn Ids,
) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    for owed in store.owed_successors(now, SUCCESSORS)? {
        match succeed(store, &owed, now, ids) {
            Ok(Planned::Now) => swept.planned = swept.planned.saturating_add(1),
            Ok(Planned::Before) => {}
            Err(error) => swept.failures.push(format!("task {}: {error}", owed.task)),
        }
    }
    for due in store.due_alarms(now, ALARMS)? {
        match remind(store, &due, now, ids) {
            Ok(true) => swept.fired = swept.fired.saturating_add(1),
            Ok(false) => {}
            Err(error) => swept.failures.push(format!("task {}: {error}", due.alarm.task)),
        }
    }
    for stale in store.stale_occurrences(tzdata_version(), ZONES)? {
        if let Err(error) = refresh(store, &stale, now, ids) {
            swept.failures.push(format!("task {}: {error}", stale.task));
        }
    }
    store.prune(now, FORGOTTEN)?;
    Ok(swept)
}

fn succeed<S: Store + SystemStore>(
    store: &S,
    owed: &OccurrenceKey,
    now: Timestamp,
    ids: &mut dyn Ids,
) -> Result<Planned, PlanError> {
    let user = owner(store, &owed.user)?;
    let mut ctx = context(&user, now, ids, None, None);
    plan_owed(store, &mut ctx, &owed.user, owed.task, &owed.recurrence_id, None)
}

/// Fires a reminder, once; another sweep that was faster has done the same.
fn remind<S: Store + SystemStore>(
    store: &S,
    due: &QueuedAlarm,
    now: Timestamp,
    ids: &mut dyn Ids,
) -> Result<bool, StoreError> {
    let user = owner(store, &due.user)?;
    let channels = store.channels(&due.user)?;
    let commit = fire(&mut context(&user, now, ids, None, None), &due.alarm, &channels);
    match store.apply(&commit) {
        Ok(()) => Ok(true),
        Err(StoreError::Changed(_) | StoreError::Duplicate(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Lays an open occurrence on the zone data of this build. One that has changed meanwhile is found again by the next sweep.
fn refresh<S: Store + SystemStore>(
    store: &S,
    stale: &OccurrenceKey,
    now: Timestamp,
    ids: &mut dyn Ids,
) -> Result<(), StoreError> {
    let user = owner(store, &stale.user)?;
    let task = store.task(&stale.user, stale.task)?;
    let occurrence = store.occurrence(&stale.user, stale.task, &stale.recurrence_id)?;
    let (Some((task, _)), Some(occurrence)) = (task, occurrence) else { return Ok(()) };
    match store.apply(&refresh_zone(&mut context(&user, now, ids, None, None), &task, &occurrence)) {
        Ok(()) | Err(StoreError::Changed(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
