//! Deleting a task.

use serde_json::json;

use super::{Task, alarms};
use crate::{Commit, Context, EventType, Occurrence, OccurrenceStatus};

/// Deletes a task: it is there for no one any more, its open occurrences are given up and their alarms cancelled.
/// Its history stays.
pub fn delete_task(ctx: &mut Context<'_>, task: &Task, open: &[Occurrence]) -> Commit {
    let mut gone = task.next(ctx.now);
    gone.deleted_at = Some(ctx.now);

    let mut commit = ctx.commit_on(task, "task.delete");
    commit.tasks.push((&gone).into());
    for occurrence in open {
        let cancelled = Occurrence { status: OccurrenceStatus::Cancelled, ..occurrence.clone() };
        commit.occurrences.push((&cancelled).into());
        commit.alarms.extend(alarms::cancel(ctx, occurrence, &task.spec.reminders));
    }
    commit.events.push(ctx.event(EventType::TaskDeleted, &task.id.to_string(), json!({})));
    commit
}
