//! New zone data: what is still to come falls on other instants; names and what is past stay.

use serde_json::json;

use crate::event::occurrence_key;
use crate::task::settle;
use crate::{Commit, Context, DueInput, EventType, OccurrenceStatus, SeriesState};

/// Computes the instant and the alarms of the open occurrence asked for anew from its local due date. An event tells of it
/// only if the instant has changed. `None` where there is nothing to compute: it is closed, or its task is gone.
pub fn refresh_zone(ctx: &mut Context<'_>, state: &SeriesState) -> Option<Commit> {
    let task = &state.task;
    let occurrence = state.asked.as_ref().filter(|asked| asked.status == OccurrenceStatus::Open)?;
    if task.deleted_at.is_some() {
        return None;
    }
    let refreshed = occurrence.on_zone(&ctx.zone);
    let mut commit = ctx.commit_on(task, "zone.refresh");
    commit.expect.occurrences.push(occurrence.into());
    commit.occurrences.push((&refreshed).into());
    settle(ctx, &mut commit, &refreshed, &task.spec.reminders, Some(state));
    if (refreshed.due_at, refreshed.start_at) != (occurrence.due_at, occurrence.start_at) {
        commit.tasks.push((&task.next(ctx.now)).into());
        let data = json!({
            "recurrence_id": refreshed.recurrence_id,
            "title": refreshed.title,
            "due": refreshed.due.as_ref().map(DueInput::from),
            "cancelled": false,
        });
        let mut event = ctx.event(EventType::OccurrenceChanged, &task.id.to_string(), data);
        event.idempotency_key = Some(occurrence_key(&ctx.user, task.id, &refreshed.recurrence_id));
        commit.events.push(event);
    }
    Some(commit)
}
