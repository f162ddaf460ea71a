//! Tasks.

use perennial_domain::{
    DueInput, Occurrence, Priority, RecurrenceInput, ReminderInput, Task, TaskId, TaskStatus,
};
use perennial_store::{KeptList, ParkedRecord, TaskRecord};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{At, OccurrenceView};

/// A task.
#[derive(Serialize)]
pub(crate) struct TaskView<'a> {
    id: Id<'a>,
    version: i64,
    status: TaskStatus,
    title: Shown<'a, &'a str>,
    description: Shown<'a, &'a str>,
    priority: Priority,
    tags: Shown<'a, &'a [String]>,
    due: Shown<'a, Option<DueInput>>,
    recurrence: Option<&'a RecurrenceInput>,
    reminders: Shown<'a, Vec<ReminderInput>>,
    occurrence: Option<OccurrenceView<'a>>,
    parked: Option<StalledView<'a>>,
    created_at: At,
    updated_at: At,
    completed_at: Option<At>,
}

impl<'a> TaskView<'a> {
    pub(crate) fn new(task: &'a Task, open: Option<&'a Occurrence>) -> Self {
        let spec = &task.spec;
        Self {
            id: Id::Made(task.id),
            version: task.version,
            status: task.status,
            title: Shown::Made(&spec.title),
            description: Shown::Made(&spec.description),
            priority: spec.priority,
            tags: Shown::Made(&spec.tags),
            due: Shown::Made(spec.due.as_ref().map(DueInput::from)),
            recurrence: spec.series.as_ref().map(|series| series.input()),
            reminders: Shown::Made(spec.reminders.iter().map(ReminderInput::from).collect()),
            occurrence: open.map(OccurrenceView::new),
            parked: None,
            created_at: At(task.created_at),
            updated_at: At(task.updated_at),
            completed_at: task.completed_at.map(At),
        }
    }

    /// The same, of what was read only to be shown.
    pub(crate) fn of_record(task: &'a TaskRecord<'a>) -> Self {
        Self {
            id: Id::Kept(task.id),
            version: task.version,
            status: task.status,
            title: Shown::Kept(task.title),
            description: Shown::Kept(task.description),
            priority: task.priority,
            tags: Shown::kept(&task.tags),
            due: Shown::Kept(task.due),
            recurrence: task.recurrence.as_ref(),
            reminders: Shown::kept(&task.reminders),
            occurrence: task.occurrence.as_ref().map(OccurrenceView::of_record),
            parked: task.parked.as_ref().map(StalledView::new),
            created_at: At(task.created_at),
            updated_at: At(task.updated_at),
            completed_at: task.completed_at.map(At),
        }
    }
}

/// What is shown as it is kept, or as it was just made.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a, T> {
    Kept(&'a RawValue),
    Made(T),
}

impl<'a, T: Default> Shown<'a, T> {
    fn kept(list: &'a KeptList) -> Self {
        list.as_raw().map_or_else(|| Self::Made(T::default()), Self::Kept)
    }
}

/// The id likewise.
#[derive(Serialize)]
#[serde(untagged)]
enum Id<'a> {
    Kept(&'a str),
    Made(TaskId),
}

/// Why the next occurrence of a task does not come.
#[derive(Serialize)]
struct StalledView<'a> {
    id: String,
    reason: Option<&'a str>,
    since: At,
}

impl<'a> StalledView<'a> {
    fn new(parked: &'a ParkedRecord) -> Self {
        Self { id: parked.id.to_string(), reason: parked.reason.as_deref(), since: At(parked.parked_at) }
    }
}
