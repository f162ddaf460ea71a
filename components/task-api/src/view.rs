//! How things look from outside.

use perennial_domain::{
    Channel, ChannelConfig, DueInput, Occurrence, OccurrenceStatus, Override, Priority, Projected,
    RecurrenceId, RecurrenceInput, ReminderInput, Role, Scope, Task, TaskId, TaskStatus, TokenRow, User,
};
use perennial_store::{NotificationRecord, OccurrenceRecord, ParkedItem, TaskRecord, WorkKind};
use serde::Serialize;

/// A task.
#[derive(Serialize)]
pub(crate) struct TaskView {
    id: String,
    version: i64,
    status: TaskStatus,
    title: String,
    description: String,
    priority: Priority,
    tags: Vec<String>,
    due: Option<DueInput>,
    recurrence: Option<RecurrenceInput>,
    reminders: Vec<ReminderInput>,
    occurrence: Option<OccurrenceView>,
    parked: Option<StalledView>,
    created_at: String,
    updated_at: String,
    completed_at: Option<String>,
}

/// Why the next occurrence of a task does not come.
#[derive(Serialize)]
struct StalledView {
    id: String,
    reason: Option<String>,
    since: String,
}

impl TaskView {
    pub(crate) fn new(task: &Task, open: Option<&Occurrence>) -> Self {
        let spec = &task.spec;
        Self {
            id: task.id.to_string(),
            version: task.version,
            status: task.status,
            title: spec.title.clone(),
            description: spec.description.clone(),
            priority: spec.priority,
            tags: spec.tags.clone(),
            due: spec.due.as_ref().map(DueInput::from),
            recurrence: spec.series.as_ref().map(|series| series.input().clone()),
            reminders: spec.reminders.iter().map(ReminderInput::from).collect(),
            occurrence: open.map(OccurrenceView::new),
            parked: None,
            created_at: task.created_at.to_string(),
            updated_at: task.updated_at.to_string(),
            completed_at: task.completed_at.map(|at| at.to_string()),
        }
    }

    /// The same, of what was read only to be shown.
    pub(crate) fn of_record(task: &TaskRecord) -> Self {
        Self {
            id: task.id.to_string(),
            version: task.version,
            status: task.status,
            title: task.title.clone(),
            description: task.description.clone(),
            priority: task.priority,
            tags: task.tags.clone(),
            due: task.due.clone(),
            recurrence: task.recurrence.clone(),
            reminders: task.reminders.clone(),
            occurrence: task.occurrence.as_ref().map(OccurrenceView::of_record),
            parked: task.parked.as_ref().map(|parked| StalledView {
                id: parked.id.to_string(),
                reason: parked.reason.clone(),
                since: parked.parked_at.to_string(),
            }),
            created_at: task.created_at.to_string(),
            updated_at: task.updated_at.to_string(),
            completed_at: task.completed_at.map(|at| at.to_string()),
        }
    }
}

/// An occurrence within its task.
#[derive(Serialize)]
pub(crate) struct OccurrenceView {
    recurrence_id: Option<String>,
    status: StatusView,
    title: Option<String>,
    due: Option<DueInput>,
    due_at: Option<String>,
    predecessor: Option<String>,
    ordinal: Option<i64>,
    completed_at: Option<String>,
}

impl OccurrenceView {
    pub(crate) fn new(occurrence: &Occurrence) -> Self {
        Self {
            recurrence_id: name(&occurrence.recurrence_id),
            status: occurrence.status.into(),
            title: occurrence.title.clone(),
            due: occurrence.due.as_ref().map(DueInput::from),
            due_at: occurrence.due_at.map(|at| at.to_string()),
            predecessor: occurrence.predecessor.as_ref().and_then(name),
            ordinal: Some(occurrence.ordinal),
            completed_at: occurrence.completed_at.map(|at| at.to_string()),
        }
    }
}

impl OccurrenceView {
    /// One that was read only to be shown.
    pub(crate) fn of_record(occurrence: &OccurrenceRecord) -> Self {
        Self {
            recurrence_id: name(&occurrence.recurrence_id),
            status: occurrence.status.into(),
            title: occurrence.title.clone(),
            due: occurrence.due.clone(),
            due_at: occurrence.due_at.map(|at| at.to_string()),
            predecessor: occurrence.predecessor.as_ref().and_then(name),
            ordinal: Some(occurrence.ordinal),
            completed_at: occurrence.completed_at.map(|at| at.to_string()),
        }
    }

    /// One that is still to come.
    pub(crate) fn planned(occurrence: &Projected) -> Self {
        Self {
            recurrence_id: name(&occurrence.recurrence_id),
            status: if occurrence.cancelled { StatusView::Cancelled } else { StatusView::Planned },
            title: occurrence.title.clone(),
            due: Some((&occurrence.due).into()),
            due_at: Some(occurrence.due_at.to_string()),
            predecessor: None,
            ordinal: None,
            completed_at: None,
        }
    }
}

/// The status of an occurrence; one that is still to come is planned.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum StatusView {
    Planned,
    Open,
    Done,
    Cancelled,
}

impl From<OccurrenceStatus> for StatusView {
    fn from(status: OccurrenceStatus) -> Self {
        match status {
            OccurrenceStatus::Open => Self::Open,
            OccurrenceStatus::Done => Self::Done,
            OccurrenceStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// How one occurrence differs from its series.
#[derive(Serialize)]
pub(crate) struct OverrideView {
    task_id: String,
    recurrence_id: String,
    title: Option<String>,
    due: Option<DueInput>,
    cancelled: bool,
}

impl OverrideView {
    pub(crate) fn new(task: TaskId, change: &Override) -> Self {
        Self {
            task_id: task.to_string(),
            recurrence_id: change.recurrence_id.to_string(),
            title: change.title.clone(),
            due: change.due.as_ref().map(DueInput::from),
            cancelled: change.cancelled,
        }
    }
}

/// An occurrence by itself.
#[derive(Serialize)]
pub(crate) struct CompletedView {
    task_id: String,
    #[serde(flatten)]
    occurrence: OccurrenceView,
}

impl CompletedView {
    pub(crate) fn new(occurrence: &Occurrence) -> Self {
        Self { task_id: occurrence.task.to_string(), occurrence: OccurrenceView::new(occurrence) }
    }
}

fn name(id: &RecurrenceId) -> Option<String> {
    (!id.is_single()).then(|| id.as_str().to_owned())
}

/// A channel; its secret only when it is made.
#[derive(Serialize)]
pub(crate) struct ChannelView {
    id: String,
    #[serde(rename = "type")]
    kind: perennial_domain::ChannelKind,
    url: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl ChannelView {
    pub(crate) fn new(channel: &Channel) -> Self {
        let ChannelConfig::Webhook { url, .. } = &channel.config;
        Self {
            id: channel.id.to_string(),
            kind: channel.config.kind(),
            url: url.clone(),
            created_at: channel.created_at.to_string(),
            secret: None,
        }
    }

    pub(crate) fn with_secret(channel: &Channel) -> Self {
        let ChannelConfig::Webhook { secret, .. } = &channel.config;
        Self { secret: Some(secret.clone()), ..Self::new(channel) }
    }
}

/// A notification.
#[derive(Serialize)]
pub(crate) struct NotificationView {
    id: String,
    task_id: String,
    recurrence_id: Option<String>,
    reminder_id: String,
    channel: String,
    state: perennial_domain::NotificationState,
    attempts: i64,
    next_attempt_at: Option<String>,
    delivered_at: Option<String>,
    last_error: Option<String>,
    created_at: String,
}

impl NotificationView {
    pub(crate) fn new(notification: &NotificationRecord) -> Self {
        Self {
            id: notification.id.to_string(),
            task_id: notification.task_id.to_string(),
            recurrence_id: name(&notification.recurrence_id),
            reminder_id: notification.reminder_id.to_string(),
            channel: notification.channel_id.to_string(),
            state: notification.state,
            attempts: notification.attempts,
            next_attempt_at: notification.next_attempt_at.map(|at| at.to_string()),
            delivered_at: notification.delivered_at.map(|at| at.to_string()),
            last_error: notification.last_error.clone(),
            created_at: notification.created_at.to_string(),
        }
    }
}

/// A user.
#[derive(Serialize)]
pub(crate) struct UserView {
    id: String,
    name: String,
    role: Role,
    tz: String,
    created_at: String,
}

impl UserView {
    pub(crate) fn new(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            role: user.role,
            tz: user.zone.name().to_owned(),
            created_at: user.created_at.to_string(),
        }
    }
}

/// A token; its secret only when it is made.
#[derive(Serialize)]
pub(crate) struct TokenView {
    id: String,
    user: String,
    name: String,
    scopes: Vec<Scope>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl TokenView {
    pub(crate) fn new(token: &TokenRow) -> Self {
        Self {
            id: token.id.to_string(),
            user: token.user_id.to_string(),
            name: token.name.clone(),
            scopes: token.scopes.clone(),
            created_at: token.created_at.to_string(),
            secret: None,
        }
    }

    pub(crate) fn with_secret(token: &TokenRow, secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..Self::new(token) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perennial_domain::{ChannelId, NotificationId, NotificationState, ReminderId, Timestamp};
    use uuid::Uuid;

    /// Those that wait and fail are made by time alone, so their shape is looked at here.
    #[test]
    fn a_notification_says_what_became_of_it() {
        let noon = Timestamp::from_millis(1_795_262_400_000);
        let waiting = NotificationRecord {
            id: NotificationId::new(Uuid::from_u64_pair(1, 0)),
            task_id: TaskId::new(Uuid::from_u64_pair(2, 0)),
            recurrence_id: RecurrenceId::from_text("2026-11-23T07:00:00[Europe/Berlin]"),
            reminder_id: ReminderId::new(Uuid::from_u64_pair(3, 0)),
            channel_id: ChannelId::new("inbox"),
            state: NotificationState::Pending,
            attempts: 1,
            next_attempt_at: Some(noon.plus_millis(5_000)),
            delivered_at: None,
            last_error: Some("the receiver answered 500".to_owned()),
            created_at: noon,
        };
        let delivered = NotificationRecord {
            recurrence_id: RecurrenceId::single(),
            state: NotificationState::Delivered,
            next_attempt_at: None,
            delivered_at: Some(noon),
            last_error: None,
            ..waiting.clone()
        };
        let shown = [&waiting, &delivered].map(NotificationView::new);
        insta::assert_snapshot!(serde_json::to_string_pretty(&shown).unwrap_or_default());
    }
}

/// An item of work that was given up.
#[derive(Serialize)]
pub(crate) struct ParkedView {
    id: String,
    kind: WorkKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    task_id: String,
    recurrence_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    reason: Option<String>,
    tries: i64,
    parked_at: String,
}

impl ParkedView {
    /// `with_user`: for an admin, who sees everyone's.
    pub(crate) fn new(item: &ParkedItem, with_user: bool) -> Self {
        Self {
            id: item.id.to_string(),
            kind: item.kind,
            user: with_user.then(|| item.user_id.to_string()),
            task_id: item.task_id.clone(),
            recurrence_id: name(&item.recurrence_id),
            item: Some(item.item.clone()).filter(|item| !item.is_empty()),
            reason: item.reason.clone(),
            tries: item.tries,
            parked_at: item.parked_at.to_string(),
        }
    }
}
