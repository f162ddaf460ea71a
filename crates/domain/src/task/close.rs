//! Closing an occurrence, whatever closes it.

use super::{Task, TaskStatus, alarms};
use crate::series::{make_room, stacks};
use crate::{Commit, Context, Occurrence, OccurrenceStatus, SeriesState, Succession};

/// Writes that the open occurrence `was` is now `closed`, its alarms, and the room this makes for one that waits for it. Gives
/// the task as it is then, and whether nothing of it is left to come.
pub(crate) fn close(
    ctx: &Context<'_>,
    commit: &mut Commit,
    state: &SeriesState,
    was: &Occurrence,
    closed: &Occurrence,
) -> (Task, bool) {
    commit.expect.occurrences.push(was.into());
    commit.occurrences.push(closed.into());
    alarms::settle(ctx, commit, closed, &state.task.spec.reminders, Some(state));
    make_room(ctx, commit, state, &closed.recurrence_id);
    let mut next = state.task.next(ctx.now);
    let over = is_over(state, closed);
    if over {
        next.status = TaskStatus::Done;
        next.completed_at = Some(ctx.now);
    }
    commit.tasks.push((&next).into());
    (next, over)
}

/// Whether nothing is left once `closed` is closed: none is open beside it, and none is owed after the last.
fn is_over(state: &SeriesState, closed: &Occurrence) -> bool {
    let others_open = state.open.iter().any(|other| other.recurrence_id != closed.recurrence_id);
    let newest = [Some(closed), state.last_closed.as_ref()]
        .into_iter()
        .flatten()
        .max_by_key(|occurrence| occurrence.ordinal);
    !others_open && !newest.is_some_and(|newest| newest.succession.is_owed())
}

impl Task {
    /// What the newest of its open occurrences owes: the next one when it is due, if the series stacks.
    pub(crate) fn owed_while_open(&self) -> Succession {
        if stacks(&self.spec) { Succession::Due } else { Succession::None }
    }
}

impl Occurrence {
    /// The same occurrence, open again. One whose successor is there stays before it; one whose successor was still owed owes it
    /// again when it is closed.
    pub(crate) fn opened_again(&self, task: &Task) -> Self {
        let succession = if self.succession.is_owed() { task.owed_while_open() } else { self.succession };
        Self { status: OccurrenceStatus::Open, succession, completed_at: None, ..self.clone() }
    }

    /// The same occurrence, closed. One of a series owes it the next, unless that is there already.
    pub(crate) fn closed(&self, task: &Task, status: OccurrenceStatus) -> Self {
        let recurs = task.spec.series.is_some() && !self.recurrence_id.is_single();
        let succession = match self.succession {
            kept @ (Succession::Planned | Succession::Ended) => kept,
            _ if recurs => Succession::Pending,
            _ => Succession::None,
        };
        Self { status, succession, ..self.clone() }
    }
}
