//! Reminders that were put off.

use perennial_domain::{ReminderId, TaskId, Timestamp};
use serde::Serialize;

use super::At;

/// A reminder that was put off.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct SnoozedView<'a> {
    task_id: TaskId,
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    recurrence_id: Option<&'a str>,
    reminder_id: ReminderId,
    fire_at: At,
}

impl<'a> SnoozedView<'a> {
    pub(crate) fn new(
        task_id: TaskId,
        name: Option<&'a str>,
        reminder_id: ReminderId,
        fire_at: Timestamp,
    ) -> Self {
        Self { task_id, recurrence_id: name, reminder_id, fire_at: At(fire_at) }
    }
}
