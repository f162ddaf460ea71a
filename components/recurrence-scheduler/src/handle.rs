//! An event that says where to look.

use perennial_domain::{EventId, Ids, InboxRecord, RecurrenceId, TaskId, Timestamp, UserId};
use perennial_events::CloudEvent;
use perennial_store::{Store, StoreError, SystemStore};
use thiserror::Error;

use crate::{CONSUMER, PlanError, Planned, context, plan_owed};

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
    /// It may be applied later.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl From<StoreError> for HandleError {
    fn from(error: StoreError) -> Self {
        Self::Plan(error.into())
    }
}

/// Applies an event, once. Events that are of no concern here succeed: a newer producer may send what we do not know yet.
pub fn handle_event<S: Store + SystemStore>(
    store: &S,
    event: &CloudEvent,
    now: Timestamp,
    ids: &mut dyn Ids,
) -> Result<Planned, HandleError> {
    if event.kind != "task.completed" {
        return Ok(Planned::Before);
    }
    let unusable = |member| HandleError::Unusable { kind: event.kind.clone(), member };
    let event_id = EventId::parse(&event.id).ok_or_else(|| unusable("id"))?;
    let task = TaskId::parse(&event.subject).ok_or_else(|| unusable("subject"))?;
    let recurrence_id = event.data.get("recurrence_id").and_then(|id| id.as_str());
    let recurrence_id = RecurrenceId::from_text(recurrence_id.ok_or_else(|| unusable("data.recurrence_id"))?);
    let user_id = UserId::new(event.userid.as_str());
    let Some(user) = store.user(&user_id)? else { return Err(unusable("userid")) };

    let inbox = InboxRecord { consumer: CONSUMER.to_owned(), event_id };
    let mut ctx = context(&user, now, ids, Some(event.correlationid.clone()), Some(event_id));
    ctx.traceparent = event.traceparent.clone();
    Ok(plan_owed(store, &mut ctx, &user_id, task, &recurrence_id, Some(&inbox))?)
}
