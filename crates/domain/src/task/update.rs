//! Changing a task.

use serde_json::json;

use super::replan::{Replanned, Shortened, replan};
use super::{Task, TaskInput, TaskSpec, TaskStatus, settle};
use crate::series::stack_anew;
use crate::{
    Commit, Context, EventType, Invalid, Occurrence, OccurrenceStatus, SeriesState, Succession, TaskRow,
};

/// Changes a task to what `input` says, and gives the occurrence that is open then.
///
/// Changed dates replace what is open: the first occurrence of the new series that is later than the last one closed takes
/// its place. What is closed stays; a task that is done comes back if its new series goes on after that.
pub fn update_task(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    input: &TaskInput,
) -> Result<(Commit, Task, Option<Occurrence>), Invalid> {
    let spec = input.check(&state.task.spec.reminders, ctx.ids)?;
    change_task(ctx, state, spec, Shortened::Refused)
}

/// Changes a task to what `spec` says. `shortened` is what becomes of a series that is left with nothing.
pub(crate) fn change_task(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    spec: TaskSpec,
    shortened: Shortened,
) -> Result<(Commit, Task, Option<Occurrence>), Invalid> {
    let task = &state.task;
    let mut next = Task { spec, ..task.next(ctx.now) };
    let mut commit = ctx.commit_on(task, "task.update");
    let mut open = state.open.clone();
    let mut ended = None;
    if is_moved(&task.spec, &next.spec) {
        match replan(ctx, state, &next.spec, shortened)? {
            Replanned::Opens(replacement) => {
                replace(ctx, &mut commit, state, &next.spec, &replacement);
                (next.status, next.completed_at) = (TaskStatus::Open, None);
                open = vec![*replacement];
            }
            Replanned::Ends(last) => {
                (next.status, next.completed_at) = (TaskStatus::Done, last.completed_at.or(Some(ctx.now)));
                give_up(ctx, &mut commit, state, &next.spec, |_| true);
                open.clear();
                if next.spec.series.is_some() {
                    ended = Some(json!({ "last": last.recurrence_id }));
                    commit.occurrences.push((&Occurrence { succession: Succession::Ended, ..*last }).into());
                } else {
                    keep_done(ctx, &mut commit, state, &next.spec);
                }
            }
            Replanned::StaysDone => keep_done(ctx, &mut commit, state, &next.spec),
        }
    } else {
        open = open
            .iter()
            .map(|occurrence| stack_anew(ctx, &mut commit, state, &next.spec, occurrence))
            .collect();
    }
    commit.expect.under(&next, Some(&task.spec));
    commit.tasks.push(TaskRow::with_words(&next));
    for occurrence in &open {
        settle(ctx, &mut commit, occurrence, &next.spec.reminders, Some(state));
    }
    let now_open = open.into_iter().next();
    (commit.audit.before, commit.audit.after) = (Some(task.noted()), Some(next.noted()));
    let data = json!({
        "task": TaskInput::from(&next.spec),
        "recurrence_id": now_open.as_ref().map(|occurrence| &occurrence.recurrence_id),
    });
    commit.events.push(ctx.event(EventType::TaskUpdated, &task.id.to_string(), data));
    if let Some(data) = ended {
        commit.events.push(ctx.event(EventType::SeriesEnded, &task.id.to_string(), data));
    }
    Ok((commit, next, now_open))
}

/// Whether a change moves dates; policies alone move none.
fn is_moved(old: &TaskSpec, new: &TaskSpec) -> bool {
    let dates = |spec: &TaskSpec| {
        spec.series.as_ref().map(|series| {
            let input = series.input();
            (input.rrule.clone(), input.rdate.clone(), input.exdate.clone(), input.anchor)
        })
    };
    old.due != new.due || old.start != new.start || dates(old) != dates(new)
}

/// Gives up what is open under another name, and puts the replacement in its place in the series.
pub(super) fn replace(
    ctx: &Context<'_>,
    commit: &mut Commit,
    state: &SeriesState,
    spec: &TaskSpec,
    replacement: &Occurrence,
) {
    give_up(ctx, commit, state, spec, |other| other.recurrence_id != replacement.recurrence_id);
    if let Some(closed) = state.last_closed.as_ref().filter(|last| {
        last.recurrence_id != replacement.recurrence_id
            && matches!(last.succession, Succession::Pending | Succession::Ended)
    }) {
        commit.occurrences.push((&Occurrence { succession: Succession::Planned, ..closed.clone() }).into());
    }
    if replacement.is_done_in(state) {
        let done = Occurrence {
            status: OccurrenceStatus::Done,
            succession: Succession::None,
            ..replacement.clone()
        };
        commit.expect.occurrences.push((&done).into());
        commit.reopened.push(replacement.into());
    } else {
        commit.occurrences.push(replacement.into());
    }
}

/// Gives up those open occurrences.
pub(crate) fn give_up(
    ctx: &Context<'_>,
    commit: &mut Commit,
    state: &SeriesState,
    spec: &TaskSpec,
    which: impl Fn(&Occurrence) -> bool,
) {
    for occurrence in state.open.iter().filter(|open| which(open)) {
        let given_up = state.given_up(occurrence);
        commit.occurrences.push((&given_up).into());
        settle(ctx, commit, &given_up, &spec.reminders, Some(state));
    }
}

/// A single task that is done keeps a changed due date, in case it is reopened.
fn keep_done(ctx: &Context<'_>, commit: &mut Commit, state: &SeriesState, spec: &TaskSpec) {
    let single = |last: &&Occurrence| last.recurrence_id.is_single() && last.status == OccurrenceStatus::Done;
    if let (None, Some(done)) = (&spec.series, state.last_closed.as_ref().filter(single)) {
        commit.expect.occurrences.push(done.into());
        let moved = done.due_on(spec.due.clone(), spec, &ctx.zone);
        commit.occurrences.push((&moved).into());
    }
}

impl Occurrence {
    /// Whether the store has an occurrence of this name that is done. Only the one of a task that recurs no longer comes back so.
    fn is_done_in(&self, state: &SeriesState) -> bool {
        let named = |other: &&Occurrence| other.recurrence_id == self.recurrence_id;
        match state.open.iter().chain(&state.asked).chain(&state.last_closed).find(named) {
            Some(known) => known.status == OccurrenceStatus::Done,
            None => {
                state.named.iter().any(|named| named.recurrence_id == self.recurrence_id && !named.given_up)
            }
        }
    }
}
