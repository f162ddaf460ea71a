//! Taking a change back.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::commit::ExpectChange;
use crate::task::{Completion, Reopening, Shortened, TaskStatus, change_task, give_up};
use crate::{
    Between, Commit, Context, Invalid, Occurrence, OccurrenceStatus, OverrideInput, ProjectId, RecurrenceId,
    Reminder, SeriesState, Succession, Task, TaskId, TaskInput, TaskSpec, Timestamp, complete, delete_task,
    override_occurrence, reopen, restore_task,
};

/// A change that a user made, as it was noted.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its id: that of its commit.
    pub id: Uuid,
    /// What was done, such as `task.update`.
    pub action: String,
    /// What was there before.
    pub before: Option<Value>,
    /// What was there after it.
    pub after: Option<Value>,
}

/// What is noted of a task.
#[derive(Deserialize)]
struct NotedTask {
    task: TaskInput,
    status: Option<TaskStatus>,
    position: Option<String>,
}

/// What is noted of an occurrence.
#[derive(Deserialize)]
struct NotedOccurrence {
    recurrence_id: RecurrenceId,
    occurrence: Value,
    /// Whether the one after it was there before.
    #[serde(default)]
    followed: bool,
}

/// The kinds of changes that can be taken back.
enum Kind {
    Came,
    Went,
    Changed,
    Completed,
    Reopened,
    Differs,
}

impl Change {
    /// The occurrence that it was about: the state is to be read with it.
    pub fn recurrence_id(&self) -> Option<RecurrenceId> {
        noted::<NotedOccurrence>(self.before.as_ref()).ok().map(|noted| noted.recurrence_id)
    }

    /// The place to which it is taken back, where its task had been moved to one before.
    pub fn position(&self) -> Option<String> {
        noted::<NotedTask>(self.before.as_ref()).ok()?.position
    }

    /// The project and the task that its task was under before, where it was another than now.
    pub fn was_under(&self, now: &TaskSpec) -> (Option<ProjectId>, Option<TaskId>) {
        let under = |was: NotedTask| (was.task.project, was.task.parent);
        let (project, parent) = noted(self.before.as_ref()).map_or((None, None), under);
        (project.filter(|id| Some(*id) != now.project), parent.filter(|id| Some(*id) != now.parent))
    }

    /// What it is put back under is there no more: `project` or `parent` of its task. Then it is put back under nothing.
    pub fn goes_without(&mut self, member: &str) {
        if let Some(noted) =
            self.before.as_mut().and_then(|before| before.pointer_mut(&format!("/task/{member}")))
        {
            *noted = Value::Null;
        }
    }

    /// Whether it is of a kind that can be taken back.
    ///
    /// # Errors
    /// [`Invalid`] that says which kind it is.
    pub fn check_kind(&self) -> Result<(), Invalid> {
        self.kind().map(drop)
    }

    fn kind(&self) -> Result<Kind, Invalid> {
        Ok(match self.action.as_str() {
            "task.create" | "task.restore" => Kind::Came,
            "task.delete" => Kind::Went,
            "task.update" | "task.move" => Kind::Changed,
            "task.complete" => Kind::Completed,
            "task.reopen" => Kind::Reopened,
            "occurrence.change" | "occurrence.skip" => Kind::Differs,
            other => return Err(Invalid::at("", format!("{other} cannot be taken back"))),
        })
    }

    /// Whether its task lies in the bin since.
    pub fn deletes(&self) -> bool {
        self.action == "task.delete"
    }
}

/// Takes a change back: a command of its own, which can be taken back likewise. It is applied only if the change is still the
/// last that the user made of the task. Where another stands at its place by now, the task comes `beside` that.
///
/// # Errors
/// [`Invalid`] if changes of this kind cannot be taken back, or not any more.
pub fn undo(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    change: &Change,
    beside: Option<&Between>,
) -> Result<Commit, Invalid> {
    let mut commit = opposite(ctx, state, change, beside)?;
    commit.expect.changes.push(ExpectChange { task_id: state.task.id, change_id: change.id });
    Ok(commit)
}

fn opposite(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    change: &Change,
    beside: Option<&Between>,
) -> Result<Commit, Invalid> {
    match change.kind()? {
        Kind::Came => Ok(delete_task(ctx, state)),
        Kind::Went => Ok(restore_task(ctx, state)?.0),
        Kind::Changed => put_back(ctx, state, noted(change.before.as_ref())?, beside),
        Kind::Completed => not_completed(ctx, state, &noted(change.before.as_ref())?),
        Kind::Reopened => match complete(ctx, state)? {
            Completion::Closes(commit, _) => Ok(*commit),
            Completion::AlreadyClosed => Err(not_any_more()),
        },
        Kind::Differs => occurrence_as_before(ctx, state, noted(change.before.as_ref())?),
    }
}

fn noted<T: serde::de::DeserializeOwned>(noted: Option<&Value>) -> Result<T, Invalid> {
    noted.and_then(|noted| serde_json::from_value(noted.clone()).ok()).ok_or_else(not_any_more)
}

fn not_any_more() -> Invalid {
    Invalid::at("", "cannot be taken back any more")
}

/// The task as it was: what it says, and where it stands.
fn put_back(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    was: NotedTask,
    beside: Option<&Between>,
) -> Result<Commit, Invalid> {
    let NotedTask { task, status, mut position } = was;
    if let Some(beside) = beside {
        let full = || Invalid::at("", "another task stands at its place, with no room left beside it");
        position = Some(beside.place().ok_or_else(full)?);
    }
    // A reminder that was taken away since is the same again: what it has fired, it has fired.
    let spec = task.check(&was_reminded(&task, &state.task.spec)?, ctx.ids)?;
    // A series that had ended, or was about to, ends again; and what was done before it recurred is done.
    let was_done = status == Some(TaskStatus::Done) && state.task.spec.series.is_some();
    let shortened = if was_done { Shortened::Done } else { Shortened::Ends };
    let (mut commit, next, _) = change_task(ctx, state, spec, shortened)?;
    for row in &mut commit.tasks {
        row.position.clone_from(&position);
    }
    let next = Task { position, ..next };
    commit.expect.place(&next, &state.task);
    commit.audit.after = Some(next.noted());
    Ok(commit)
}

/// The reminders that a task has and those that it had.
fn was_reminded(was: &TaskInput, now: &TaskSpec) -> Result<Vec<Reminder>, Invalid> {
    let noted = TaskSpec::from_stored(was.clone()).map_err(|_| not_any_more())?;
    let since = |reminder: &Reminder| !now.reminders.iter().any(|known| known.id == reminder.id);
    Ok(now.reminders.iter().cloned().chain(noted.reminders.into_iter().filter(since)).collect())
}

/// The occurrence asked for is open as before. What followed it meanwhile is given up: it comes again once this is closed.
fn not_completed(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    was: &NotedOccurrence,
) -> Result<Commit, Invalid> {
    let Reopening::Opens(mut commit, open) = reopen(ctx, state)? else { return Err(not_any_more()) };
    let now = ctx.now;
    let came = |other: &Occurrence| !was.followed && came_of(state, other, &open, now);
    if state.open.iter().any(came) {
        give_up(ctx, &mut commit, state, &state.task.spec, came);
        for row in &mut commit.reopened {
            row.succession = state.task.owed_while_open();
        }
    }
    Ok(*commit)
}

/// Whether an occurrence is open because the one before it was closed. One of a series that stacks would be either way, once
/// that is due.
fn came_of(state: &SeriesState, open: &Occurrence, closed: &Occurrence, now: Timestamp) -> bool {
    let stacks = state.task.owed_while_open() == Succession::Due;
    open.predecessor.as_ref() == Some(&closed.recurrence_id)
        && (!stacks || closed.due_at.is_some_and(|due_at| due_at > now))
}

/// The occurrence as it differed from its series before. One that was skipped while it was open is open again.
fn occurrence_as_before(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    was: NotedOccurrence,
) -> Result<Commit, Invalid> {
    let mut input: OverrideInput = match was.occurrence.get("recurrence_id") {
        Some(_) => serde_json::from_value(was.occurrence).map_err(|_| not_any_more())?,
        None => OverrideInput::default(),
    };
    was.recurrence_id.as_str().clone_into(&mut input.recurrence_id);
    let skipped = state
        .asked
        .as_ref()
        .filter(|asked| asked.status == OccurrenceStatus::Cancelled && !asked.is_given_up());
    let Some(skipped) = skipped else { return Ok(override_occurrence(ctx, state, &input)?.0) };
    if state.is_full() {
        return Err(Invalid::at("", "as many occurrences of this task are open as may be: close one first"));
    }
    let mut open = skipped.opened_again(&state.task);
    let (next, others): (Vec<_>, Vec<_>) = state
        .open
        .iter()
        .cloned()
        .partition(|other| !was.followed && came_of(state, other, skipped, ctx.now));
    if !next.is_empty() {
        open.succession = state.task.owed_while_open();
    }
    let reopened = SeriesState {
        task: Task { status: TaskStatus::Open, completed_at: None, ..state.task.clone() },
        asked: Some(open.clone()),
        open: [vec![open], others].concat(),
        ..state.clone()
    };
    let (mut commit, _) = override_occurrence(ctx, &reopened, &input)?;
    give_up(ctx, &mut commit, state, &state.task.spec, |other| next.contains(other));
    // What is expected is what is there: an occurrence that is cancelled.
    for expected in &mut commit.expect.occurrences {
        if expected.recurrence_id == skipped.recurrence_id {
            *expected = skipped.into();
        }
    }
    Ok(commit)
}
