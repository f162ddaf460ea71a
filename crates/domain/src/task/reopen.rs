//! Taking a completion back.

use serde_json::json;

use super::{Task, TaskInput, TaskStatus, alarms};
use crate::series::MAX_STACK;
use crate::{Commit, Context, EventType, Invalid, Occurrence, OccurrenceStatus, SeriesState};

/// What reopening an occurrence comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reopening {
    /// It was done: this opens it again.
    Opens(Box<Commit>, Box<Occurrence>),
    /// It is open, whoever asks and however often.
    AlreadyOpen,
}

/// Opens the occurrence asked for again.
///
/// # Errors
/// [`Invalid`] if there is no such occurrence, if it was cancelled, or if as many as may be are open.
pub fn reopen(ctx: &mut Context<'_>, state: &SeriesState) -> Result<Reopening, Invalid> {
    let done = state.asked("reopened")?;
    if done.status == OccurrenceStatus::Open {
        return Ok(Reopening::AlreadyOpen);
    }
    if state.is_full() {
        let detail = format!("{MAX_STACK} occurrences of this task are open already: close one first");
        return Err(Invalid::at("/recurrence_id", detail));
    }
    let task = &state.task;
    let open = done.opened_again(task).on_zone(&ctx.zone);
    let next = Task { status: TaskStatus::Open, completed_at: None, ..task.next(ctx.now) };

    let mut commit = ctx.commit_on(task, "task.reopen");
    commit.expect.occurrences.push(done.into());
    commit.reopened.push((&open).into());
    commit.tasks.push((&next).into());
    commit.notes(
        &open.recurrence_id,
        (task.version, json!({ "status": "done" })),
        (next.version, json!({ "status": "open" })),
    );
    alarms::settle(ctx, &mut commit, &open, &task.spec.reminders, Some(state));
    let data = json!({
        "task": TaskInput::from(&task.spec),
        "recurrence_id": open.recurrence_id,
        "reopened": open.recurrence_id,
    });
    commit.events.push(ctx.event(EventType::TaskUpdated, &task.id.to_string(), data));
    Ok(Reopening::Opens(Box::new(commit), Box::new(open)))
}
