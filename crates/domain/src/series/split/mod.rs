//! "This and following": a series that goes on differently from one occurrence on.

mod divide;
mod first;

use chrono::NaiveDateTime;
use perennial_recurrence::Moment;
use serde_json::json;

use super::{MAX_SPAN_STEPS, RRULE, RecurrenceInput, Series, nominal};
use crate::commit::ExpectTask;
use crate::task::{Creation, Task, TaskInput, TaskStatus, create, settle};
use crate::{
    Commit, Context, Due, EventType, Invalid, Occurrence, OccurrenceStatus, Override, RecurrenceId,
    SeriesState, Succession,
};
use divide::following;
use first::{First, closed_later, first};

const ID: &str = "/recurrence_id";

/// Ends a series before the occurrence `id` and starts another with what `change` makes of the following ones. What is closed
/// stays closed, and where it is: the new series goes on after it. Later occurrences that differ from the series go on doing so
/// where the new one has them too. `state` is to have been read with `id` as the occurrence asked for.
pub fn split_series(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    id: &RecurrenceId,
    change: impl FnOnce(TaskInput) -> Result<TaskInput, Invalid>,
) -> Result<(Commit, Task, Occurrence), Invalid> {
    let task = &state.task;
    let (series, due) = series_of(task)?;
    let input = change(following(task, id, asked(state, id))?)?;
    let split = nominal(id)?;
    let follows = |o: &&Occurrence| nominal(&o.recurrence_id).is_ok_and(|at| at >= split);
    let (gone, left): (Vec<_>, Vec<_>) = state.open.iter().partition(follows);
    if split <= series.first(due)?.wall() || (left.is_empty() && state.last_closed.is_none()) {
        return Err(Invalid::at(ID, "is the first one: change the task itself"));
    }
    let (mut commit, new, opened) = start(ctx, state, id, &input)?;

    let mut old = task.next(ctx.now);
    old.spec.series = Some(series.ending_before(due, id)?);
    for occurrence in &gone {
        let given_up = state.given_up(occurrence);
        commit.occurrences.push((&given_up).into());
        settle(ctx, &mut commit, &given_up, &task.spec.reminders, Some(state));
    }
    // What precedes those that are gone is the last now. One that waits for its successor learns it when it is planned.
    let newest = left.iter().copied().chain(&state.last_closed).max_by_key(|other| other.ordinal);
    let newest = newest.filter(|newest| !gone.is_empty() && newest.succession == Succession::Planned);
    if let Some(last) = newest {
        let last = if last.status == OccurrenceStatus::Open { last.on_zone(&ctx.zone) } else { last.clone() };
        commit.occurrences.push((&Occurrence { succession: Succession::Ended, ..last.clone() }).into());
        settle(ctx, &mut commit, &last, &task.spec.reminders, Some(state));
    }
    let owed = state.last_closed.as_ref().is_some_and(|last| last.succession.is_owed());
    let ended = state.last_closed.as_ref().filter(|_| left.is_empty() && !gone.is_empty() && !owed);
    if ended.is_some() {
        old.status = TaskStatus::Done;
        old.completed_at = Some(ctx.now);
    }
    commit.expect.tasks.push(ExpectTask { id: task.id, version: task.version });
    commit.tasks.push((&old).into());
    let subject = task.id.to_string();
    let data = json!({ "task": TaskInput::from(&old.spec), "recurrence_id": null, "split_into": new.id });
    commit.events.push(ctx.event(EventType::TaskUpdated, &subject, data));
    if let Some(last) = ended {
        let data = json!({ "last": last.recurrence_id });
        commit.events.push(ctx.event(EventType::SeriesEnded, &subject, data));
    }
    commit.audit.action = "series.split".to_owned();
    commit.audit.after_those_of = Some(task.id);
    Ok((commit, new, opened))
}

/// The new task with its first occurrence.
fn start(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    id: &RecurrenceId,
    input: &TaskInput,
) -> Result<(Commit, Task, Occurrence), Invalid> {
    let in_changes = |wrong: Invalid| wrong.under("/changes");
    let mut spec = input.check(&[], ctx.ids).map_err(in_changes)?;
    let First { nominal, ordinal } = first(ctx, state, id, &spec)?;
    let mut kept = Vec::new();
    if let (Some(series), Some(due), Some(first)) = (&spec.series, &spec.due, &nominal) {
        let closed = closed_later(state, series, due, first)?;
        kept = differing(state, id, series, due)?;
        if !closed.is_empty() {
            let exdate = series.input.exdate.iter().cloned().chain(closed).collect();
            let input = RecurrenceInput { exdate, ..series.input.clone() };
            spec.series = Some(Series::parse(&input, due).map_err(in_changes)?);
        }
    }
    let (mut commit, new, opened) = create(ctx, Creation { spec, nominal, ordinal, overrides: &kept });
    commit.overrides.extend(kept.iter().map(|change| change.row(new.id)));
    Ok((commit, new, opened))
}

/// How occurrences after `id` differ from the series, those that the following series has too and that are not closed.
fn differing(
    state: &SeriesState,
    id: &RecurrenceId,
    series: &Series,
    due: &Due,
) -> Result<Vec<Override>, Invalid> {
    let split = nominal(id)?;
    let set = series.set(due)?;
    // One budget for all of them, however many there are.
    let mut questions = set.questions(MAX_SPAN_STEPS);
    let mut kept = Vec::new();
    for change in &state.overrides {
        let other = &change.recurrence_id;
        let named = |at: &NaiveDateTime| *at > split && *other == RecurrenceId::of(&due.moved_to(*at));
        let Some(at) = nominal(other).ok().filter(named) else { continue };
        let has = questions.contains(&Moment::Local(at));
        if has.map_err(|exhausted| Invalid::at(RRULE, exhausted.to_string()))? {
            kept.push(change.clone());
        }
    }
    Ok(kept)
}

/// The occurrence to split at, if it is there already and part of the series.
fn asked<'a>(state: &'a SeriesState, id: &RecurrenceId) -> Option<&'a Occurrence> {
    let is_given_up =
        |o: &Occurrence| o.status == OccurrenceStatus::Cancelled && o.succession == Succession::None;
    state.asked.as_ref().filter(|asked| asked.recurrence_id == *id && !is_given_up(asked))
}

fn series_of(task: &Task) -> Result<(&Series, &Due), Invalid> {
    match (&task.spec.series, &task.spec.due) {
        (Some(series), Some(due)) => Ok((series, due)),
        _ => Err(Invalid::at(ID, "the task does not recur")),
    }
}
