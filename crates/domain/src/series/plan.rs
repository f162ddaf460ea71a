//! Planning what follows an occurrence.

use serde_json::json;
use thiserror::Error;

use super::{MAX_STACK, Search};
use crate::event::occurrence_key;
use crate::task::{Opening, Reopening, TaskStatus, reopen, settle};
use crate::{Commit, Context, EventType, Invalid, Occurrence, OccurrenceStatus, SeriesState, Succession};

/// What planning comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// The next occurrence is opened.
    Opens(Box<Commit>, Box<Occurrence>),
    /// There is none: the series has ended, or will when what is open is closed.
    Ends(Box<Commit>),
    /// As many as may be are open; closing one of them asks again.
    WaitsForRoom(Box<Commit>),
    /// Nothing is owed, or not yet: the task is gone, or another was faster.
    NotOwed,
}

/// Why the next occurrence of a series cannot be planned, whoever asks and however often, until the task is changed.
#[derive(Debug, Error)]
pub enum SuccessionError {
    /// The rule as stored cannot be expanded.
    #[error("the next occurrence cannot be found: {0}")]
    Rule(#[from] Invalid),
}

/// Plans what follows the occurrence asked for: the next one with its alarms, or the end of the series.
///
/// # Errors
/// [`SuccessionError`] if the rule cannot be expanded.
pub fn plan_successor(ctx: &mut Context<'_>, state: &SeriesState) -> Result<Plan, SuccessionError> {
    let task = &state.task;
    let Some(last) = state.asked.as_ref().filter(|last| is_owed(ctx, state, last)) else {
        return Ok(Plan::NotOwed);
    };
    if task.spec.series.is_none() && last.recurrence_id.is_single() {
        return part_again(ctx, state, last);
    }
    let mut commit = ctx.commit_on(task, "series.plan");
    commit.expect.occurrences.push(last.into());
    if last.succession == Succession::Due && state.open.len() >= MAX_STACK {
        leave(ctx, &mut commit, state, last, Succession::None);
        commit.tasks.push((&task.next(ctx.now)).into());
        return Ok(Plan::WaitsForRoom(Box::new(commit)));
    }
    let nominal = match (&task.spec.series, &task.spec.due) {
        (Some(series), Some(due)) => series.successor(due, Some(last), &Search::new(ctx, state))?,
        _ => None,
    };
    let Some(nominal) = nominal else {
        end(ctx, &mut commit, state, last);
        return Ok(Plan::Ends(Box::new(commit)));
    };
    let opening = Opening {
        task: task.id,
        spec: &task.spec,
        nominal: Some(nominal),
        predecessor: Some(last.recurrence_id.clone()),
        ordinal: last.ordinal.saturating_add(1),
    };
    let opened = opening.open(ctx, &state.overrides);
    leave(ctx, &mut commit, state, last, Succession::Planned);
    // A name that a change of the series has given up is used again; any other must be new.
    if state.named.iter().any(|named| named.recurrence_id == opened.recurrence_id) {
        commit.occurrences.push((&opened).into());
    } else {
        commit.opened.push((&opened).into());
    }
    settle(ctx, &mut commit, &opened, &task.spec.reminders, Some(state));
    commit.tasks.push((&task.next(ctx.now)).into());
    // What is no part itself may have some.
    commit.parts_again.extend(Some(task.id).filter(|_| task.spec.parent.is_none()));
    let data = json!({
        "recurrence_id": opened.recurrence_id,
        "predecessor": opened.predecessor,
        "due_at": opened.due_at.map(|at| at.to_string()),
    });
    let mut event = ctx.event(EventType::OccurrenceOpened, &task.id.to_string(), data);
    event.idempotency_key = Some(occurrence_key(&ctx.user, task.id, &opened.recurrence_id));
    commit.events.push(event);
    Ok(Plan::Opens(Box::new(commit), Box::new(opened)))
}

/// A part that was done is open again with the next occurrence of the task that it is a part of; what is no part any more is owed
/// nothing. No user did that: it is no change that could be taken back, and stands in the way of none.
fn part_again(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    last: &Occurrence,
) -> Result<Plan, SuccessionError> {
    if state.task.spec.parent.is_none() {
        let mut commit = ctx.commit_on(&state.task, "series.plan");
        commit.expect.occurrences.push(last.into());
        commit.occurrences.push((&Occurrence { succession: Succession::None, ..last.clone() }).into());
        return Ok(Plan::Ends(Box::new(commit)));
    }
    match reopen(ctx, state)? {
        Reopening::Opens(mut commit, open) => {
            (commit.audit.before, commit.audit.after) = (None, None);
            Ok(Plan::Opens(commit, open))
        }
        Reopening::AlreadyOpen => Ok(Plan::NotOwed),
    }
}

fn is_owed(ctx: &Context<'_>, state: &SeriesState, last: &Occurrence) -> bool {
    state.task.deleted_at.is_none()
        && match last.succession {
            Succession::Pending => true,
            Succession::Due => last.due_at.is_some_and(|due_at| due_at <= ctx.now),
            Succession::None | Succession::Planned | Succession::Ended => false,
        }
}

/// Writes what has become of the succession of the occurrence asked for; an open one is laid on this build's zone data.
fn leave(
    ctx: &Context<'_>,
    commit: &mut Commit,
    state: &SeriesState,
    last: &Occurrence,
    succession: Succession,
) {
    if last.status == OccurrenceStatus::Open {
        let left = Occurrence { succession, ..last.on_zone(&ctx.zone) };
        commit.occurrences.push((&left).into());
        settle(ctx, commit, &left, &state.task.spec.reminders, Some(state));
    } else {
        commit.occurrences.push((&Occurrence { succession, ..last.clone() }).into());
    }
}

/// Nothing follows: the task is done, if nothing of it is open either.
fn end(ctx: &mut Context<'_>, commit: &mut Commit, state: &SeriesState, last: &Occurrence) {
    leave(ctx, commit, state, last, Succession::Ended);
    let mut next = state.task.next(ctx.now);
    if last.status != OccurrenceStatus::Open && state.open.is_empty() {
        next.status = TaskStatus::Done;
        next.completed_at = Some(last.completed_at.unwrap_or(ctx.now));
        let data = json!({ "last": last.recurrence_id });
        commit.events.push(ctx.event(EventType::SeriesEnded, &state.task.id.to_string(), data));
    }
    commit.tasks.push((&next).into());
}
