//! Tasks as assistants are told them.

use perennial_domain::{DueInput, Timestamp};
use perennial_http_api::Problem;
use perennial_store::{Store, SystemStore};
use serde::{Deserialize, Serialize};

use crate::door::Door;
use crate::moment::{Clock, Local, due, local};

/// A task, as the API tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct TaskDoc {
    pub id: String,
    pub version: i64,
    pub status: String,
    pub title: String,
    pub description: String,
    pub priority: String,
    pub tags: Vec<String>,
    pub due: Option<DueInput>,
    pub start: Option<DueInput>,
    pub duration: Option<String>,
    pub project: Option<String>,
    pub parent: Option<String>,
    pub recurrence: Option<RuleDoc>,
    pub reminders: Vec<ReminderDoc>,
    pub occurrence: Option<OccurrenceDoc>,
    pub parked: Option<ParkedDoc>,
    pub created_at: String,
    pub updated_at: String,
    pub completed_at: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RuleDoc {
    pub rrule: String,
    pub anchor: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ReminderDoc {
    pub id: String,
    pub trigger: String,
    pub related: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OccurrenceDoc {
    pub recurrence_id: Option<String>,
    pub status: String,
    pub title: Option<String>,
    pub due: Option<DueInput>,
    pub due_at: Option<String>,
    pub completed_at: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ParkedDoc {
    pub reason: Option<String>,
}

impl TaskDoc {
    /// When its open occurrence is due; of one that has none, when it was.
    pub(crate) fn is_due(&self) -> Option<&DueInput> {
        self.occurrence.as_ref().and_then(|open| open.due.as_ref()).or(self.due.as_ref())
    }

    /// The name of its open occurrence, where it is a series.
    pub(crate) fn open(&self) -> Option<&str> {
        self.occurrence.as_ref()?.recurrence_id.as_deref()
    }
}

/// A task as told; what it does not have is left out, and so is the rest of it unless it was asked for.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Task {
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    pub id: String,
    pub version: i64,
    #[cfg_attr(feature = "schema", schemars(length(max = 4)))]
    pub status: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 500)))]
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    pub due: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
    /// The rule of a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 4_200)))]
    pub repeat: Option<String>,
    /// The open occurrence of a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    pub occurrence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 6)))]
    pub priority: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 50), inner(length(max = 100))))]
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    pub project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    pub parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 16_000)))]
    pub notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    pub start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    pub duration: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 20)))]
    pub reminders: Vec<Reminder>,
    /// Why its next occurrence does not come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 1_000)))]
    pub stalled: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    pub updated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    pub completed: Option<String>,
}

/// A reminder of a task.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Reminder {
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    pub id: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    pub trigger: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 5)))]
    pub related: String,
}

/// How much is told of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Brief,
    Full,
}

/// Whether a date has passed: a whole day, when it is over.
pub(crate) fn is_overdue(date: Option<&DueInput>, at: Option<Timestamp>, clock: &Clock) -> bool {
    match date.and_then(|date| local(&date.local)) {
        Some(Local::Day(date)) => date < clock.today(),
        _ => at.is_some_and(|at| at < clock.now),
    }
}

/// A rule as told.
pub(crate) fn repeat(rule: &RuleDoc) -> String {
    match rule.anchor.as_str() {
        "completion" => format!("{} from completion", rule.rrule),
        _ => rule.rrule.clone(),
    }
}

impl<S: Store + SystemStore> Door<'_, '_, S> {
    /// The caller's clock.
    pub(crate) fn clock(&self) -> Clock {
        Clock::new(self.caller, self.api.now)
    }

    /// Tasks as told, with their projects by name.
    pub(crate) fn show(&mut self, tasks: Vec<TaskDoc>, detail: Detail) -> Result<Vec<Task>, Problem> {
        let clock = self.clock();
        if tasks.iter().any(|task| task.project.is_some()) {
            self.projects()?;
        }
        let name = |id: String| match &self.projects {
            Some(projects) => projects.name(&id).to_owned(),
            None => id,
        };
        Ok(tasks.into_iter().map(|task| shown(task, detail, &clock, &name)).collect())
    }
}

fn shown(task: TaskDoc, detail: Detail, clock: &Clock, name: &impl Fn(String) -> String) -> Task {
    let due_at = task.occurrence.as_ref().and_then(|open| open.due_at.as_deref());
    let overdue =
        task.status == "open" && is_overdue(task.is_due(), due_at.and_then(Timestamp::parse), clock);
    let mut told = Task {
        due: task.is_due().map(due),
        overdue,
        repeat: task.recurrence.as_ref().map(repeat),
        occurrence: task.open().map(str::to_owned),
        priority: Some(task.priority).filter(|priority| priority != "none"),
        tags: task.tags,
        project: task.project.map(name),
        parent: task.parent,
        completed: task.completed_at.as_deref().map(|at| clock.told(at)),
        id: task.id,
        version: task.version,
        status: task.status,
        title: task.title,
        ..Task::default()
    };
    if detail == Detail::Full {
        told.notes = Some(task.description).filter(|notes| !notes.is_empty());
        told.start = task.start.as_ref().map(due);
        told.duration = task.duration;
        told.reminders = task
            .reminders
            .into_iter()
            .map(|ReminderDoc { id, trigger, related }| Reminder { id, trigger, related })
            .collect();
        told.stalled = task.parked.map(|parked| parked.reason.unwrap_or_else(|| "unknown".to_owned()));
        told.created = Some(clock.told(&task.created_at));
        told.updated = Some(clock.told(&task.updated_at));
    }
    told
}

/// One thing that was done.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Done {
    /// Which of the items that were sent.
    pub index: usize,
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 500)))]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 9)))]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    pub due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 4_200)))]
    pub repeat: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    pub occurrence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    pub change_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_NOTES), inner(length(max = MAX_NOTE))))]
    pub notes: Vec<String>,
}

/// Most notes of one item, and the longest, in characters.
pub(crate) const MAX_NOTES: usize = 20;
pub(crate) const MAX_NOTE: usize = 500;

impl Done {
    /// What became of a task.
    pub(crate) fn of(index: usize, task: &TaskDoc) -> Self {
        Self {
            index,
            id: task.id.clone(),
            title: Some(task.title.clone()),
            version: Some(task.version),
            due: task.is_due().map(due),
            repeat: task.recurrence.as_ref().map(repeat),
            occurrence: task.open().map(str::to_owned),
            ..Self::default()
        }
    }

    /// The same with what is to be said of it, within bounds.
    pub(crate) fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes.extend(notes.iter().map(|note| crate::answer::cut(note, MAX_NOTE)));
        self.notes.truncate(MAX_NOTES);
        self
    }
}

/// What writes on tasks tell.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Wrote {
    /// Nothing was changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    #[cfg_attr(feature = "schema", schemars(length(max = 50)))]
    pub done: Vec<Done>,
}
