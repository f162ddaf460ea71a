//! Which occurrence of a series.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Due;

/// The name of one occurrence: its nominal local date or date-time and zone (RFC 5545 §3.8.4.4), never an instant in
/// UTC, so that new zone data moves an occurrence instead of doubling it. `2026-03-06T09:00:00[Europe/Berlin]`,
/// `2026-03-06T09:00:00` (floating) or `2026-03-06` (all-day). The one occurrence of a single task has the empty name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecurrenceId(String);

impl RecurrenceId {
    /// The one occurrence of a task that does not recur.
    pub fn single() -> Self {
        Self(String::new())
    }

    /// The occurrence of a series that nominally falls on `due`.
    pub fn of(due: &Due) -> Self {
        match due.tz() {
            Some(tz) => Self(format!("{}[{tz}]", due.local())),
            None => Self(due.local()),
        }
    }

    /// Takes a name back from the store or from a client. A name that was never given out names nothing.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether this is the one occurrence of a task that does not recur.
    pub fn is_single(&self) -> bool {
        self.0.is_empty()
    }

    /// The name as text; empty for a single task.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nominal date or date-time without its zone.
    pub(crate) fn nominal(&self) -> &str {
        self.0.split('[').next().unwrap_or_default()
    }
}

impl fmt::Display for RecurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
