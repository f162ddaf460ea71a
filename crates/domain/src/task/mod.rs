//! Tasks: what they are, and the commands that change them.

mod alarms;
mod close;
mod complete;
mod create;
mod delete;
mod input;
mod reminder;
mod reopen;
mod replan;
mod update;

use serde::{Deserialize, Serialize};

pub use complete::{Completion, complete};
pub use create::create_task;
pub use delete::delete_task;
pub use input::{ReminderInput, TaskInput};
pub use reminder::Reminder;
pub use reopen::{Reopening, reopen};
pub use update::update_task;

pub(crate) use alarms::settle;
pub(crate) use close::close;
pub(crate) use create::{Creation, Opening, create};

use crate::{Due, DueInput, Series, TaskId, TaskRow, Timestamp};

/// A task as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id; also the id of its series.
    pub id: TaskId,
    /// Counts the changes; 1 when created.
    pub version: i64,
    /// What its owner says of it.
    pub spec: TaskSpec,
    /// Whether anything is left to do.
    pub status: TaskStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was completed, or its series ended.
    pub completed_at: Option<Timestamp>,
    /// When it was deleted: then it is there for no one.
    pub deleted_at: Option<Timestamp>,
}

/// What the owner of a task says of it, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSpec {
    /// One line.
    pub title: String,
    /// Any text.
    pub description: String,
    /// How much it matters.
    pub priority: Priority,
    /// Free labels, each once.
    pub tags: Vec<String>,
    /// When it is due; DTSTART of its series.
    pub due: Option<Due>,
    /// How it comes back.
    pub series: Option<Series>,
    /// When to remind.
    pub reminders: Vec<Reminder>,
}

/// How much a task matters. Names, because the numbers of RFC 5545 and of other services run both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Priority {
    #[default]
    None,
    Low,
    Medium,
    High,
    Urgent,
}

/// Whether anything is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// To be done; a series stays open until its last occurrence is closed.
    Open,
    /// Done, or its series has ended.
    Done,
}

impl Task {
    /// The same task, changed: one version on.
    pub(crate) fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version.saturating_add(1), updated_at: now, ..self.clone() }
    }
}

impl From<&Task> for TaskRow {
    fn from(task: &Task) -> Self {
        let spec = &task.spec;
        Self {
            id: task.id,
            version: task.version,
            title: spec.title.clone(),
            description: spec.description.clone(),
            priority: spec.priority,
            tags: spec.tags.clone(),
            due_local: spec.due.as_ref().map(Due::local),
            due_tz: spec.due.as_ref().and_then(Due::tz).map(str::to_owned),
            recurrence: spec.series.as_ref().map(|series| serde_json::json!(series.input())),
            reminders: serde_json::json!(spec.reminders.iter().map(ReminderInput::from).collect::<Vec<_>>()),
            status: task.status,
            created_at: task.created_at,
            updated_at: task.updated_at,
            completed_at: task.completed_at,
            deleted_at: task.deleted_at,
        }
    }
}

/// What a client would have sent to get this task: the document that a merge patch is applied to.
impl From<&TaskSpec> for TaskInput {
    fn from(spec: &TaskSpec) -> Self {
        Self {
            title: spec.title.clone(),
            description: spec.description.clone(),
            priority: spec.priority,
            tags: spec.tags.clone(),
            due: spec.due.as_ref().map(DueInput::from),
            recurrence: spec.series.as_ref().map(|series| series.input().clone()),
            reminders: spec.reminders.iter().map(ReminderInput::from).collect(),
        }
    }
}
