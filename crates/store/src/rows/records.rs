//! Rows as the statements of both stores give them: JSON objects, named like the columns.

use perennial_domain::{
    Alarm, AlarmState, Channel, ChannelConfig, ChannelId, Due, DueInput, Metadata, Named, Occurrence,
    OccurrenceStatus, Override, Priority, ProjectId, QuietHours, QuietInput, RecurrenceId, RecurrenceInput,
    ReminderId, ReminderInput, Role, SeriesState, Succession, Task, TaskId, TaskInput, TaskSpec, TaskStatus,
    Timestamp, User, UserId, Weekday,
};
use perennial_recurrence::Zone;
use serde::Deserialize;

use crate::StoreError;

#[derive(Deserialize)]
pub(crate) struct TaskRow {
    id: TaskId,
    version: i64,
    title: String,
    description: String,
    priority: Priority,
    tags: Vec<String>,
    due: Option<DueInput>,
    start: Option<DueInput>,
    duration: Option<String>,
    project: Option<ProjectId>,
    parent: Option<TaskId>,
    position: Option<String>,
    metadata: Metadata,
    recurrence: Option<RecurrenceInput>,
    reminders: Vec<ReminderInput>,
    status: TaskStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
    completed_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
}

#[derive(Deserialize)]
pub(crate) struct OccurrenceRow {
    recurrence_id: RecurrenceId,
    predecessor: Option<RecurrenceId>,
    ordinal: i64,
    status: OccurrenceStatus,
    succession: Succession,
    title: Option<String>,
    due_local: Option<String>,
    due_tz: Option<String>,
    due_at: Option<Timestamp>,
    start_local: Option<String>,
    start_tz: Option<String>,
    start_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct UserRow {
    id: UserId,
    name: String,
    role: Role,
    tz: String,
    settings: Set,
    version: i64,
    created_at: Timestamp,
}

/// What a user has set, beside the zone.
#[derive(Clone, Deserialize)]
struct Set {
    #[serde(default)]
    week_start: Weekday,
    #[serde(default)]
    quiet_hours: Option<QuietInput>,
}

#[derive(Deserialize)]
pub(crate) struct ChannelRow {
    id: ChannelId,
    #[serde(flatten)]
    pub config: ChannelConfig,
    created_at: Timestamp,
}

#[derive(Deserialize)]
pub(crate) struct OverrideRow {
    recurrence_id: RecurrenceId,
    title: Option<String>,
    due_local: Option<String>,
    due_tz: Option<String>,
    cancelled: i64,
}

/// A task and what there is of its series.
#[derive(Deserialize)]
pub(crate) struct StateRow {
    user: UserRow,
    task: TaskRow,
    asked: Option<OccurrenceRow>,
    open: Vec<OccurrenceRow>,
    closed: Option<OccurrenceRow>,
    overrides: Vec<OverrideRow>,
    named: Vec<(RecurrenceId, i64)>,
    alarms: Vec<(RecurrenceId, ReminderId, Timestamp, AlarmState, Option<Timestamp>)>,
}

fn due(local: Option<&str>, tz: Option<&str>) -> Result<Option<Due>, StoreError> {
    local
        .map(|local| Due::from_stored(local, tz))
        .transpose()
        .map_err(|error| StoreError::Corrupt(error.to_string()))
}

impl TaskRow {
    pub fn task(self) -> Result<Task, StoreError> {
        let stored = TaskInput {
            title: self.title,
            description: self.description,
            priority: self.priority,
            tags: self.tags,
            due: self.due,
            start: self.start,
            duration: self.duration,
            project: self.project,
            parent: self.parent,
            metadata: self.metadata,
            recurrence: self.recurrence,
            reminders: self.reminders,
        };
        let spec = TaskSpec::from_stored(stored).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Task {
            id: self.id,
            version: self.version,
            spec,
            status: self.status,
            created_at: self.created_at,
            updated_at: self.updated_at,
            completed_at: self.completed_at,
            deleted_at: self.deleted_at,
            position: self.position,
        })
    }
}

impl OccurrenceRow {
    pub fn occurrence(self, task: TaskId) -> Result<Occurrence, StoreError> {
        Ok(Occurrence {
            task,
            recurrence_id: self.recurrence_id,
            predecessor: self.predecessor,
            ordinal: self.ordinal,
            status: self.status,
            succession: self.succession,
            title: self.title,
            due: due(self.due_local.as_deref(), self.due_tz.as_deref())?,
            due_at: self.due_at,
            start: due(self.start_local.as_deref(), self.start_tz.as_deref())?,
            start_at: self.start_at,
            completed_at: self.completed_at,
        })
    }
}

impl UserRow {
    pub fn user(self) -> Result<User, StoreError> {
        Ok(User {
            id: self.id,
            name: self.name,
            role: self.role,
            zone: Zone::parse(&self.tz).map_err(|error| StoreError::Corrupt(error.to_string()))?,
            week_start: self.settings.week_start,
            quiet_hours: (self.settings.quiet_hours.as_ref().map(QuietHours::parse).transpose())
                .map_err(|error| StoreError::Corrupt(error.to_string()))?,
            version: self.version,
            created_at: self.created_at,
        })
    }
}

impl ChannelRow {
    pub fn channel(self) -> Channel {
        Channel { id: self.id, config: self.config, created_at: self.created_at }
    }
}

impl OverrideRow {
    pub fn change(self) -> Result<Override, StoreError> {
        Ok(Override {
            recurrence_id: self.recurrence_id,
            title: self.title,
            due: due(self.due_local.as_deref(), self.due_tz.as_deref())?,
            cancelled: self.cancelled != 0,
        })
    }
}

impl StateRow {
    pub fn split(self) -> Result<(User, SeriesState), StoreError> {
        let user = self.user.clone().user()?;
        Ok((user, self.state()?))
    }

    pub fn state(self) -> Result<SeriesState, StoreError> {
        let task = self.task.task()?;
        let id = task.id;
        let occurrence = |row: Option<OccurrenceRow>| row.map(|row| row.occurrence(id)).transpose();
        let alarm = |(recurrence_id, reminder, fire_at, state, snoozed_from)| Alarm {
            recurrence_id,
            reminder,
            fire_at,
            state,
            snoozed_from,
        };
        Ok(SeriesState {
            asked: occurrence(self.asked)?,
            open: self.open.into_iter().map(|row| row.occurrence(id)).collect::<Result<_, _>>()?,
            last_closed: occurrence(self.closed)?,
            overrides: self.overrides.into_iter().map(OverrideRow::change).collect::<Result<_, _>>()?,
            named: self
                .named
                .into_iter()
                .map(|(recurrence_id, given_up)| Named { recurrence_id, given_up: given_up != 0 })
                .collect(),
            alarms: self.alarms.into_iter().map(alarm).collect(),
            task,
        })
    }
}
