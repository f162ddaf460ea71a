//! Tasks: what they are, and the commands that change them.

mod alarms;
mod close;
mod complete;
mod create;
mod delete;
mod input;
mod place;
mod reminder;
mod reopen;
mod replan;
mod restore;
mod snooze;
mod update;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use complete::{Completion, complete};
pub use create::create_task;
pub use delete::delete_task;
#[cfg(feature = "schema")]
pub use input::metadata_schema;
pub use input::{Metadata, ReminderInput, TaskInput};
pub use place::{Between, MAX_PLACE, MoveInput, move_task};
pub use reminder::Reminder;
pub use reopen::{Reopening, reopen};
pub use restore::restore_task;
pub use snooze::{SnoozeInput, snooze};
pub use update::update_task;

pub(crate) use alarms::settle;
pub(crate) use close::close;
pub(crate) use create::{Creation, Opening, create};
pub(crate) use reminder::MAX_REMINDERS;
pub(crate) use replan::Shortened;
pub(crate) use update::{change_task, give_up};

use crate::fields::Duration;
use crate::search::{Posting, tokens};
use crate::{Due, DueInput, ProjectId, Series, TaskId, TaskRow, Timestamp};

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
    /// Its place among its user's tasks, where it was moved; else it stands where it was made.
    pub position: Option<String>,
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
    /// When it can be begun.
    pub start: Option<Due>,
    /// How long it is thought to take.
    pub duration: Option<Duration>,
    /// The project it is in.
    pub project: Option<ProjectId>,
    /// The task that it is a part of.
    pub parent: Option<TaskId>,
    /// What its owner's programs note.
    pub metadata: Metadata,
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
    /// Its place among its user's tasks: text that orders them.
    pub fn place(&self) -> Cow<'_, str> {
        match &self.position {
            Some(position) => Cow::Borrowed(position),
            None => Cow::Owned(self.id.to_string()),
        }
    }

    /// What the audit notes of it.
    pub(crate) fn noted(&self) -> serde_json::Value {
        serde_json::json!({
            "task": TaskInput::from(&self.spec), "status": self.status, "position": self.position, "version": self.version,
        })
    }

    /// The same task, changed: one version on.
    pub(crate) fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version.saturating_add(1), updated_at: now, ..self.clone() }
    }
}

impl TaskRow {
    /// The row of a task whose texts may be others than before, with the words that they are found by.
    pub(crate) fn with_words(task: &Task) -> Self {
        let spec = &task.spec;
        let words = Posting::of(tokens(&spec.title, &spec.tags, &spec.description));
        Self { words: Some(words), ..Self::from(task) }
    }
}

impl From<&Task> for TaskRow {
    fn from(task: &Task) -> Self {
        let spec = &task.spec;
        Self {
            id: task.id,
            version: task.version,
            title: spec.title.clone(),
            title_lower: crate::filter::lowered(&spec.title),
            words: None,
            description: spec.description.clone(),
            priority: spec.priority,
            tags: spec.tags.clone(),
            due_local: spec.due.as_ref().map(Due::local),
            due_tz: spec.due.as_ref().and_then(Due::tz).map(str::to_owned),
            start_local: spec.start.as_ref().map(Due::local),
            start_tz: spec.start.as_ref().and_then(Due::tz).map(str::to_owned),
            duration: spec.duration.as_ref().map(|duration| duration.text.clone()),
            duration_s: spec.duration.as_ref().map(|duration| duration.seconds),
            project_id: spec.project,
            parent_id: spec.parent,
            metadata: spec.metadata.clone(),
            position: task.position.clone(),
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
            start: spec.start.as_ref().map(DueInput::from),
            duration: spec.duration.as_ref().map(|duration| duration.text.clone()),
            project: spec.project,
            parent: spec.parent,
            metadata: spec.metadata.clone(),
            recurrence: spec.series.as_ref().map(|series| series.input().clone()),
            reminders: spec.reminders.iter().map(ReminderInput::from).collect(),
        }
    }
}
