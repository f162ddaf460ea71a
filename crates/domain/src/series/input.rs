//! A recurrence as sent.

#[cfg(feature = "schema")]
use perennial_recurrence::limits::{MAX_EXTRA_DATES, MAX_RULE_BYTES};
use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::pattern::{LOCAL, RECUR};

/// How a task comes back, as sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RecurrenceInput {
    /// A RECUR value (RFC 5545 §3.3.10) without `RRULE:`; kept as given. DTSTART is the task's due date.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_RULE_BYTES), extend("format" = RECUR)))]
    pub rrule: String,
    /// Local dates or date-times added to the rule's own (RFC 5545 §3.8.5.2), in the due date's zone.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_EXTRA_DATES), inner(length(min = 1, max = 40), regex(pattern = LOCAL))))]
    pub rdate: Vec<String>,
    /// Local dates or date-times taken away (RFC 5545 §3.8.5.1), in the due date's zone.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_EXTRA_DATES), inner(length(min = 1, max = 40), regex(pattern = LOCAL))))]
    pub exdate: Vec<String>,
    /// What the next occurrence is counted from.
    #[serde(default, deserialize_with = "crate::plain_name")]
    pub anchor: Anchor,
    /// What becomes of occurrences whose time has already passed when they would be opened.
    #[serde(default, deserialize_with = "crate::plain_name")]
    pub misfire: Misfire,
    /// What becomes of the next occurrence while the last one is still open.
    #[serde(default, deserialize_with = "crate::plain_name")]
    pub overlap: Overlap,
}

/// What the next occurrence is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Anchor {
    /// The calendar: the rule's next date after the last occurrence's own.
    #[default]
    Due,
    /// The work: the rule starts anew on the day the last occurrence was completed.
    Completion,
}

/// What becomes of occurrences whose time has already passed when they would be opened, and of reminders that could not
/// fire in time because the service was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Misfire {
    /// Each is opened, one after the other.
    #[default]
    All,
    /// Only the last of them is opened.
    Once,
    /// None of them is opened, and a reminder more than ten minutes late does not fire.
    Skip,
}

/// What becomes of the next occurrence while the last one is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// It waits until the last one is closed.
    #[default]
    Wait,
    /// It is opened beside it when the last one is due; at most 100 are open at once.
    Stack,
    /// It is dropped, if its time comes before the last one is closed.
    Skip,
}
