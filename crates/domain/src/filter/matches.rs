//! Whether one task fulfils a condition.

use uuid::Uuid;

use super::condition::{Condition, Part, Quantity, Test};
use super::field::rank;
use super::lowered;
use crate::{Priority, TaskId, TaskStatus, Timestamp};

/// All that a filter may ask of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Its title, as stored.
    pub title: String,
    /// Whether it is open or done.
    pub status: TaskStatus,
    /// How much it matters.
    pub priority: Priority,
    /// The instant it is due at.
    pub due: Option<Timestamp>,
    /// The instant it starts at.
    pub start: Option<Timestamp>,
    /// When it was created.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When it was completed.
    pub completed: Option<Timestamp>,
    /// How long it is thought to take, in seconds.
    pub duration: Option<i64>,
    /// Its tags, as stored.
    pub tags: Vec<String>,
    /// Its project's id and name.
    pub project: Option<(Uuid, String)>,
    /// The task that it is a subtask of.
    pub parent: Option<TaskId>,
    /// Whether it has reminders.
    pub has_reminders: bool,
    /// Whether it recurs.
    pub recurs: bool,
}

impl Condition {
    /// Whether a task of which this is so fulfils the condition. Stores must find what this says.
    pub fn matches(&self, facts: &Facts) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(facts)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(facts)),
            Self::Not(inner) => !inner.matches(facts),
            Self::Test(test) => test.matches(facts),
        }
    }
}

impl Test {
    fn matches(&self, facts: &Facts) -> bool {
        match self {
            Self::Within(quantity, bounds) => {
                facts.quantity(*quantity).is_some_and(|value| bounds.contain(value))
            }
            Self::Has(part) => facts.has(*part),
            Self::Tag(tag) => facts.tags.contains(tag),
            Self::ProjectNamed(name) => facts.project.as_ref().is_some_and(|(_, other)| other == name),
            Self::Project(id) => facts.project.as_ref().is_some_and(|(other, _)| other == id),
            Self::Parent(id) => facts.parent == Some(*id),
            Self::Status(status) => facts.status == *status,
            Self::TitleIs(title) => facts.title == *title,
            Self::TitleContains(part) => lowered(&facts.title).contains(part.as_str()),
        }
    }
}

impl Facts {
    fn quantity(&self, quantity: Quantity) -> Option<i64> {
        let at = match quantity {
            Quantity::Due => self.due,
            Quantity::Start => self.start,
            Quantity::Created => Some(self.created),
            Quantity::Updated => Some(self.updated),
            Quantity::Completed => self.completed,
            Quantity::Priority => return Some(rank(self.priority)),
            Quantity::Duration => return self.duration,
        };
        at.map(Timestamp::as_millis)
    }

    fn has(&self, part: Part) -> bool {
        match part {
            Part::Due => self.due.is_some(),
            Part::Start => self.start.is_some(),
            Part::Completed => self.completed.is_some(),
            Part::Duration => self.duration.is_some(),
            Part::Tag => !self.tags.is_empty(),
            Part::Project => self.project.is_some(),
            Part::Parent => self.parent.is_some(),
            Part::Reminder => self.has_reminders,
            Part::Recurrence => self.recurs,
        }
    }
}
