//! Changing a task.

use serde_json::json;

use super::create::Opening;
use super::{Task, TaskInput, TaskSpec, TaskStatus, alarms, reminder};
use crate::{Commit, Context, EventType, Invalid, Occurrence, OccurrenceStatus, Override, Succession};

/// Changes a task to what `input` says. `current` are its open occurrences and `closed` the last one closed, if any;
/// `overrides` are the occurrences that differ from the series.
///
/// A changed due date or rule replaces what is open: the first occurrence of the new series that is later than the
/// last one closed takes its place. What is closed stays.
pub fn update_task(
    ctx: &mut Context<'_>,
    task: &Task,
    current: &[Occurrence],
    closed: Option<&Occurrence>,
    overrides: &[Override],
    input: &TaskInput,
) -> Result<(Commit, Task, Option<Occurrence>), Invalid> {
    let mut spec = input.check(&task.spec.reminders, ctx.ids)?;
    let moved = spec.due != task.spec.due || spec.series != task.spec.series;
    if moved && task.status == TaskStatus::Done {
        let field = if spec.due != task.spec.due { "/due" } else { "/recurrence" };
        return Err(Invalid::at(field, "cannot change any more: the task is done"));
    }
    if moved {
        spec.reminders = reminder::renewed(spec.reminders, ctx.ids);
    }
    let next = Task { spec, ..task.next(ctx.now) };

    let mut commit = ctx.commit_on(task, "task.update");
    commit.tasks.push((&next).into());
    for occurrence in current {
        let dropped: Vec<_> = task
            .spec
            .reminders
            .iter()
            .filter(|old| !next.spec.reminders.iter().any(|kept| kept.id == old.id))
            .cloned()
            .collect();
        commit.alarms.extend(alarms::cancel(ctx, occurrence, &dropped));
    }
    let now_open = if moved {
        let replacement = replan(ctx, &next.spec, task, current, closed, overrides)?;
        replace(&mut commit, current, closed, &replacement);
        Some(replacement)
    } else {
        current.first().cloned()
    };
    if let Some(occurrence) = &now_open {
        commit.alarms.extend(alarms::arm(ctx, occurrence, &next.spec.reminders));
    }
    let data = json!({
        "task": TaskInput::from(&next.spec),
        "recurrence_id": now_open.as_ref().map(|occurrence| &occurrence.recurrence_id),
    });
    commit.events.push(ctx.event(EventType::TaskUpdated, &task.id.to_string(), data));
    Ok((commit, next, now_open))
}

/// The occurrence that is open once the task is as `spec` says.
fn replan(
    ctx: &Context<'_>,
    spec: &TaskSpec,
    task: &Task,
    current: &[Occurrence],
    closed: Option<&Occurrence>,
    overrides: &[Override],
) -> Result<Occurrence, Invalid> {
    let nominal = match (&spec.series, &spec.due) {
        (Some(series), Some(due)) => Some(match closed.filter(|closed| !closed.recurrence_id.is_single()) {
            Some(closed) => series.first_after(due, &closed.recurrence_id)?,
            None => series.first(due)?,
        }),
        (_, due) => due.clone(),
    };
    let replaced = current.first();
    let predecessor = match replaced {
        Some(replaced) => replaced.predecessor.clone(),
        None => closed.map(|closed| closed.recurrence_id.clone()),
    };
    let ordinal = replaced
        .map(|replaced| replaced.ordinal)
        .or_else(|| closed.map(|closed| closed.ordinal.saturating_add(1)))
        .unwrap_or(1);
    let series = spec.series.as_ref();
    Ok(Opening { task: task.id, series, nominal, predecessor, ordinal }.open(ctx, overrides))
}

/// Cancels what was open under another name and puts the replacement in its place in the series.
fn replace(
    commit: &mut Commit,
    current: &[Occurrence],
    closed: Option<&Occurrence>,
    replacement: &Occurrence,
) {
    for occurrence in
        current.iter().filter(|occurrence| occurrence.recurrence_id != replacement.recurrence_id)
    {
        let cancelled = Occurrence {
            status: OccurrenceStatus::Cancelled,
            succession: Succession::None,
            predecessor: None,
            ..occurrence.clone()
        };
        commit.occurrences.push((&cancelled).into());
    }
    if let Some(closed) =
        closed.filter(|closed| closed.succession == Succession::Pending && current.is_empty())
    {
        let planned = Occurrence { succession: Succession::Planned, ..closed.clone() };
        commit.occurrences.push((&planned).into());
    }
    commit.occurrences.push(replacement.into());
}
