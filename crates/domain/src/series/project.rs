//! Occurrences that are still to come, as the series and its overrides say.

use chrono::{NaiveDateTime, NaiveTime};
use perennial_recurrence::{Moment, Zone};

use super::{Anchor, Misfire, Overlap, Override, RRULE};
use crate::due::{Local, parse_local};
use crate::{Due, Invalid, RecurrenceId, Task, TaskStatus, Timestamp};

/// An occurrence that has not been opened yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Projected {
    /// Its name.
    pub recurrence_id: RecurrenceId,
    /// Its title, where it differs.
    pub title: Option<String>,
    /// Its due date.
    pub due: Due,
    /// The instant of it.
    pub due_at: Timestamp,
    /// When it can be begun.
    pub start: Option<Due>,
    /// The instant of it.
    pub start_at: Option<Timestamp>,
    /// Whether it is cancelled.
    pub cancelled: bool,
}

/// One end of a span of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// An instant, compared with instants.
    Instant(Timestamp),
    /// A wall time, compared with local due dates.
    Local(NaiveDateTime),
}

/// The occurrences of a task's series that are due from `from` on and before `to` and nominally later than `last`, the last one
/// that has been opened; at most `limit`, in the order of their due dates. True if these are all. A series that counts from
/// completion is not known in advance, so that these are never all while it goes on.
pub fn project(
    task: &Task,
    last: Option<&RecurrenceId>,
    overrides: &[Override],
    (home, now): (&Zone, Timestamp),
    (from, to): (Bound, Bound),
    limit: usize,
) -> Result<(Vec<Projected>, bool), Invalid> {
    let (Some(series), Some(due), TaskStatus::Open) = (&task.spec.series, &task.spec.due, task.status) else {
        return Ok((Vec::new(), true));
    };
    if series.input.anchor == Anchor::Completion {
        return Ok((Vec::new(), false));
    }
    let last = last.filter(|id| !id.is_single()).map(super::nominal).transpose()?;
    let moved = || overrides.iter().filter(|change| change.due.is_some());
    // As many dates of the span may be those of others.
    let dates = limit.saturating_add(moved().count());
    let page = series
        .set(due)?
        .between(&from.moment(), &to.moment(), dates)
        .map_err(|exhausted| Invalid::at(RRULE, exhausted.to_string()))?;
    // What has passed is dropped when the next one is opened, where the series says so.
    let drops = series.input.overlap == Overlap::Skip || series.input.misfire == Misfire::Skip;
    let to_come = |at: NaiveDateTime| {
        last.is_none_or(|last| at > last)
            && !(drops && last.is_some() && due.moved_to(at).instant(home) <= now)
    };
    let dates = page.occurrences.iter().filter(|date| !date.fold && to_come(date.local));
    let mut all: Vec<Projected> = dates
        .filter_map(|date| {
            let nominal = due.moved_to(date.local);
            let id = RecurrenceId::of(&nominal);
            match overrides.iter().find(|change| change.recurrence_id == id) {
                Some(change) if change.due.is_some() => None,
                change => Some(projected(task, home, (id, nominal), change)),
            }
        })
        .collect();
    // Those that were moved are where they were moved to, wherever they were.
    for change in moved() {
        let nominal = super::nominal(&change.recurrence_id)?;
        let named = (change.recurrence_id.clone(), due.moved_to(nominal));
        let there = projected(task, home, named, Some(change));
        if to_come(nominal)
            && from.is_before(&there)
            && !to.is_before(&there)
            && series.has(due, &change.recurrence_id)?
        {
            all.push(there);
        }
    }
    all.sort_by_key(|one| one.due_at);
    let complete = page.complete && all.len() <= limit;
    all.truncate(limit);
    Ok((all, complete))
}

/// An occurrence by its name and when it is nominally due, with what is different about it.
fn projected(
    task: &Task,
    home: &Zone,
    (recurrence_id, nominal): (RecurrenceId, Due),
    change: Option<&Override>,
) -> Projected {
    let due = change.and_then(|change| change.due.clone()).unwrap_or(nominal);
    let start = task.spec.start_of(Some(&due));
    Projected {
        recurrence_id,
        title: change.and_then(|change| change.title.clone()),
        due_at: due.instant(home),
        due,
        start_at: start.as_ref().map(|start| start.instant(home)),
        start,
        cancelled: change.is_some_and(|change| change.cancelled),
    }
}

impl Bound {
    /// Reads a bound of a span of time; `name` is the query parameter it came in.
    pub fn parse(text: &str, name: &str) -> Result<Self, Invalid> {
        if let Some(at) = Timestamp::parse(text) {
            return Ok(Self::Instant(at));
        }
        match parse_local(text) {
            Ok(Local::Date(date)) => Ok(Self::Local(date.and_time(NaiveTime::MIN))),
            Ok(Local::DateTime(at)) => Ok(Self::Local(at)),
            Err(_) => Err(Invalid::at(
                format!("?{name}"),
                format!("{text:?} is neither an instant in UTC nor a local date or date-time"),
            )),
        }
    }

    /// Whether an occurrence is due at this time or after it.
    fn is_before(self, occurrence: &Projected) -> bool {
        match self {
            Self::Instant(at) => occurrence.due_at >= at,
            Self::Local(at) => occurrence.due.wall() >= at,
        }
    }

    fn moment(self) -> Moment {
        match self {
            Self::Instant(at) => Moment::Instant(at.to_utc()),
            Self::Local(at) => Moment::Local(at),
        }
    }
}
