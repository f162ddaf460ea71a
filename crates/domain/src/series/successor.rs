//! How the next occurrence follows from the last.

use chrono::{NaiveDateTime, NaiveTime, Timelike};
use perennial_recurrence::{Frequency, Moment, RuleSet, Zone};
use serde_json::json;
use thiserror::Error;

use super::{Anchor, Misfire, Overlap, Override, RRULE, Series, next_after, nominal};
use crate::event::occurrence_key;
use crate::task::{Opening, Task, TaskStatus, arm};
use crate::{
    Commit, Context, Due, EventType, Invalid, Occurrence, OccurrenceStatus, RecurrenceId, Succession,
    Timestamp,
};

/// Occurrences of one series that may be open at once; beyond, the next one waits.
const MAX_STACK: usize = 100;

/// Cancelled occurrences passed over in search of one that is not.
const MAX_CANCELLED: usize = 500;

/// Why no successor could be planned.
#[derive(Debug, Error)]
pub enum SuccessionError {
    /// The occurrence does not belong to a series, or is not owed a successor.
    #[error("occurrence {0} is not owed a successor")]
    NotOwed(RecurrenceId),
    /// The rule as stored cannot be expanded any more.
    #[error(transparent)]
    Rule(#[from] Invalid),
}

/// Plans what follows an occurrence: the next one with its alarms, or the end of the series. `open` are the occurrences of
/// the task that are open now, `named` those whose names it might meet, from [`earliest_successor`] on.
pub fn plan_successor(
    ctx: &mut Context<'_>,
    task: &Task,
    last: &Occurrence,
    open: &[Occurrence],
    overrides: &[Override],
    named: &[Occurrence],
) -> Result<(Commit, Option<Occurrence>), SuccessionError> {
    let (Some(series), Some(due), Succession::Pending | Succession::Due) =
        (&task.spec.series, &task.spec.due, last.succession)
    else {
        return Err(SuccessionError::NotOwed(last.recurrence_id.clone()));
    };
    let subject = task.id.to_string();
    let mut commit = ctx.commit_on(task, "series.plan");
    commit.expect.occurrences.push(last.into());
    let mut next = task.next(ctx.now);
    if last.succession == Succession::Due && open.len() >= MAX_STACK {
        commit.occurrences.push((&Occurrence { succession: Succession::None, ..last.clone() }).into());
        commit.tasks.push((&next).into());
        return Ok((commit, None));
    }

    let successor = series.successor(due, last, &ctx.zone, ctx.now, overrides, named)?;
    let succession = if successor.is_some() { Succession::Planned } else { Succession::Ended };
    commit.occurrences.push((&Occurrence { succession, ..last.clone() }).into());
    let opened = successor.map(|due| {
        let opening = Opening {
            task: task.id,
            series: Some(series),
            nominal: Some(due),
            predecessor: Some(last.recurrence_id.clone()),
            ordinal: last.ordinal.saturating_add(1),
        };
        opening.open(ctx, overrides)
    });
    match &opened {
        Some(occurrence) => {
            // A name that a change of the series has given up is used again; any other must be new.
            if named.iter().any(|other| other.recurrence_id == occurrence.recurrence_id) {
                commit.occurrences.push(occurrence.into());
            } else {
                commit.opened.push(occurrence.into());
            }
            commit.alarms = arm(ctx, occurrence, &task.spec.reminders);
            let data = json!({
                "recurrence_id": occurrence.recurrence_id,
                "predecessor": occurrence.predecessor,
                "due_at": occurrence.due_at.map(|at| at.to_string()),
            });
            let mut event = ctx.event(EventType::OccurrenceOpened, &subject, data);
            event.idempotency_key = Some(occurrence_key(&ctx.user, task.id, &occurrence.recurrence_id));
            commit.events.push(event);
        }
        None if last.status != OccurrenceStatus::Open && open.is_empty() => {
            next.status = TaskStatus::Done;
            next.completed_at = Some(last.completed_at.unwrap_or(ctx.now));
            let data = json!({ "last": last.recurrence_id });
            commit.events.push(ctx.event(EventType::SeriesEnded, &subject, data));
        }
        None => {}
    }
    commit.tasks.push((&next).into());
    Ok((commit, opened))
}

impl Series {
    /// The nominal date of what follows `last`, or `None` where the series ends with it.
    fn successor(
        &self,
        due: &Due,
        last: &Occurrence,
        home: &Zone,
        now: Timestamp,
        overrides: &[Override],
        named: &[Occurrence],
    ) -> Result<Option<Due>, Invalid> {
        let mut after = nominal(&last.recurrence_id)?;
        let (set, base) = match (self.input.anchor, last.completed_at) {
            (Anchor::Completion, Some(completed_at)) => {
                if self.rule.count().is_some_and(|count| last.ordinal >= i64::from(count)) {
                    return Ok(None);
                }
                let done = due.zone(home).local(completed_at.to_utc());
                let start = due.moved_to(restart(due, done, self.rule.frequency()));
                after = start.wall();
                let anew = Self { rule: self.rule.without_count(), ..self.clone() };
                (anew.set(&start)?, start)
            }
            _ => (self.set(due)?, due.clone()),
        };
        let wall_now = due.zone(home).local(now.to_utc());
        if self.input.overlap == Overlap::Skip {
            after = after.max(wall_now);
        }
        let uncancelled = |mut after: NaiveDateTime| {
            for _ in 0..MAX_CANCELLED {
                let found = next_after(&set, &base, after)?;
                match &found {
                    Some(next)
                        if is_cancelled(overrides, &RecurrenceId::of(next)) || is_taken(named, next) =>
                    {
                        after = next.wall()
                    }
                    _ => return Ok(found),
                }
            }
            Err(Invalid::at(RRULE, format!("{MAX_CANCELLED} occurrences in a row are cancelled")))
        };
        let next = uncancelled(after)?;
        match (&next, self.input.misfire) {
            (Some(candidate), Misfire::Once) if candidate.instant(home) <= now => {
                Ok(latest_before(&set, &base, wall_now)?
                    .filter(|latest| latest.wall() > candidate.wall())
                    .filter(|latest| {
                        !is_cancelled(overrides, &RecurrenceId::of(latest)) && !is_taken(named, latest)
                    })
                    .or(next))
            }
            (Some(candidate), Misfire::Skip) if candidate.instant(home) <= now => uncancelled(wall_now),
            _ => Ok(next),
        }
    }
}

fn is_cancelled(overrides: &[Override], id: &RecurrenceId) -> bool {
    overrides.iter().any(|change| change.cancelled && change.recurrence_id == *id)
}

/// Whether an occurrence of this name exists, other than one that a change of the series has given up.
fn is_taken(named: &[Occurrence], due: &Due) -> bool {
    let id = RecurrenceId::of(due);
    let given_up =
        |o: &Occurrence| o.status == OccurrenceStatus::Cancelled && o.succession == Succession::None;
    named.iter().any(|other| other.recurrence_id == id && !given_up(other))
}

/// The earliest name that the successor of an occurrence may have: after its own, or, counted from completion, after the
/// day it was done.
pub fn earliest_successor(task: &Task, last: &Occurrence, home: &Zone) -> RecurrenceId {
    let own = last.recurrence_id.clone();
    match (&task.spec.series, &task.spec.due, last.completed_at) {
        (Some(series), Some(due), Some(at)) if series.input().anchor == Anchor::Completion => {
            let done = due.zone(home).local(at.to_utc());
            own.min(RecurrenceId::of(&Due::Date(done.date())))
        }
        _ => own,
    }
}

/// The last nominal date that is not after a wall time.
fn latest_before(set: &RuleSet, due: &Due, wall: NaiveDateTime) -> Result<Option<Due>, Invalid> {
    let just_after = wall.checked_add_signed(chrono::TimeDelta::seconds(1)).unwrap_or(wall);
    let found = set
        .previous(&Moment::Local(just_after))
        .map_err(|exhausted| Invalid::at(RRULE, exhausted.to_string()))?;
    Ok(found.filter(|occurrence| !occurrence.fold).map(|occurrence| due.moved_to(occurrence.local)))
}

/// DTSTART of a series that starts anew when its last occurrence was completed: on that day, at the series' own time
/// of day; rules of hours and minutes start at the minute itself.
fn restart(due: &Due, done: NaiveDateTime, frequency: Frequency) -> NaiveDateTime {
    let time = match due {
        Due::Date(_) => NaiveTime::MIN,
        _ if frequency < Frequency::Daily => {
            return done.with_second(0).and_then(|at| at.with_nanosecond(0)).unwrap_or(done);
        }
        _ => due.wall().time(),
    };
    done.date().and_time(time)
}
