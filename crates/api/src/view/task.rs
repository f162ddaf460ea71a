//! Tasks.

use std::borrow::Cow;

use perennial_domain::{
    DueInput, Metadata, Occurrence, Priority, ProjectId, RecurrenceInput, ReminderInput, Task, TaskId,
    TaskStatus,
};
use perennial_store::{KeptList, ParkedRecord, TaskRecord};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{At, OccurrenceView};

/// A task.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct TaskView<'a> {
    #[cfg_attr(feature = "schema", schemars(with = "TaskId"))]
    id: Id<'a, TaskId>,
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    version: i64,
    status: TaskStatus,
    #[cfg_attr(feature = "schema", schemars(with = "String", length(min = 1, max = 500)))]
    title: Shown<'a, &'a str>,
    #[cfg_attr(feature = "schema", schemars(with = "String", length(max = 16_000)))]
    description: Shown<'a, &'a str>,
    priority: Priority,
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Vec<String>", length(max = 50), inner(length(min = 1, max = 100)))
    )]
    tags: Shown<'a, &'a [String]>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<DueInput>"))]
    due: Shown<'a, Option<DueInput>>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<DueInput>"))]
    start: Shown<'a, Option<DueInput>>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", length(min = 1, max = 100)))]
    duration: Shown<'a, Option<&'a str>>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<ProjectId>"))]
    project: Option<Id<'a, ProjectId>>,
    #[cfg_attr(feature = "schema", schemars(with = "Option<TaskId>"))]
    parent: Option<Id<'a, TaskId>>,
    #[cfg_attr(feature = "schema", schemars(with = "String", length(min = 1, max = 500)))]
    position: Cow<'a, str>,
    #[cfg_attr(feature = "schema", schemars(schema_with = "perennial_domain::metadata_schema"))]
    metadata: Shown<'a, &'a Metadata>,
    recurrence: Option<&'a RecurrenceInput>,
    #[cfg_attr(feature = "schema", schemars(with = "Vec<ReminderInput>", length(max = 20)))]
    reminders: Shown<'a, Vec<ReminderInput>>,
    occurrence: Option<OccurrenceView<'a>>,
    parked: Option<StalledView<'a>>,
    created_at: At,
    updated_at: At,
    completed_at: Option<At>,
    /// When it was deleted, where it lies in the bin.
    deleted_at: Option<At>,
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
            start: Shown::Made(spec.start.as_ref().map(DueInput::from)),
            duration: Shown::Made(spec.duration.as_ref().map(|duration| duration.text.as_str())),
            project: spec.project.map(Id::Made),
            parent: spec.parent.map(Id::Made),
            position: task.place(),
            metadata: Shown::Made(&spec.metadata),
            recurrence: spec.series.as_ref().map(|series| series.input()),
            reminders: Shown::Made(spec.reminders.iter().map(ReminderInput::from).collect()),
            occurrence: open.map(OccurrenceView::new),
            parked: None,
            created_at: At(task.created_at),
            updated_at: At(task.updated_at),
            completed_at: task.completed_at.map(At),
            deleted_at: task.deleted_at.map(At),
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
            start: Shown::Kept(task.start),
            duration: Shown::Kept(task.duration),
            project: task.project.map(Id::Kept),
            parent: task.parent.map(Id::Kept),
            position: Cow::Borrowed(task.position),
            metadata: task.metadata.as_raw().map_or(Shown::Made(&NOTHING_NOTED), Shown::Kept),
            recurrence: task.recurrence.as_ref(),
            reminders: Shown::kept(&task.reminders),
            occurrence: task.occurrence.as_ref().map(OccurrenceView::of_record),
            parked: task.parked.as_ref().map(StalledView::new),
            created_at: At(task.created_at),
            updated_at: At(task.updated_at),
            completed_at: task.completed_at.map(At),
            deleted_at: task.deleted_at.map(At),
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

/// An id likewise.
#[derive(Serialize)]
#[serde(untagged)]
enum Id<'a, T> {
    Kept(&'a str),
    Made(T),
}

static NOTHING_NOTED: Metadata = Metadata::new();

/// Why the next occurrence of a task does not come.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct StalledView<'a> {
    #[cfg_attr(feature = "schema", schemars(length(max = 20)))]
    id: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 1000)))]
    reason: Option<&'a str>,
    since: At,
}

impl<'a> StalledView<'a> {
    fn new(parked: &'a ParkedRecord) -> Self {
        Self { id: parked.id.to_string(), reason: parked.reason.as_deref(), since: At(parked.parked_at) }
    }
}
