//! Which tasks a list shows, and in which order.

use perennial_domain::filter::Condition;
use perennial_domain::search::Query;
use perennial_domain::{ProjectId, TaskId, TaskStatus};
use serde_json::Value;

/// Most tasks that are looked at for one page of what a filter lets through.
pub const WALK: u32 = 2_000;

/// Most tasks with the words of a search that are ranked: the newest.
pub const MATCHES: u32 = 1_000;

/// A list of tasks.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Which of the user's tasks.
    pub among: Among,
    /// Of this status alone.
    pub status: Option<TaskStatus>,
    /// In which order.
    pub sort: Sort,
    /// Whether that is turned round. What has no date comes last either way.
    pub descending: bool,
    /// Those alone that fulfil this. It is looked for among [`WALK`] tasks a page.
    pub filter: Option<Condition>,
    /// Those alone that this finds; of all that are not deleted.
    pub search: Option<Query>,
}

/// Which of a user's tasks a list is made of.
#[derive(Debug, Clone, Default)]
pub enum Among {
    /// All that are not deleted.
    #[default]
    All,
    /// Those in a project.
    Project(ProjectId),
    /// The parts of a task.
    Parent(TaskId),
    /// Those with a tag.
    Tag(String),
    /// Those that are deleted and not forgotten yet, whatever the order asked for: the last deleted first.
    Deleted,
}

/// The orders of a list of tasks. Each is made whole by the order of making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By their making: the order of their ids.
    #[default]
    Created,
    /// By when the earliest open occurrence is due; those without a date last.
    Due,
    /// By how much they matter, the least first.
    Priority,
    /// By their last change.
    Updated,
    /// By where they were made or moved to.
    Position,
    /// By how well a search finds them, the best first; without a search, as they were made.
    Relevance,
}

/// Where a task stands in a list: what comes after it is on the next page.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// What the list is ordered by: a number, text, or null where the task has none.
    pub key: Value,
    /// The task.
    pub id: TaskId,
}

impl Sort {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Due => "due",
            Self::Priority => "priority",
            Self::Updated => "updated",
            Self::Position => "position",
            Self::Relevance => "relevance",
        }
    }
}

impl Listing {
    /// A place as text, for a cursor.
    pub fn write(&self, place: &Place) -> String {
        format!("{} {} {}", self.order(), place.id, place.key)
    }

    /// Reads a place in a list of this order; `None` where the text is no such place.
    pub fn read(&self, text: &str) -> Option<Place> {
        let mut parts = text.splitn(3, ' ');
        let same = parts.next()? == self.order();
        let id = TaskId::parse(parts.next()?)?;
        let key: Value = serde_json::from_str(parts.next()?).ok()?;
        let fits = match self.sort {
            _ if matches!(self.among, Among::Deleted) => key.is_i64(),
            Sort::Created => key.is_null(),
            Sort::Due => key.is_i64() || key.is_null(),
            Sort::Priority | Sort::Updated => key.is_i64(),
            Sort::Position => key.is_string(),
            Sort::Relevance => key.as_array().is_some_and(
                |key| matches!(key.as_slice(), [score, created] if score.is_u64() && created.is_i64()),
            ),
        };
        (same && fits).then_some(Place { key, id })
    }

    fn order(&self) -> String {
        let sort = if matches!(self.among, Among::Deleted) { "deleted" } else { self.sort.name() };
        format!("{}{sort}", if self.descending { "-" } else { "" })
    }
}
