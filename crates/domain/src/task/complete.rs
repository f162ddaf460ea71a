//! Completing an occurrence.

use serde_json::json;

use super::{Task, TaskStatus, alarms};
use crate::event::occurrence_key;
use crate::{Commit, Context, EventType, Occurrence, OccurrenceStatus, Succession};

/// What completing an occurrence comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Completion {
    /// It was open: this closes it.
    Closes(Box<Commit>, Box<Occurrence>),
    /// It was closed already, and stays as it is, whoever asks and however often.
    AlreadyClosed,
}

/// Completes one occurrence. What comes after it in the series is the scheduler's to plan; that it is owed is part of
/// this commit. `open` are the occurrences of the task that are open, and `ended` says whether its series has ended.
pub fn complete(
    ctx: &mut Context<'_>,
    task: &Task,
    occurrence: &Occurrence,
    open: &[Occurrence],
    ended: bool,
) -> Completion {
    if occurrence.status != OccurrenceStatus::Open {
        return Completion::AlreadyClosed;
    }
    let recurs = task.spec.series.is_some() && !occurrence.recurrence_id.is_single();
    let closed = Occurrence {
        status: OccurrenceStatus::Done,
        succession: if recurs { occurrence.succession.once_closed() } else { Succession::None },
        completed_at: Some(ctx.now),
        ..occurrence.clone()
    };
    let mut next = task.next(ctx.now);
    let last = ended && open.iter().all(|other| other.recurrence_id == occurrence.recurrence_id);
    if !recurs || last {
        next.status = TaskStatus::Done;
        next.completed_at = Some(ctx.now);
    }

    let mut commit = ctx.commit_on(task, "task.complete");
    commit.expect.occurrences.push(occurrence.into());
    commit.tasks.push((&next).into());
    commit.occurrences.push((&closed).into());
    commit.alarms = alarms::cancel(ctx, occurrence, &task.spec.reminders);
    let data = json!({
        "recurrence_id": closed.recurrence_id,
        "due_at": closed.due_at.map(|at| at.to_string()),
        "completed_at": ctx.now.to_string(),
        "recurs": recurs,
    });
    let mut event = ctx.event(EventType::TaskCompleted, &task.id.to_string(), data);
    event.idempotency_key = Some(occurrence_key(&ctx.user, task.id, &closed.recurrence_id));
    commit.events.push(event);
    if recurs && last {
        let data = json!({ "last": closed.recurrence_id });
        commit.events.push(ctx.event(EventType::SeriesEnded, &task.id.to_string(), data));
    }
    Completion::Closes(Box::new(commit), Box::new(closed))
}
