//! Series whose occurrences stack: how many may be open at once, and what becomes of the next one meanwhile.

use super::Overlap;
use crate::task::{TaskSpec, settle};
use crate::{Commit, Context, Occurrence, SeriesState, Succession};

/// Occurrences of one task that may be open at once. Beyond, the next one of a series that stacks waits for room: the newest
/// is open and owes nothing until another is closed.
pub(crate) const MAX_STACK: usize = 100;

/// The newest of the open occurrences owes the next one again, if it waited for the room that closing `closed` makes.
pub(crate) fn make_room(
    ctx: &Context<'_>,
    commit: &mut Commit,
    state: &SeriesState,
    closed: &crate::RecurrenceId,
) {
    let left: Vec<&Occurrence> = state.open.iter().filter(|other| other.recurrence_id != *closed).collect();
    let waits =
        |newest: &&&Occurrence| newest.succession == Succession::None && !newest.recurrence_id.is_single();
    if stacks(&state.task.spec)
        && left.len() < MAX_STACK
        && let Some(newest) = left.iter().max_by_key(|other| other.ordinal).filter(waits)
    {
        let owes = Occurrence { succession: Succession::Due, ..newest.on_zone(&ctx.zone) };
        commit.occurrences.push((&owes).into());
        settle(ctx, commit, &owes, &state.task.spec.reminders, Some(state));
    }
}

/// An open occurrence under changed policies: the newest owes the next one when it is due, if the series stacks now.
pub(crate) fn stack_anew(
    ctx: &Context<'_>,
    commit: &mut Commit,
    state: &SeriesState,
    spec: &TaskSpec,
    open: &Occurrence,
) -> Occurrence {
    let newest = state.open.iter().max_by_key(|other| other.ordinal);
    let succession = match (open.succession, stacks(spec)) {
        (Succession::None, true)
            if !stacks(&state.task.spec) && newest == Some(open) && !open.recurrence_id.is_single() =>
        {
            Succession::Due
        }
        (Succession::Due, false) => Succession::None,
        _ => return open.clone(),
    };
    let changed = Occurrence { succession, ..open.on_zone(&ctx.zone) };
    commit.occurrences.push((&changed).into());
    changed
}

/// Whether the next occurrence is open when it is due, whatever became of those before it.
pub(crate) fn stacks(spec: &TaskSpec) -> bool {
    spec.series.as_ref().is_some_and(|series| series.input().overlap == Overlap::Stack)
}
