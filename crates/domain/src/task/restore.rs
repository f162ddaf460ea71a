//! Bringing a deleted task back.

use serde_json::json;

use super::replan::{Replanned, Shortened, replan};
use super::update::replace;
use super::{Task, TaskInput, TaskStatus, settle};
use crate::series::stacks;
use crate::{
    Commit, Context, EventType, Invalid, Occurrence, OccurrenceStatus, SeriesState, Succession, TaskRow,
};

/// Brings a deleted task back as it was, with what was open. A series of which nothing was open, for its next occurrence was still
/// owed, goes on as one that has changed does, after the last that was closed. Reminders whose time has passed meanwhile do not
/// fire.
pub fn restore_task(
    ctx: &mut Context<'_>,
    state: &SeriesState,
) -> Result<(Commit, Task, Option<Occurrence>), Invalid> {
    let task = &state.task;
    let mut next = Task { deleted_at: None, ..task.next(ctx.now) };
    let mut commit = ctx.commit_on(task, "task.restore");
    let mut open = None;
    for was in &state.open {
        let here = owes_again(state, &was.on_zone(&ctx.zone));
        commit.occurrences.push((&here).into());
        settle(ctx, &mut commit, &here, &next.spec.reminders, Some(state));
        open.get_or_insert(here);
    }
    if let Some(last) = state.last_closed.as_ref().filter(|_| !state.open.is_empty()) {
        commit.occurrences.push((&owes_again(state, last)).into());
    }
    if task.status == TaskStatus::Open && state.open.is_empty() {
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

/// An occurrence that may have owed the next one when its task was deleted: the newest owes it again. Where none is left, that is
/// found out once more.
fn owes_again(state: &SeriesState, occurrence: &Occurrence) -> Occurrence {
    let newest = state.open.iter().chain(&state.last_closed).all(|other| other.ordinal <= occurrence.ordinal);
    let succession = match (occurrence.status, occurrence.succession) {
        (OccurrenceStatus::Open, Succession::Ended) if newest && stacks(&state.task.spec) => Succession::Due,
        (OccurrenceStatus::Done | OccurrenceStatus::Cancelled, Succession::Ended) if newest => {
            Succession::Pending
        }
        (_, succession) => succession,
    };
    Occurrence { succession, ..occurrence.clone() }
}
