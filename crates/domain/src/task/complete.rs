//! Completing an occurrence.

use serde_json::json;

use super::close::close;
use crate::event::occurrence_key;
use crate::{Commit, Context, EventType, Invalid, Occurrence, OccurrenceStatus, SeriesState};

/// What completing an occurrence comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Completion {
    /// It was open: this closes it.
    Closes(Box<Commit>, Box<Occurrence>),
    /// It was completed already, and stays as it is, whoever asks and however often.
    AlreadyClosed,
}

/// Completes the occurrence asked for. What comes after it in the series is the scheduler's to plan; that it is owed is part
/// of this commit.
///
/// # Errors
/// [`Invalid`] if there is no such occurrence, or if it was cancelled.
pub fn complete(ctx: &mut Context<'_>, state: &SeriesState) -> Result<Completion, Invalid> {
    let occurrence = state.asked("completed")?;
    if occurrence.status == OccurrenceStatus::Done {
        return Ok(Completion::AlreadyClosed);
    }
    let task = &state.task;
    let mut closed = occurrence.closed(task, OccurrenceStatus::Done);
    closed.completed_at = Some(ctx.now);

    let mut commit = ctx.commit_on(task, "task.complete");
    let (next, over) = close(ctx, &mut commit, state, occurrence, &closed);
    commit.notes(
        &closed.recurrence_id,
        (task.version, json!({ "status": "open" })),
        (next.version, json!({ "status": "done" })),
    );
    commit.notes_followed(occurrence);
    let recurs = task.spec.series.is_some() && !closed.recurrence_id.is_single();
    let data = json!({
        "recurrence_id": closed.recurrence_id,
        "due_at": closed.due_at.map(|at| at.to_string()),
        "completed_at": ctx.now.to_string(),
        "recurs": recurs,
    });
    let mut event = ctx.event(EventType::TaskCompleted, &task.id.to_string(), data);
    event.idempotency_key = Some(occurrence_key(&ctx.user, task.id, &closed.recurrence_id));
    commit.events.push(event);
    if recurs && over {
        let data = json!({ "last": closed.recurrence_id });
        commit.events.push(ctx.event(EventType::SeriesEnded, &task.id.to_string(), data));
    }
    Ok(Completion::Closes(Box::new(commit), Box::new(closed)))
}
