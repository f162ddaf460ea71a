//! Deleting a task.

use serde_json::json;

use super::alarms;
use crate::{Commit, Context, EventType, Occurrence, OccurrenceStatus, SeriesState, Succession};

/// Deletes a task: it is there for no one any more, its open occurrences are given up and their alarms cancelled, and
/// nothing is owed. Its history stays.
pub fn delete_task(ctx: &mut Context<'_>, state: &SeriesState) -> Commit {
    let task = &state.task;
    let mut gone = task.next(ctx.now);
    gone.deleted_at = Some(ctx.now);

    let mut commit = ctx.commit_on(task, "task.delete");
    commit.tasks.push((&gone).into());
    for occurrence in &state.open {
        let cancelled = Occurrence {
            status: OccurrenceStatus::Cancelled,
            succession: Succession::Ended,
            ..occurrence.clone()
        };
        commit.occurrences.push((&cancelled).into());
        alarms::settle(ctx, &mut commit, &cancelled, &task.spec.reminders, Some(state));
    }
    if let Some(last) = state.last_closed.as_ref().filter(|last| last.succession.is_owed()) {
        commit.occurrences.push((&Occurrence { succession: Succession::Ended, ..last.clone() }).into());
    }
    // A reminder that fires meanwhile is of no account: what it sends is cancelled with the task.
    commit.expect.alarms.clear();
    commit.events.push(ctx.event(EventType::TaskDeleted, &task.id.to_string(), json!({})));
    commit
}
