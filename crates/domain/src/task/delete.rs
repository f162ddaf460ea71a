//! Deleting a task.

use serde_json::json;

use super::alarms;
use crate::{AlarmState, Commit, Context, EventType, Occurrence, OccurrenceStatus, SeriesState, Succession};

/// Deletes a task: it is in nobody's list any more, the alarms of its open occurrences are cancelled, and nothing is owed. It can be
/// brought back as it is until it is forgotten ([`restore_task`](crate::restore_task)).
pub fn delete_task(ctx: &mut Context<'_>, state: &SeriesState) -> Commit {
    let task = &state.task;
    let mut gone = task.next(ctx.now);
    gone.deleted_at = Some(ctx.now);

    let mut commit = ctx.commit_on(task, "task.delete");
    commit.tasks.push((&gone).into());
    commit.audit.before = Some(task.noted());
    commit.audit.after = Some(json!({ "deleted": true, "version": gone.version }));
    for occurrence in &state.open {
        let silent = Occurrence { status: OccurrenceStatus::Cancelled, ..occurrence.clone() };
        alarms::settle(ctx, &mut commit, &silent, &task.spec.reminders, Some(state));
    }
    for owing in state.open.iter().chain(&state.last_closed).filter(|one| one.succession.is_owed()) {
        commit.occurrences.push((&Occurrence { succession: Succession::Ended, ..owing.clone() }).into());
    }
    // A reminder that fires meanwhile is of no account: what it sends is cancelled with the task. One that is put off is.
    commit.expect.alarms.retain(|alarm| alarm.state != AlarmState::Armed || alarm.fire_at > ctx.now);
    commit.events.push(ctx.event(EventType::TaskDeleted, &task.id.to_string(), json!({})));
    commit
}
