//! New zone data: what is still to come falls on other instants; names and what is past stay.

use serde_json::json;

use crate::event::occurrence_key;
use crate::task::{Task, arm};
use crate::{Commit, Context, Due, DueInput, EventType, Occurrence};

/// Computes an open occurrence's instant and alarms anew from its local due date. An event tells of it only if the
/// instant has changed.
pub fn refresh_zone(ctx: &mut Context<'_>, task: &Task, occurrence: &Occurrence) -> Commit {
    let due_at = occurrence.due.as_ref().map(|due: &Due| due.instant(&ctx.zone));
    let refreshed = Occurrence { due_at, ..occurrence.clone() };
    let subject = task.id.to_string();
    let mut commit = ctx.commit_on(task, "zone.refresh");
    commit.expect.occurrences.push(occurrence.into());
    commit.occurrences.push((&refreshed).into());
    if due_at != occurrence.due_at {
        commit.tasks.push((&task.next(ctx.now)).into());
        commit.alarms = arm(ctx, &refreshed, &task.spec.reminders);
        let data = json!({
            "recurrence_id": refreshed.recurrence_id,
            "title": refreshed.title,
            "due": refreshed.due.as_ref().map(DueInput::from),
            "cancelled": false,
        });
        let mut event = ctx.event(EventType::OccurrenceChanged, &subject, data);
        event.idempotency_key = Some(occurrence_key(&ctx.user, task.id, &refreshed.recurrence_id));
        commit.events.push(event);
    }
    commit
}
