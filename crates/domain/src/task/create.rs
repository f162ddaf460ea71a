//! Creating a task.

use serde_json::json;

use super::{Task, TaskInput, TaskSpec, TaskStatus, alarms};
use crate::commit::ExpectTask;
use crate::{
    Commit, Context, Due, EventType, Invalid, Occurrence, OccurrenceStatus, Overlap, Override, RecurrenceId,
    Succession, TaskId, TaskRow,
};

/// Creates a task with its first occurrence and that occurrence's alarms.
pub fn create_task(ctx: &mut Context<'_>, input: &TaskInput) -> Result<(Commit, Task, Occurrence), Invalid> {
    let spec = input.check(&[], ctx.ids)?;
    let nominal = match (&spec.series, &spec.due) {
        (Some(series), Some(due)) => Some(series.first(due)?),
        (_, due) => due.clone(),
    };
    Ok(create(ctx, Creation { spec, nominal, ordinal: 1, overrides: &[] }))
}

/// A task that is to be created.
pub(crate) struct Creation<'a> {
    /// What its owner says of it.
    pub spec: TaskSpec,
    /// The nominal due date of its first occurrence.
    pub nominal: Option<Due>,
    /// The number of that.
    pub ordinal: i64,
    /// How occurrences differ from the series.
    pub overrides: &'a [Override],
}

/// Creates a task with its first occurrence and that occurrence's alarms.
pub(crate) fn create(ctx: &mut Context<'_>, creation: Creation<'_>) -> (Commit, Task, Occurrence) {
    let Creation { spec, nominal, ordinal, overrides } = creation;
    let task = Task {
        id: TaskId::new(ctx.ids.next()),
        version: 1,
        status: TaskStatus::Open,
        created_at: ctx.now,
        updated_at: ctx.now,
        completed_at: None,
        deleted_at: None,
        position: None,
        spec,
    };
    let opening = Opening { task: task.id, spec: &task.spec, nominal, predecessor: None, ordinal };
    let occurrence = opening.open(ctx, overrides);

    let mut commit = ctx.commit("task.create", &task.id.to_string());
    commit.expect.tasks.push(ExpectTask { id: task.id, version: 0 });
    commit.expect.under(&task, None);
    commit.tasks.push(TaskRow::with_words(&task));
    commit.opened.push((&occurrence).into());
    alarms::settle(ctx, &mut commit, &occurrence, &task.spec.reminders, None);
    commit.audit.after = Some(task.noted());
    let data = json!({ "task": TaskInput::from(&task.spec), "recurrence_id": occurrence.recurrence_id });
    commit.events.push(ctx.event(EventType::TaskCreated, &task.id.to_string(), data));
    (commit, task, occurrence)
}

/// An occurrence that is to be opened.
pub(crate) struct Opening<'a> {
    /// The task.
    pub task: TaskId,
    /// What the task says.
    pub spec: &'a TaskSpec,
    /// The nominal due date: what names it in a series.
    pub nominal: Option<Due>,
    /// The occurrence it follows.
    pub predecessor: Option<RecurrenceId>,
    /// Its number in the series.
    pub ordinal: i64,
}

impl Opening<'_> {
    /// The open occurrence, as its override makes it, if there is one.
    pub(crate) fn open(self, ctx: &Context<'_>, overrides: &[Override]) -> Occurrence {
        let series = self.spec.series.as_ref();
        let recurrence_id = match (series, &self.nominal) {
            (Some(_), Some(nominal)) => RecurrenceId::of(nominal),
            _ => RecurrenceId::single(),
        };
        let change = overrides.iter().find(|change| change.recurrence_id == recurrence_id);
        let due = change.and_then(|change| change.due.clone()).or(self.nominal);
        let stacks = series.is_some_and(|series| series.input().overlap == Overlap::Stack);
        Occurrence {
            task: self.task,
            recurrence_id,
            predecessor: self.predecessor,
            ordinal: self.ordinal,
            status: OccurrenceStatus::Open,
            succession: if stacks { Succession::Due } else { Succession::None },
            title: change.and_then(|change| change.title.clone()),
            start: self.spec.start_of(due.as_ref()),
            due,
            due_at: None,
            start_at: None,
            completed_at: None,
        }
        .on_zone(&ctx.zone)
    }
}
