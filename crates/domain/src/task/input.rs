//! A task as sent, and its checks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use super::reminder::MAX_REMINDERS;
use super::{Priority, Reminder, TaskSpec, reminder};
use crate::fields::{self, MAX_DESCRIPTION, MAX_TITLE};
#[cfg(feature = "schema")]
use crate::fields::{MAX_KEY, MAX_METADATA, MAX_NAME, MAX_TAGS, MAX_VALUE};
#[cfg(feature = "schema")]
use crate::pattern::{DURATION, LINE, NAME, TEXT, TRIGGER};
use crate::{Due, DueInput, Ids, Invalid, ProjectId, RecurrenceInput, Related, ReminderId, Series, TaskId};

/// A task as a client sends it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TaskInput {
    /// One line, 1 to 500 characters.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_TITLE), regex(pattern = LINE)))]
    pub title: String,
    /// Up to 16,000 characters.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_DESCRIPTION), regex(pattern = TEXT)))]
    pub description: String,
    /// How much it matters.
    #[serde(default, deserialize_with = "crate::plain_name")]
    pub priority: Priority,
    /// Up to 50 tags of up to 100 characters.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_TAGS), inner(length(min = 1, max = MAX_NAME), regex(pattern = LINE))))]
    pub tags: Vec<String>,
    /// When it is due.
    #[serde(default)]
    pub due: Option<DueInput>,
    /// When it can be begun: not after it is due, and of the same kind (a day, or a time in the same zone).
    #[serde(default)]
    pub start: Option<DueInput>,
    /// How long it is thought to take: an ISO 8601 duration such as `PT45M`, of 366 days at most.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100), extend("format" = DURATION)))]
    pub duration: Option<String>,
    /// The project it is in.
    #[serde(default)]
    pub project: Option<ProjectId>,
    /// The task that it is a part of; that one is no part of another.
    #[serde(default)]
    pub parent: Option<TaskId>,
    /// What its owner's programs note: up to 50 values of up to 500 characters, under names of up to 40.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "metadata_schema"))]
    pub metadata: Metadata,
    /// How it comes back; needs `due`, which is its DTSTART.
    #[serde(default)]
    pub recurrence: Option<RecurrenceInput>,
    /// Up to 20 reminders.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_REMINDERS)))]
    pub reminders: Vec<ReminderInput>,
}

/// What is noted of a task, by name.
pub type Metadata = BTreeMap<String, String>;

/// The schema of what is noted.
#[cfg(feature = "schema")]
pub fn metadata_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": MAX_METADATA,
        "propertyNames": { "minLength": 1, "maxLength": MAX_KEY, "pattern": NAME },
        "additionalProperties": { "type": "string", "maxLength": MAX_VALUE, "pattern": TEXT },
    })
}

/// A reminder as a client sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReminderInput {
    /// Its id, when a client sends back what it has read.
    #[serde(default)]
    pub id: Option<ReminderId>,
    /// What a duration is relative to (RFC 5545 §3.2.14 RELATED).
    #[serde(default, deserialize_with = "crate::plain_name")]
    pub related: Related,
    /// RFC 5545 TRIGGER: a duration relative to the due date or the start, or an instant in UTC.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100), extend("format" = TRIGGER)))]
    pub trigger: String,
}

impl TaskInput {
    /// Checks every field; the error lists all that is wrong. `known` are the reminders the task already has.
    pub fn check(&self, known: &[Reminder], ids: &mut dyn Ids) -> Result<TaskSpec, Invalid> {
        let mut invalid = Invalid::default();
        let title = invalid.keep(fields::line(&self.title, MAX_TITLE, "/title"));
        let description = invalid.keep(fields::text(&self.description, MAX_DESCRIPTION, "/description"));
        let tags = invalid.keep(fields::tags(&self.tags));
        let due = invalid.keep(self.due.as_ref().map(|due| Due::parse(due, "/due")).transpose());
        let start = invalid.keep(self.start.as_ref().map(|start| Due::parse(start, "/start")).transpose());
        if let (Some(Some(start)), Some(Some(due))) = (&start, &due)
            && let Err(why) = start.check_before(due)
        {
            invalid.add("/start", why);
        }
        let duration = invalid.keep(self.duration.as_deref().map(fields::duration).transpose());
        invalid.keep(fields::metadata(&self.metadata));
        let series = match (&self.recurrence, &due) {
            (Some(_), Some(None)) => {
                invalid.add("/due", "is needed by a task that recurs: it is where the series starts");
                None
            }
            (Some(recurrence), Some(Some(due))) => invalid.keep(Series::parse(recurrence, due)).map(Some),
            _ => Some(None),
        };
        let reminders = match (&due, &start) {
            (Some(due), Some(start)) => {
                let dates = reminder::Dates {
                    due: due.as_ref(),
                    start: start.as_ref(),
                    recurs: self.recurrence.is_some(),
                };
                invalid.keep(reminder::check(&self.reminders, known, dates, ids))
            }
            _ => None,
        };
        let dates = (due, start, duration);
        match (title, description, tags, dates, series, reminders) {
            (
                Some(title),
                Some(description),
                Some(tags),
                (Some(due), Some(start), Some(duration)),
                Some(series),
                Some(reminders),
            ) if invalid.errors.is_empty() => Ok(TaskSpec {
                title,
                description,
                priority: self.priority,
                tags,
                due,
                start,
                duration,
                project: self.project,
                parent: self.parent,
                metadata: self.metadata.clone(),
                series,
                reminders,
            }),
            _ => Err(invalid),
        }
    }
}

impl TaskSpec {
    /// Takes a task back from the store, where it is as it was checked.
    pub fn from_stored(stored: TaskInput) -> Result<Self, Invalid> {
        let date = |stored: &Option<DueInput>| {
            let read = |date: &DueInput| Due::from_stored(&date.local, date.tz.as_deref());
            stored.as_ref().map(read).transpose()
        };
        let (due, start) = (date(&stored.due)?, date(&stored.start)?);
        let series = match (&stored.recurrence, &due) {
            (Some(recurrence), Some(_)) => Some(Series::from_stored(recurrence)?),
            _ => None,
        };
        let reminders = stored.reminders.iter().map(reminder::from_stored).collect::<Result<_, _>>()?;
        let duration = stored.duration.as_deref().map(fields::duration).transpose()?;
        let TaskInput { title, description, priority, tags, project, parent, metadata, .. } = stored;
        Ok(Self {
            title,
            description,
            priority,
            tags,
            due,
            start,
            duration,
            project,
            parent,
            metadata,
            series,
            reminders,
        })
    }

    /// When an occurrence that is due at `due` can be begun: as long before, on the clock, as the task says of itself.
    pub(crate) fn start_of(&self, due: Option<&Due>) -> Option<Due> {
        let start = self.start.as_ref()?;
        match (&self.due, due) {
            (Some(of), Some(due)) => {
                let lead = of.wall().signed_duration_since(start.wall());
                due.wall().checked_sub_signed(lead).map(|wall| start.moved_to(wall))
            }
            _ => Some(start.clone()),
        }
    }
}
