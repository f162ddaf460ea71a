//! Rows that are only shown.

use perennial_domain::{
    ChannelId, EventId, NotificationId, Override, Project, ProjectId, ProjectInput, RecurrenceId, ReminderId,
    TaskId, Timestamp,
};
use serde::Deserialize;

use super::Row;
use super::records::OverrideRow;
use crate::{EventPage, NotificationRecord, Place, StoreError, Tasks, WaitingEvent};

/// What a list of tasks or of events may take before it is cut, in bytes: fifty tasks have 20 KB, two hundred of the largest 13 MB.
pub(crate) const PAGE: u32 = 256 * 1024;

/// Bytes of an event beside its data, about.
pub(crate) const HEAD: u32 = 600;

/// A list of tasks, whether it is not the whole, and where looking for more ended.
pub(crate) fn tasks(row: &mut Row) -> Result<Tasks, StoreError> {
    let text = row.text_or_null()?.unwrap_or_else(|| "[]".to_owned());
    let cut = row.integer_or_null()?.unwrap_or_default() != 0;
    let end = row.json_or_null::<(serde_json::Value, TaskId)>()?.map(|(key, id)| Place { key, id });
    Ok(Tasks { text, cut, end, ..Tasks::default() })
}

/// The oldest event and the last, the history that they are of, and the events of a page.
pub(crate) fn events(row: &mut Row) -> Result<EventPage, StoreError> {
    let (oldest, last) = (row.integer_or_null()?, row.integer_or_null()?.unwrap_or_default());
    Ok(EventPage {
        epoch: row.text()?,
        oldest: oldest.unwrap_or_else(|| last.saturating_add(1)),
        last,
        events: row.json_or_null::<Vec<WaitingEvent>>()?.unwrap_or_default(),
    })
}

pub(crate) fn notification(row: &mut Row) -> Result<NotificationRecord, StoreError> {
    Ok(NotificationRecord {
        id: row.id(NotificationId::parse)?,
        kind: row.text()?,
        event_id: row.id_or_null(EventId::parse)?,
        task_id: row.id_or_null(TaskId::parse)?,
        recurrence_id: RecurrenceId::from_text(row.text()?),
        reminder_id: row.id_or_null(ReminderId::parse)?,
        channel_id: ChannelId::new(row.text()?),
        state: row.name()?,
        attempts: row.integer()?,
        next_attempt_at: row.instant_or_null()?,
        delivered_at: row.instant_or_null()?,
        last_error: row.text_or_null()?,
        created_at: row.instant()?,
    })
}

#[derive(Deserialize)]
pub(crate) struct ProjectRow {
    id: ProjectId,
    version: i64,
    input: ProjectInput,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ProjectRow {
    pub fn project(self) -> Project {
        let Self { id, version, input, created_at, updated_at } = self;
        Project { id, version, input, created_at, updated_at }
    }
}

pub(crate) fn project(row: &mut Row) -> Result<Project, StoreError> {
    Ok(row.json::<ProjectRow>()?.project())
}

/// What projecting a series needs: the last occurrence that has been opened, and its overrides.
#[derive(Deserialize)]
pub(crate) struct Projection {
    last: Option<RecurrenceId>,
    overrides: Vec<OverrideRow>,
}

impl Projection {
    pub fn split(self) -> Result<(Option<RecurrenceId>, Vec<Override>), StoreError> {
        Ok((self.last, self.overrides.into_iter().map(OverrideRow::change).collect::<Result<_, _>>()?))
    }
}
