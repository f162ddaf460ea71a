//! What a filter comes to: a tree of tests with concrete values.

use uuid::Uuid;

use crate::{TaskId, TaskStatus};

/// A condition that a task fulfils or does not. There is no third answer: a [`Test`] of what a task does not have is not
/// fulfilled, and its opposite is.
///
/// One that was read has at most 100 tests (a comparison makes one, `overdue` two) of at most two values each, and is at most 45
/// deep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All of these: two or more, none of them an `And` itself.
    And(Vec<Condition>),
    /// Any of these: two or more, none of them an `Or` itself.
    Or(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// What is asked of the task itself.
    Test(Test),
}

/// What is asked of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It has this quantity, within these bounds.
    Within(Quantity, Bounds),
    /// It has this at all.
    Has(Part),
    /// It has this tag, written as tags are stored.
    Tag(String),
    /// It belongs to the project of this name, written as names are stored.
    ProjectNamed(String),
    /// It belongs to this project.
    Project(Uuid),
    /// It is a subtask of this task.
    Parent(TaskId),
    /// It is open, or done.
    Status(TaskStatus),
    /// Its title is this, letter by letter.
    TitleIs(String),
    /// Its title in lower case ([`lowered`](super::lowered)) contains this, which is in lower case.
    TitleContains(String),
}

/// What has an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// When it is due: milliseconds since 1970-01-01T00:00:00Z, as are the other times.
    Due,
    /// When it starts.
    Start,
    /// When it was created.
    Created,
    /// When it last changed.
    Updated,
    /// When it was completed.
    Completed,
    /// Its rank: 0 none, 1 low, 2 medium, 3 high, 4 urgent.
    Priority,
    /// How long it is thought to take, in seconds.
    Duration,
}

/// Bounds of a quantity: the lower one is within, the upper one is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounds {
    /// This or more.
    From(i64),
    /// Less than this.
    Below(i64),
    /// The first or more, and less than the second: nothing, where they are the same.
    Between(i64, i64),
}

/// What a task may have or lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A due date.
    Due,
    /// A start.
    Start,
    /// A time of completion.
    Completed,
    /// An estimated duration.
    Duration,
    /// Any tag.
    Tag,
    /// A project.
    Project,
    /// A task that it is a subtask of.
    Parent,
    /// Any reminder.
    Reminder,
    /// A recurrence.
    Recurrence,
}

impl Condition {
    /// All of these, of which there is at least one.
    pub fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        let parts = conditions.into_iter().flat_map(|condition| match condition {
            Self::And(parts) => parts,
            other => vec![other],
        });
        one_or(parts.collect(), Self::And)
    }

    /// Any of these, of which there is at least one.
    pub fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        let parts = conditions.into_iter().flat_map(|condition| match condition {
            Self::Or(parts) => parts,
            other => vec![other],
        });
        one_or(parts.collect(), Self::Or)
    }

    /// The opposite.
    #[must_use]
    pub fn opposite(self) -> Self {
        Self::Not(Box::new(self))
    }
}

/// The only one, or all of them in one.
fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}

impl Bounds {
    /// Whether a value lies within.
    pub fn contain(self, value: i64) -> bool {
        match self {
            Self::From(from) => value >= from,
            Self::Below(to) => value < to,
            Self::Between(from, to) => value >= from && value < to,
        }
    }
}
