//! Planning the successor of an occurrence.

use perennial_domain::{
    Context, InboxRecord, RecurrenceId, Succession, SuccessionError, TaskId, UserId, earliest_successor,
    plan_successor,
};
use perennial_store::{Store, StoreError};
use thiserror::Error;

/// How often planning starts anew because the task has changed meanwhile.
const TRIES: u32 = 5;

/// What planning came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planned {
    /// The next occurrence is there, or the series has ended: by us.
    Now,
    /// It was owed no longer: another was faster, or the task is gone.
    Before,
}

/// Why nothing was planned.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rule cannot be expanded.
    #[error(transparent)]
    Succession(#[from] SuccessionError),
    /// The task changed again and again meanwhile.
    #[error("the task changed {TRIES} times while its next occurrence was planned")]
    Contended,
}

/// Plans the successor of an occurrence that is owed one, once, whoever asks and however often. `inbox` is the event that asked.
pub fn plan_owed(
    store: &impl Store,
    ctx: &mut Context<'_>,
    user: &UserId,
    task: TaskId,
    id: &RecurrenceId,
    inbox: Option<&InboxRecord>,
) -> Result<Planned, PlanError> {
    for _ in 0..TRIES {
        let (Some((current, _)), Some(last)) = (store.task(user, task)?, store.occurrence(user, task, id)?)
        else {
            return Ok(Planned::Before);
        };
        let owed = match last.succession {
            Succession::Pending => true,
            Succession::Due => last.due_at.is_some_and(|due_at| due_at <= ctx.now),
            _ => false,
        };
        if !owed {
            return Ok(Planned::Before);
        }
        let open = store.open_occurrences(user, task)?;
        let overrides = store.overrides(user, task)?;
        let named =
            store.occurrences_named_from(user, task, &earliest_successor(&current, &last, &ctx.zone))?;
        let (mut commit, _) = plan_successor(ctx, &current, &last, &open, &overrides, &named)?;
        commit.inbox = inbox.cloned();
        match store.apply(&commit) {
            Ok(()) => return Ok(Planned::Now),
            Err(StoreError::AlreadyApplied) => return Ok(Planned::Before),
            Err(StoreError::Changed(_) | StoreError::Duplicate(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(PlanError::Contended)
}
