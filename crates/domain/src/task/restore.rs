//! Bringing a deleted task back.

use serde_json::json;

use super::replan::{Replanned, Shortened, replan};
use super::update::replace;
use super::{Task, TaskInput, TaskStatus, settle};
use crate::{Commit, Context, EventType, Invalid, Occurrence, SeriesState, Succession, TaskRow};

/// Brings a deleted task back as it was. What was open is open again; a series goes on as one that has changed does, after the
/// last occurrence that was closed. Reminders whose time has passed meanwhile do not fire.
pub fn restore_task(
    ctx: &mut Context<'_>,
    state: &SeriesState,
) -> Result<(Commit, Task, Option<Occurrence>), Invalid> {
    let task = &state.task;
    let mut next = Task { deleted_at: None, ..task.next(ctx.now) };
    let mut commit = ctx.commit_on(task, "task.restore");
    let mut open = None;
    if task.status == TaskStatus::Open {
        match replan(ctx, state, &next.spec, Shortened::Refused)? {
            Replanned::Opens(replacement) => {
                replace(ctx, &mut commit, state, &next.spec, &replacement);
                settle(ctx, &mut commit, &replacement, &next.spec.reminders, Some(state));
                open = Some(*replacement);
            }
            Replanned::Ends(last) => {
                (next.status, next.completed_at) = (TaskStatus::Done, last.completed_at.or(Some(ctx.now)));
                commit.occurrences.push((&Occurrence { succession: Succession::Ended, ..*last }).into());
            }
            Replanned::StaysDone => {}
        }
    }
    commit.expect.under(&next, None);
    commit.tasks.push(TaskRow::with_words(&next));
    commit.audit.before = Some(json!({ "deleted": true, "version": task.version }));
    commit.audit.after = Some(next.noted());
    let data = json!({
        "task": TaskInput::from(&next.spec),
        "recurrence_id": open.as_ref().map(|occurrence| &occurrence.recurrence_id),
    });
    commit.events.push(ctx.event(EventType::TaskRestored, &task.id.to_string(), data));
    Ok((commit, next, open))
}
