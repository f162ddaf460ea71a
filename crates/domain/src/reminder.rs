//! A reminder that comes due becomes notifications.

use perennial_recurrence::Zone;
use serde_json::json;

use crate::commit::ExpectAlarm;
use crate::event::occurrence_key;
use crate::{
    AlarmRow, AlarmState, Channel, Commit, Context, EventType, INBOX_CHANNEL, Misfire, NotificationId,
    NotificationRow, NotificationState, Priority, QuietHours, RecurrenceId, ReminderId, TaskId, Timestamp,
};
use crate::{ChannelId, ChannelKind};

/// How late a reminder of a series that skips what it missed may still fire, in milliseconds.
const LATE: i64 = 600_000;

/// An alarm whose time has come, with what the notification will say.
#[derive(Debug, Clone, PartialEq)]
pub struct DueAlarm {
    /// The task.
    pub task: TaskId,
    /// The occurrence of it.
    pub recurrence_id: RecurrenceId,
    /// The reminder of it.
    pub reminder: ReminderId,
    /// When it was to fire.
    pub fire_at: Timestamp,
    /// What becomes of it when it is late.
    pub misfire: Misfire,
    /// How urgent the task is: what is urgent waits for nothing.
    pub priority: Priority,
    /// When its user wants to be left alone, as it was set when this was read.
    pub quiet_hours: Option<QuietHours>,
    /// The occurrence's title.
    pub title: String,
    /// The occurrence's local due date.
    pub due_local: Option<String>,
    /// Its zone.
    pub due_tz: Option<String>,
    /// Its instant.
    pub due_at: Option<Timestamp>,
}

impl DueAlarm {
    /// When what fires now is sent: at once, or where the user wants to be left alone and it is not urgent, after that.
    fn send_at(&self, now: Timestamp, zone: &Zone) -> Timestamp {
        let quiet = self.quiet_hours.filter(|_| self.priority != Priority::Urgent);
        quiet.and_then(|quiet| quiet.end(now, zone)).unwrap_or(now)
    }
}

/// Fires an alarm: one notification for each of the user's channels that takes reminders, or one in the inbox of a user who has
/// none of these.
pub fn fire(ctx: &mut Context<'_>, alarm: &DueAlarm, channels: &[Channel]) -> Commit {
    fire_all(ctx, &[alarm], channels)
}

/// Fires alarms of one user in one commit: what is written once for all of them is most of what one alone costs.
pub fn fire_all(ctx: &mut Context<'_>, alarms: &[&DueAlarm], channels: &[Channel]) -> Commit {
    let subject = match alarms {
        [alone] => alone.task.to_string(),
        _ => ctx.user.to_string(),
    };
    let mut commit = ctx.commit("reminder.fire", &subject);
    for alarm in alarms {
        fire_within(ctx, &mut commit, alarm, channels);
    }
    commit
}

fn fire_within(ctx: &mut Context<'_>, commit: &mut Commit, alarm: &DueAlarm, channels: &[Channel]) {
    let missed = alarm.misfire == Misfire::Skip && alarm.fire_at.plus_millis(LATE) < ctx.now;
    let row = AlarmRow {
        task_id: alarm.task,
        recurrence_id: alarm.recurrence_id.clone(),
        reminder_id: alarm.reminder,
        fire_at: alarm.fire_at,
        state: if missed { AlarmState::Missed } else { AlarmState::Fired },
        snoozed_from: None,
    };
    commit.expect.alarms.push(ExpectAlarm {
        task_id: row.task_id,
        recurrence_id: row.recurrence_id.clone(),
        reminder_id: row.reminder_id,
        state: AlarmState::Armed,
        fire_at: row.fire_at,
    });
    commit.alarms.push(row);
    if missed {
        return;
    }
    let mut notifications = Vec::new();
    let payload = payload(alarm, ctx.now);
    let send_at = alarm.send_at(ctx.now, &ctx.zone);
    for (channel_id, kind) in targets(channels) {
        let waits = kind != ChannelKind::Inbox;
        let id = NotificationId::new(ctx.ids.next());
        notifications.push(id.to_string());
        commit.notifications.push(NotificationRow {
            id,
            task_id: alarm.task,
            recurrence_id: alarm.recurrence_id.clone(),
            reminder_id: alarm.reminder,
            channel_id,
            fire_at: alarm.fire_at,
            state: if waits { NotificationState::Pending } else { NotificationState::Delivered },
            payload: payload.clone(),
            next_attempt_at: waits.then_some(send_at),
            delivered_at: (!waits).then_some(ctx.now),
        });
    }
    let data = json!({
        "recurrence_id": alarm.recurrence_id,
        "reminder_id": alarm.reminder,
        "fire_at": alarm.fire_at.to_string(),
        "notifications": notifications,
    });
    let mut event = ctx.event(EventType::ReminderFired, &alarm.task.to_string(), data);
    event.idempotency_key = Some(occurrence_key(&ctx.user, alarm.task, &alarm.recurrence_id));
    commit.events.push(event);
}

/// What the notification says.
fn payload(alarm: &DueAlarm, now: Timestamp) -> serde_json::Value {
    json!({
        "type": EventType::ReminderFired,
        "timestamp": now.to_string(),
        "data": {
            "task_id": alarm.task,
            "recurrence_id": (!alarm.recurrence_id.is_single()).then_some(&alarm.recurrence_id),
            "reminder_id": alarm.reminder,
            "title": alarm.title,
            "due": alarm.due_local.as_ref().map(|local| json!({ "local": local, "tz": alarm.due_tz })),
            "due_at": alarm.due_at.map(|at| at.to_string()),
            "fire_at": alarm.fire_at.to_string(),
        },
    })
}

/// Where it goes.
fn targets(channels: &[Channel]) -> Vec<(ChannelId, ChannelKind)> {
    let takes = |channel: &&Channel| channel.config.types().takes(EventType::ReminderFired);
    let mut targets: Vec<_> =
        channels.iter().filter(takes).map(|channel| (channel.id.clone(), channel.config.kind())).collect();
    if targets.is_empty() {
        targets.push((ChannelId::new(INBOX_CHANNEL), ChannelKind::Inbox));
    }
    targets
}
