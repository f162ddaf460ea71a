//! An event that says where to look.

use perennial_domain::{
    Commit, EventId, Ids, InboxRecord, Plan, RecurrenceId, SuccessionError, TaskId, Timestamp, UserId,
    plan_successor,
};
use perennial_events::{CloudEvent, OWN_LEASE};
use perennial_store::{Apply, Mode, Outcome, OwnLease, Store, StoreError, SystemStore};
use thiserror::Error;

use crate::{CONSUMER, context};

/// The type of the events that are about work of ours.
const COMPLETED: &str = "task.completed";

/// How often planning starts anew because the task has changed meanwhile.
const TRIES: u32 = 5;

/// Occurrences of a user seen to with one event, beside that which it tells of.
const GAP: u32 = 20;

/// Why an event could not be applied.
#[derive(Debug, Error)]
pub enum HandleError {
    /// It does not say what an event of its type says; it never will.
    #[error("an event of type {kind} without a usable {member}")]
    Unusable {
        /// The event's type.
        kind: String,
        /// What is missing.
        member: &'static str,
    },
    /// What it asks for cannot be done now; the sweep finds it, and says what becomes of it.
    #[error(transparent)]
    Succession(#[from] SuccessionError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What applying an event came to.
#[derive(Debug)]
pub enum Handled {
    /// Its effect is written, by us; its own events are ours to publish where the commit took the lease.
    Now(Box<Commit>, Option<OwnLease>),
    /// There is nothing to do: another was faster, or it is of no concern here.
    Before,
}

/// Applies an event, once. Events that are of no concern here succeed: a newer producer may send what we do not know yet.
pub fn handle_event<S: Store + SystemStore>(
    store: &S,
    event: &CloudEvent,
    now: Timestamp,
    ids: &mut dyn Ids,
) -> Result<Handled, HandleError> {
    if event.kind != COMPLETED {
        return Ok(Handled::Before);
    }
    let unusable = |member| HandleError::Unusable { kind: event.kind.clone(), member };
    let event_id = EventId::parse(&event.id).ok_or_else(|| unusable("id"))?;
    let task = TaskId::parse(&event.subject).ok_or_else(|| unusable("subject"))?;
    let recurrence_id = event.data.get("recurrence_id").and_then(|id| id.as_str());
    let recurrence_id = RecurrenceId::from_text(recurrence_id.ok_or_else(|| unusable("data.recurrence_id"))?);
    let user = UserId::new(event.userid.as_str());
    let inbox = InboxRecord { consumer: CONSUMER.to_owned(), event_id };

    plan(store, &user, (task, &recurrence_id), (event, event_id), Some(inbox), (now, ids))
}

/// Plans what completions before this one told of that were lost or are yet to come. What is owed is in the store: neither need it
/// be known which events those were, nor which was seen last. So only a completion looks, for no other event is about work of ours,
/// and finds nothing where none is missing; where none follows, the sweep finds what is owed.
pub fn fill_gaps<S: Store + SystemStore>(
    store: &S,
    event: &CloudEvent,
    now: Timestamp,
    ids: &mut dyn Ids,
) -> Result<Vec<Handled>, StoreError> {
    let may_lack = event.kind == COMPLETED && event.previous.is_some();
    let Some(event_id) = EventId::parse(&event.id).filter(|_| may_lack) else { return Ok(Vec::new()) };
    let user = UserId::new(event.userid.as_str());
    let mut filled = Vec::new();
    for (task, recurrence_id) in store.owed_successors(&user, now, GAP)? {
        match plan(store, &user, (task, &recurrence_id), (event, event_id), None, (now, &mut *ids)) {
            Ok(handled) => filled.push(handled),
            Err(HandleError::Store(error)) => return Err(error),
            // The sweep says what becomes of it.
            Err(_) => {}
        }
    }
    Ok(filled)
}

/// Plans what follows one occurrence, if it is owed.
fn plan<S: Store + SystemStore>(
    store: &S,
    user: &UserId,
    (task, recurrence_id): (TaskId, &RecurrenceId),
    (event, event_id): (&CloudEvent, EventId),
    inbox: Option<InboxRecord>,
    (now, ids): (Timestamp, &mut dyn Ids),
) -> Result<Handled, HandleError> {
    for _ in 0..TRIES {
        let Some(series) = store.due_series(user, task, recurrence_id)? else { return Ok(Handled::Before) };
        let mut ctx =
            context(&series.user, now, &mut *ids, Some(event.correlationid.clone()), Some(event_id));
        ctx.traceparent.clone_from(&event.traceparent);
        let mut commit = match plan_successor(&mut ctx, &series.state)? {
            Plan::Opens(commit, _) | Plan::Ends(commit) | Plan::WaitsForRoom(commit) => commit,
            Plan::NotOwed => return Ok(Handled::Before),
        };
        commit.inbox.clone_from(&inbox);
        let how = Apply { mode: Mode::All, relay_for: OWN_LEASE };
        match store.apply(std::slice::from_ref(&commit), how).map(|mut outcomes| outcomes.pop()) {
            Ok(Some(Outcome::Applied(own))) => return Ok(Handled::Now(commit, own)),
            Ok(_) | Err(StoreError::AlreadyApplied) => return Ok(Handled::Before),
            Err(StoreError::Changed(_) | StoreError::Duplicate(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Others change it all the time; the sweep has its turn when they are done.
    Ok(Handled::Before)
}
