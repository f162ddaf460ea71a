//! Setting and cancelling the alarms of an occurrence.

use super::Reminder;
use crate::{AlarmRow, AlarmState, Context, Occurrence};

/// How long after its time, in milliseconds, a reminder that is only now set still fires. A reminder of ten minutes
/// before, set nine minutes before, belongs to the past.
const GRACE: i64 = 60_000;

/// Sets the alarms of an open occurrence. The store leaves an alarm that has fired as it is.
pub(crate) fn arm(ctx: &Context<'_>, occurrence: &Occurrence, reminders: &[Reminder]) -> Vec<AlarmRow> {
    reminders
        .iter()
        .filter_map(|reminder| {
            let fire_at = reminder.trigger.fire_at(occurrence.due.as_ref(), &ctx.zone)?;
            let state =
                if fire_at.plus_millis(GRACE) < ctx.now { AlarmState::Missed } else { AlarmState::Armed };
            Some(AlarmRow {
                task_id: occurrence.task,
                recurrence_id: occurrence.recurrence_id.clone(),
                reminder_id: reminder.id,
                fire_at,
                state,
            })
        })
        .collect()
}

/// Cancels the alarms of an occurrence that have not fired.
pub(crate) fn cancel(ctx: &Context<'_>, occurrence: &Occurrence, reminders: &[Reminder]) -> Vec<AlarmRow> {
    reminders
        .iter()
        .map(|reminder| AlarmRow {
            task_id: occurrence.task,
            recurrence_id: occurrence.recurrence_id.clone(),
            reminder_id: reminder.id,
            fire_at: ctx.now,
            state: AlarmState::Cancelled,
        })
        .collect()
}
