//! Creating a task.

use serde_json::json;

use super::{Task, TaskInput, TaskStatus, alarms};
use crate::commit::ExpectTask;
use crate::{
    Commit, Context, Due, EventType, Invalid, Occurrence, OccurrenceStatus, RecurrenceId, Succession, TaskId,
};

/// Creates a task with its first occurrence and that occurrence's alarms.
pub fn create_task(ctx: &mut Context<'_>, input: &TaskInput) -> Result<(Commit, Task, Occurrence), Invalid> {
    let spec = input.check(&[], ctx.ids)?;
    let task = Task {
        id: TaskId::new(ctx.ids.next()),
        version: 1,
        status: TaskStatus::Open,
        created_at: ctx.now,
        updated_at: ctx.now,
        completed_at: None,
        deleted_at: None,
        spec,
    };
    let (recurrence_id, due) = match (&task.spec.series, &task.spec.due) {
        (Some(series), Some(due)) => {
            let first = series.first(due)?;
            (RecurrenceId::of(&first), Some(first))
        }
        (_, due) => (RecurrenceId::single(), due.clone()),
    };
    let occurrence = open(ctx, task.id, recurrence_id, due, None, 1);

    let mut commit = ctx.commit("task.create", &task.id.to_string());
    commit.expect.tasks.push(ExpectTask { id: task.id, version: 0 });
    commit.tasks.push((&task).into());
    commit.opened.push((&occurrence).into());
    commit.alarms = alarms::arm(ctx, &occurrence, &task.spec.reminders);
    let data = json!({ "task": TaskInput::from(&task.spec), "recurrence_id": occurrence.recurrence_id });
    commit.events.push(ctx.event(EventType::TaskCreated, &task.id.to_string(), data));
    Ok((commit, task, occurrence))
}

/// A fresh open occurrence.
pub(crate) fn open(
    ctx: &Context<'_>,
    task: TaskId,
    recurrence_id: RecurrenceId,
    due: Option<Due>,
    predecessor: Option<RecurrenceId>,
    ordinal: i64,
) -> Occurrence {
    Occurrence {
        task,
        recurrence_id,
        predecessor,
        ordinal,
        status: OccurrenceStatus::Open,
        succession: Succession::None,
        due_at: due.as_ref().map(|due| due.instant(&ctx.zone)),
        due,
        completed_at: None,
    }
}
