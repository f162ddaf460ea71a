//! What is open once the dates of a task have changed.

use super::create::Opening;
use super::{TaskSpec, TaskStatus};
use crate::series::{RRULE, Search};
use crate::{Context, Invalid, Occurrence, SeriesState};

/// The occurrence that is open once the task is as `spec` says; `None` where the task is done and stays so.
pub(super) fn replan(
    ctx: &Context<'_>,
    state: &SeriesState,
    spec: &TaskSpec,
) -> Result<Option<Occurrence>, Invalid> {
    let closed = state.last_closed.as_ref();
    let done = state.task.status == TaskStatus::Done;
    let nominal = match (&spec.series, &spec.due) {
        (Some(series), Some(due)) => match series.successor(due, closed, &Search::anew(ctx, state))? {
            Some(nominal) => Some(nominal),
            None if done => return Ok(None),
            None => {
                let after = closed.map(|closed| format!(" after {}", closed.recurrence_id));
                return Err(Invalid::at(RRULE, format!("has no occurrence{}", after.unwrap_or_default())));
            }
        },
        _ if done => return Ok(None),
        (_, due) => due.clone(),
    };
    let opening = Opening {
        task: state.task.id,
        series: spec.series.as_ref(),
        nominal,
        predecessor: closed.map(|closed| closed.recurrence_id.clone()).filter(|id| !id.is_single()),
        ordinal: closed.map_or(1, |closed| closed.ordinal.saturating_add(1)),
    };
    Ok(Some(opening.open(ctx, &state.overrides)))
}
