//! The fields of a filter: their names, and the values of those that have an order.

use super::condition::{Part, Quantity};
use super::time::{FIRST_INSTANT, LAST_INSTANT};
use crate::quick::PRIORITIES;
use crate::{Priority, Timestamp};

/// The longest duration that is read: 9,999 days, in seconds.
const LAST_DURATION: i64 = 9_999 * 86_400;

/// What can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Of(Quantity),
    Tag,
    Project,
    Parent,
    Status,
    Title,
    Reminder,
}

/// Every field by its name.
pub(super) const FIELDS: [(&str, Field); 13] = [
    ("due", Field::Of(Quantity::Due)),
    ("start", Field::Of(Quantity::Start)),
    ("created", Field::Of(Quantity::Created)),
    ("updated", Field::Of(Quantity::Updated)),
    ("completed", Field::Of(Quantity::Completed)),
    ("priority", Field::Of(Quantity::Priority)),
    ("duration", Field::Of(Quantity::Duration)),
    ("tag", Field::Tag),
    ("project", Field::Project),
    ("parent", Field::Parent),
    ("status", Field::Status),
    ("title", Field::Title),
    ("reminder", Field::Reminder),
];

impl Field {
    pub(super) fn named(word: &str) -> Option<Self> {
        FIELDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, field)| *field)
    }

    pub(super) fn name(self) -> &'static str {
        FIELDS.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }

    /// What a task lacks of which this field is `none`; nothing for what every task has.
    pub(super) fn part(self) -> Option<Part> {
        match self {
            Self::Of(Quantity::Due) => Some(Part::Due),
            Self::Of(Quantity::Start) => Some(Part::Start),
            Self::Of(Quantity::Completed) => Some(Part::Completed),
            Self::Of(Quantity::Duration) => Some(Part::Duration),
            Self::Tag => Some(Part::Tag),
            Self::Project => Some(Part::Project),
            Self::Parent => Some(Part::Parent),
            Self::Reminder => Some(Part::Reminder),
            // None is a priority like the others.
            Self::Of(Quantity::Created | Quantity::Updated | Quantity::Priority)
            | Self::Status
            | Self::Title => None,
        }
    }
}

/// The rank of a priority.
pub(super) fn rank(priority: Priority) -> i64 {
    (0..).zip(PRIORITIES).find(|(_, (_, other))| *other == priority).map_or(0, |(rank, _)| rank)
}

/// The rank of a priority by its name.
pub(super) fn named_rank(word: &str) -> Option<i64> {
    PRIORITIES
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|(_, priority)| rank(priority))
}

/// A duration of RFC 5545 §3.3.6 in seconds, a day being of 24 hours; `None` of anything else, and of longer ones than are read.
pub(super) fn seconds(word: &str) -> Option<i64> {
    let (days, seconds) = crate::trigger::parse_duration(word.strip_prefix('P')?)?;
    let total = i64::try_from(days).ok()?.checked_mul(86_400)?.checked_add(seconds)?;
    (total <= LAST_DURATION).then_some(total)
}

impl Quantity {
    /// The least and the greatest value that can be written.
    pub(super) fn limits(self) -> (i64, i64) {
        match self {
            Self::Priority => (0, 4),
            Self::Duration => (0, LAST_DURATION),
            _ => (FIRST_INSTANT, LAST_INSTANT),
        }
    }

    /// A value as it is written.
    pub(super) fn written(self, value: i64) -> String {
        match self {
            Self::Priority => {
                let name = usize::try_from(value).ok().and_then(|rank| PRIORITIES.get(rank));
                name.map_or("", |(name, _)| name).to_owned()
            }
            Self::Duration => format!("PT{value}S"),
            _ => Timestamp::from_millis(value).to_string(),
        }
    }
}
