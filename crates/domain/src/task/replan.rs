//! What is open once the dates of a task have changed.

use super::create::Opening;
use super::{TaskSpec, TaskStatus};
use crate::series::{RRULE, Search};
use crate::{Context, Invalid, Occurrence, SeriesState};

/// What becomes of a task whose dates have changed.
pub(super) enum Replanned {
    /// This occurrence is open, in the place of what was.
    Opens(Box<Occurrence>),
    /// Nothing follows this one, which is closed: the task is done, as it would be had the end been planned before.
    Ends(Box<Occurrence>),
    /// It is done and stays so.
    StaysDone,
}

/// What becomes of a series that changed dates leave nothing of, while something of it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortened {
    /// That is refused: it is hardly meant.
    Refused,
    /// It ends after what was closed last, and what is open is given up: it had ended before it was extended.
    Ends,
    /// The task was done before, and is done again, whatever would follow.
    Done,
}

/// What is open once the task is as `spec` says.
///
/// # Errors
/// [`Invalid`] if something is open and nothing would be, where that is refused.
pub(super) fn replan(
    ctx: &Context<'_>,
    state: &SeriesState,
    spec: &TaskSpec,
    shortened: Shortened,
) -> Result<Replanned, Invalid> {
    let closed = state.last_closed.as_ref();
    let done = state.task.status == TaskStatus::Done;
    if shortened == Shortened::Done {
        return if done { Ok(Replanned::StaysDone) } else { nothing_follows(state, shortened) };
    }
    let nominal = match (&spec.series, &spec.due) {
        (Some(series), Some(due)) => match series.successor(due, closed, &Search::anew(ctx, state))? {
            Some(nominal) => Some(nominal),
            None if done => return Ok(Replanned::StaysDone),
            None => return nothing_follows(state, shortened),
        },
        _ if done => return Ok(Replanned::StaysDone),
        (_, due) => due.clone(),
    };
    let opening = Opening {
        task: state.task.id,
        spec,
        nominal,
        predecessor: closed.map(|closed| closed.recurrence_id.clone()).filter(|id| !id.is_single()),
        ordinal: closed.map_or(1, |closed| closed.ordinal.saturating_add(1)),
    };
    Ok(Replanned::Opens(Box::new(opening.open(ctx, &state.overrides))))
}

fn nothing_follows(state: &SeriesState, shortened: Shortened) -> Result<Replanned, Invalid> {
    match &state.last_closed {
        Some(closed) if state.open.is_empty() || shortened != Shortened::Refused => {
            Ok(Replanned::Ends(Box::new(closed.clone())))
        }
        Some(closed) => Err(Invalid::at(RRULE, format!("has no occurrence after {}", closed.recurrence_id))),
        None => Err(Invalid::at(RRULE, "has no occurrence")),
    }
}
