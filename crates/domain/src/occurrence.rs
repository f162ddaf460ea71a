//! One instance of a series, or the one instance of a single task.

use perennial_recurrence::{Zone, tzdata_version};
use serde::{Deserialize, Serialize};

use crate::{Due, OccurrenceRow, RecurrenceId, TaskId, TaskSpec, Timestamp};

/// An occurrence as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    /// The task it belongs to.
    pub task: TaskId,
    /// Which occurrence of it.
    pub recurrence_id: RecurrenceId,
    /// The occurrence it follows.
    pub predecessor: Option<RecurrenceId>,
    /// 1 for the first of the series.
    pub ordinal: i64,
    /// Whether it is still to be done.
    pub status: OccurrenceStatus,
    /// Whether the occurrence after it has been planned.
    pub succession: Succession,
    /// A title of its own, where it differs from its task's.
    pub title: Option<String>,
    /// When it is due.
    pub due: Option<Due>,
    /// The instant of `due`, derived.
    pub due_at: Option<Timestamp>,
    /// When it can be begun.
    pub start: Option<Due>,
    /// The instant of `start`, derived.
    pub start_at: Option<Timestamp>,
    /// When it was completed.
    pub completed_at: Option<Timestamp>,
}

/// The life of an occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OccurrenceStatus {
    /// To be done.
    Open,
    /// Completed.
    Done,
    /// Given up: its task was deleted or rescheduled.
    Cancelled,
}

/// Whether a closed occurrence still owes its series the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Succession {
    /// Nothing is owed: it is open, or does not recur.
    None,
    /// It is open, and the next one is owed as soon as it is due: series that stack.
    Due,
    /// The next one is to be planned: the scheduler's work list.
    Pending,
    /// The next one exists.
    Planned,
    /// The series has no further one.
    Ended,
}

impl Succession {
    /// Whether the scheduler has yet to do something about it.
    pub(crate) fn is_owed(self) -> bool {
        matches!(self, Self::Pending | Self::Due)
    }
}

impl Occurrence {
    /// The same occurrence on this build's zone data, whose version every row written carries.
    pub(crate) fn on_zone(&self, home: &Zone) -> Self {
        let instant = |date: &Option<Due>| date.as_ref().map(|date| date.instant(home));
        Self { due_at: instant(&self.due), start_at: instant(&self.start), ..self.clone() }
    }

    /// The same occurrence, due at another time; it can be begun as long before that as its task says.
    pub(crate) fn due_on(&self, due: Option<Due>, spec: &TaskSpec, home: &Zone) -> Self {
        Self { start: spec.start_of(due.as_ref()), due, ..self.clone() }.on_zone(home)
    }
}

impl From<&Occurrence> for OccurrenceRow {
    fn from(occurrence: &Occurrence) -> Self {
        Self {
            task_id: occurrence.task,
            recurrence_id: occurrence.recurrence_id.clone(),
            predecessor: occurrence.predecessor.clone(),
            ordinal: occurrence.ordinal,
            status: occurrence.status,
            succession: occurrence.succession,
            title: occurrence.title.clone(),
            tzdata: tzdata_version().to_owned(),
            due_local: occurrence.due.as_ref().map(Due::local),
            due_tz: occurrence.due.as_ref().and_then(Due::tz).map(str::to_owned),
            due_at: occurrence.due_at,
            start_local: occurrence.start.as_ref().map(Due::local),
            start_tz: occurrence.start.as_ref().and_then(Due::tz).map(str::to_owned),
            start_at: occurrence.start_at,
            completed_at: occurrence.completed_at,
        }
    }
}
