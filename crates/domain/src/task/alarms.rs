//! What is armed: the one rule by which the alarms of an occurrence follow from what it is and what they were.

use super::Reminder;
use crate::commit::ExpectAlarm;
use crate::{
    Alarm, AlarmRow, AlarmState, Commit, Context, Occurrence, OccurrenceStatus, SeriesState, Timestamp,
};

/// How long after its time, in milliseconds, a reminder that is only now set still fires. A reminder of ten minutes
/// before, set nine minutes before, belongs to the past.
const GRACE: i64 = 60_000;

/// Brings the alarms of an occurrence in line with what it is now. An alarm is written only where it changes: one that has
/// fired or was missed is set again when its time has moved, and stays as it is otherwise; so does one that was put off. `before` is
/// what the command was decided upon; `None` where the task is new.
pub(crate) fn settle(
    ctx: &Context<'_>,
    commit: &mut Commit,
    occurrence: &Occurrence,
    reminders: &[Reminder],
    before: Option<&SeriesState>,
) {
    let known: Vec<&Alarm> = before
        .iter()
        .flat_map(|state| &state.alarms)
        .filter(|alarm| alarm.recurrence_id == occurrence.recurrence_id)
        .collect();
    let row = |reminder_id, state, (fire_at, snoozed_from)| AlarmRow {
        task_id: occurrence.task,
        recurrence_id: occurrence.recurrence_id.clone(),
        reminder_id,
        fire_at,
        state,
        snoozed_from,
    };
    let mut kept = Vec::new();
    if occurrence.status == OccurrenceStatus::Open {
        let reused = before.is_some_and(|state| is_reused(state, occurrence));
        for reminder in reminders {
            let Some(fire_at) = reminder.fire_at(occurrence, &ctx.zone) else {
                continue;
            };
            kept.push(reminder.id);
            let alarm = known.iter().copied().find(|alarm| alarm.reminder == reminder.id);
            if let Some(until) = alarm.and_then(|alarm| put_off(alarm, fire_at, ctx.now)) {
                commit.alarms.push(row(reminder.id, AlarmState::Armed, (until, Some(fire_at))));
            } else if let Some(state) = wanted(alarm, reused, fire_at, ctx.now) {
                commit.alarms.push(row(reminder.id, state, (fire_at, None)));
            }
        }
    }
    let given_up = |alarm: &&&Alarm| alarm.state != AlarmState::Cancelled && !kept.contains(&alarm.reminder);
    for alarm in known.iter().filter(given_up) {
        // It may fire meanwhile, or be put off, which no version tells of. Where it only moves, it is set anew either way.
        commit.expect.alarms.push(ExpectAlarm {
            task_id: occurrence.task,
            recurrence_id: occurrence.recurrence_id.clone(),
            reminder_id: alarm.reminder,
            state: alarm.state,
            fire_at: alarm.fire_at,
        });
        if alarm.state == AlarmState::Armed {
            let times = (alarm.fire_at, alarm.snoozed_from);
            commit.alarms.push(row(alarm.reminder, AlarmState::Cancelled, times));
        }
    }
}

/// Until when an alarm had been put off that was given up since, for its occurrence was closed: where it is open again in time,
/// that stands.
fn put_off(alarm: &Alarm, fire_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let stands = alarm.state == AlarmState::Cancelled && alarm.snoozed_from == Some(fire_at);
    Some(alarm.fire_at).filter(|until| stands && until.plus_millis(GRACE) >= now)
}

/// What an alarm that is to fire at an instant becomes; `None` leaves it as it is. `reused` says that its occurrence has
/// been open before under the same name, so that an alarm that is not known may have fired at any time until now.
fn wanted(alarm: Option<&Alarm>, reused: bool, fire_at: Timestamp, now: Timestamp) -> Option<AlarmState> {
    let in_time = match alarm {
        Some(alarm)
            if alarm.snoozed_from.unwrap_or(alarm.fire_at) == fire_at
                && alarm.state != AlarmState::Cancelled =>
        {
            return None;
        }
        None if reused => fire_at > now,
        _ => fire_at.plus_millis(GRACE) >= now,
    };
    Some(if in_time { AlarmState::Armed } else { AlarmState::Missed })
}

/// Whether an occurrence has a name that was given out before to one that is open no longer.
fn is_reused(state: &SeriesState, occurrence: &Occurrence) -> bool {
    let id = &occurrence.recurrence_id;
    state.named.iter().any(|named| named.recurrence_id == *id)
        && !state.open.iter().any(|open| open.recurrence_id == *id)
}
