//! Putting a reminder off.

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;

use crate::commit::ExpectAlarm;
use crate::event::occurrence_key;
#[cfg(feature = "schema")]
use crate::pattern::{DURATION, INSTANT};
use crate::trigger::parse_duration;
use crate::{
    Alarm, AlarmRow, AlarmState, Commit, Context, EventType, Invalid, OccurrenceStatus, ReminderId,
    SeriesState, Timestamp,
};

/// How far a reminder may be put off, in milliseconds: 366 days.
const FURTHEST: i64 = 366 * 86_400_000;

/// A reminder that is to be put off, as sent: `for` so long from now, or `until` an instant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SnoozeInput {
    /// Which occurrence; a series needs it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 200)))]
    pub recurrence_id: Option<String>,
    /// Which reminder of the task.
    pub reminder: ReminderId,
    /// So long from now: an ISO 8601 duration such as `PT15M`, of 366 days at most.
    #[serde(default, rename = "for")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100), extend("format" = DURATION)))]
    pub for_: Option<String>,
    /// Until this instant in UTC, within 366 days.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 40), regex(pattern = INSTANT)))]
    pub until: Option<String>,
}

impl SnoozeInput {
    fn until(&self, now: Timestamp) -> Result<Timestamp, Invalid> {
        let (pointer, at) = match (&self.for_, &self.until) {
            (Some(text), None) => {
                let (days, seconds) = text.strip_prefix('P').and_then(parse_duration).ok_or_else(|| {
                    Invalid::at("/for", format!("{text:?} is not a duration such as PT15M, PT1H or P1D"))
                })?;
                let days = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(86_400);
                let length = TimeDelta::try_seconds(days.saturating_add(seconds));
                ("/for", length.map(|length| now.plus_millis(length.num_milliseconds())))
            }
            (None, Some(text)) => {
                let at = Timestamp::parse(text).ok_or_else(|| {
                    Invalid::at(
                        "/until",
                        format!("{text:?} is not an instant in UTC such as 2026-03-06T08:00:00Z"),
                    )
                })?;
                ("/until", Some(at))
            }
            _ => return Err(Invalid::at("", "say either how long, `for`, or `until` when")),
        };
        at.filter(|at| *at > now && *at <= now.plus_millis(FURTHEST))
            .ok_or_else(|| Invalid::at(pointer, "is not between now and 366 days from now"))
    }
}

/// Puts a reminder of an open occurrence off: it fires, or fires again, then. It stays so put off until the occurrence
/// falls due at another time, also where that is closed and open again in time.
///
/// # Errors
/// [`Invalid`] if the occurrence is not open, has no such reminder, or the time is not to come.
pub fn snooze(
    ctx: &mut Context<'_>,
    state: &SeriesState,
    input: &SnoozeInput,
) -> Result<(Commit, Timestamp), Invalid> {
    let until = input.until(ctx.now)?;
    let occurrence = state.asked("reminded of")?;
    if occurrence.status != OccurrenceStatus::Open {
        return Err(Invalid::at("/recurrence_id", "is done: nothing is left to be reminded of"));
    }
    let is_it = |alarm: &&Alarm| {
        alarm.recurrence_id == occurrence.recurrence_id
            && alarm.reminder == input.reminder
            && alarm.state != AlarmState::Cancelled
    };
    let alarm = state.alarms.iter().find(is_it);
    let alarm = alarm.ok_or_else(|| Invalid::at("/reminder", "is no reminder of this occurrence"))?;
    let task = &state.task;
    let mut commit = ctx.commit_on(task, "reminder.snooze");
    // It may fire meanwhile, of which no version tells.
    commit.expect.alarms.push(ExpectAlarm {
        task_id: task.id,
        recurrence_id: alarm.recurrence_id.clone(),
        reminder_id: alarm.reminder,
        state: alarm.state,
        fire_at: alarm.fire_at,
    });
    commit.alarms.push(AlarmRow {
        task_id: task.id,
        recurrence_id: alarm.recurrence_id.clone(),
        reminder_id: alarm.reminder,
        fire_at: until,
        state: AlarmState::Armed,
        snoozed_from: alarm.snoozed_from.or(Some(alarm.fire_at)),
    });
    let data = json!({
        "recurrence_id": occurrence.recurrence_id,
        "reminder_id": alarm.reminder,
        "fire_at": until.to_string(),
    });
    let mut event = ctx.event(EventType::ReminderSnoozed, &task.id.to_string(), data);
    event.idempotency_key = Some(occurrence_key(&ctx.user, task.id, &occurrence.recurrence_id));
    commit.events.push(event);
    Ok((commit, until))
}
