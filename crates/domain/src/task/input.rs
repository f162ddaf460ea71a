//! A task as sent, and its checks.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use super::reminder::MAX_REMINDERS;
use super::{Priority, Reminder, TaskSpec, reminder};
use crate::fields::{self, MAX_DESCRIPTION, MAX_TITLE};
#[cfg(feature = "schema")]
use crate::fields::{MAX_NAME, MAX_TAGS};
#[cfg(feature = "schema")]
use crate::pattern::{LINE, TEXT, TRIGGER};
use crate::{Due, DueInput, Ids, Invalid, RecurrenceInput, ReminderId, Series};

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
    /// How it comes back; needs `due`, which is its DTSTART.
    #[serde(default)]
    pub recurrence: Option<RecurrenceInput>,
    /// Up to 20 reminders.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_REMINDERS)))]
    pub reminders: Vec<ReminderInput>,
}

/// A reminder as a client sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReminderInput {
    /// Its id, when a client sends back what it has read.
    #[serde(default)]
    pub id: Option<ReminderId>,
    /// RFC 5545 TRIGGER: a duration relative to the due date, or an instant in UTC.
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
        let series = match (&self.recurrence, &due) {
            (Some(_), Some(None)) => {
                invalid.add("/due", "is needed by a task that recurs: it is where the series starts");
                None
            }
            (Some(recurrence), Some(Some(due))) => invalid.keep(Series::parse(recurrence, due)).map(Some),
            _ => Some(None),
        };
        let reminders = match &due {
            Some(due) => invalid.keep(reminder::check(
                &self.reminders,
                known,
                due.as_ref(),
                self.recurrence.is_some(),
                ids,
            )),
            None => None,
        };
        match (title, description, tags, due, series, reminders) {
            (Some(title), Some(description), Some(tags), Some(due), Some(series), Some(reminders)) => {
                Ok(TaskSpec { title, description, priority: self.priority, tags, due, series, reminders })
            }
            _ => Err(invalid),
        }
    }
}

impl TaskSpec {
    /// Takes a task back from the store, where it is as it was checked.
    pub fn from_stored(stored: TaskInput, due: Option<Due>) -> Result<Self, Invalid> {
        let series = match (&stored.recurrence, &due) {
            (Some(recurrence), Some(_)) => Some(Series::from_stored(recurrence)?),
            _ => None,
        };
        let reminders = stored.reminders.iter().map(reminder::from_stored).collect::<Result<_, _>>()?;
        let TaskInput { title, description, priority, tags, .. } = stored;
        Ok(Self { title, description, priority, tags, due, series, reminders })
    }
}
