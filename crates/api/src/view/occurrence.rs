//! Occurrences, and how they differ from their series.

use std::borrow::Cow;

use perennial_domain::{DueInput, Occurrence, OccurrenceStatus, Override, Projected, TaskId};
use perennial_store::OccurrenceRecord;
use serde::Serialize;

use super::{At, name};

/// An occurrence within its task.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct OccurrenceView<'a> {
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    recurrence_id: Option<&'a str>,
    status: StatusView,
    #[cfg_attr(feature = "schema", schemars(length(max = 500)))]
    title: Option<&'a str>,
    due: Option<Cow<'a, DueInput>>,
    due_at: Option<At>,
    start: Option<Cow<'a, DueInput>>,
    start_at: Option<At>,
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    predecessor: Option<&'a str>,
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    ordinal: Option<i64>,
    completed_at: Option<At>,
}

impl<'a> OccurrenceView<'a> {
    pub(crate) fn new(occurrence: &'a Occurrence) -> Self {
        Self {
            recurrence_id: name(&occurrence.recurrence_id),
            status: occurrence.status.into(),
            title: occurrence.title.as_deref(),
            due: occurrence.due.as_ref().map(|due| Cow::Owned(due.into())),
            due_at: occurrence.due_at.map(At),
            start: occurrence.start.as_ref().map(|start| Cow::Owned(start.into())),
            start_at: occurrence.start_at.map(At),
            predecessor: occurrence.predecessor.as_ref().and_then(name),
            ordinal: Some(occurrence.ordinal),
            completed_at: occurrence.completed_at.map(At),
        }
    }

    /// One that was read only to be shown.
    pub(crate) fn of_record(occurrence: &'a OccurrenceRecord) -> Self {
        Self {
            recurrence_id: name(&occurrence.recurrence_id),
            status: occurrence.status.into(),
            title: occurrence.title.as_deref(),
            due: occurrence.due.as_ref().map(Cow::Borrowed),
            due_at: occurrence.due_at.map(At),
            start: occurrence.start.as_ref().map(Cow::Borrowed),
            start_at: occurrence.start_at.map(At),
            predecessor: occurrence.predecessor.as_ref().and_then(name),
            ordinal: Some(occurrence.ordinal),
            completed_at: occurrence.completed_at.map(At),
        }
    }

    /// One that is still to come.
    pub(crate) fn planned(occurrence: &'a Projected) -> Self {
        Self {
            recurrence_id: name(&occurrence.recurrence_id),
            status: if occurrence.cancelled { StatusView::Cancelled } else { StatusView::Planned },
            title: occurrence.title.as_deref(),
            due: Some(Cow::Owned((&occurrence.due).into())),
            due_at: Some(At(occurrence.due_at)),
            start: occurrence.start.as_ref().map(|start| Cow::Owned(start.into())),
            start_at: occurrence.start_at.map(At),
            predecessor: None,
            ordinal: None,
            completed_at: None,
        }
    }
}

/// The status of an occurrence; one that is still to come is planned.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum StatusView {
    Planned,
    Open,
    Done,
    Cancelled,
}

impl From<OccurrenceStatus> for StatusView {
    fn from(status: OccurrenceStatus) -> Self {
        match status {
            OccurrenceStatus::Open => Self::Open,
            OccurrenceStatus::Done => Self::Done,
            OccurrenceStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// An occurrence by itself.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct CompletedView<'a> {
    task_id: TaskId,
    #[serde(flatten)]
    occurrence: OccurrenceView<'a>,
}

impl<'a> CompletedView<'a> {
    pub(crate) fn new(occurrence: &'a Occurrence) -> Self {
        Self { task_id: occurrence.task, occurrence: OccurrenceView::new(occurrence) }
    }

    /// One that was read only to be shown.
    pub(crate) fn of_record(task_id: TaskId, occurrence: &'a OccurrenceRecord) -> Self {
        Self { task_id, occurrence: OccurrenceView::of_record(occurrence) }
    }
}

/// How one occurrence differs from its series.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct OverrideView<'a> {
    task_id: TaskId,
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    recurrence_id: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = 500)))]
    title: Option<&'a str>,
    due: Option<DueInput>,
    cancelled: bool,
}

impl<'a> OverrideView<'a> {
    pub(crate) fn new(task: TaskId, change: &'a Override) -> Self {
        Self {
            task_id: task,
            recurrence_id: change.recurrence_id.as_str(),
            title: change.title.as_deref(),
            due: change.due.as_ref().map(DueInput::from),
            cancelled: change.cancelled,
        }
    }
}
