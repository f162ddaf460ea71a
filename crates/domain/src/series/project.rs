//! Occurrences that are still to come, as the series and its overrides say.

use std::collections::HashMap;

use chrono::{NaiveDateTime, NaiveTime};
use perennial_recurrence::limits::MAX_STEPS;
use perennial_recurrence::{Moment, Zone};

use super::coming::Coming;
use super::dates::Dates;
use super::{Anchor, Override};
use crate::due::{Local, parse_local};
use crate::{Due, Invalid, RecurrenceId, Task, TaskStatus, Timestamp};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

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

/// Steps that one span takes at most, whatever was moved into it: those of two questions to a series. The first finds the date
/// that makes up for those that have passed, the second the dates of the span, and each is answered alone within half of them.
pub const MAX_SPAN_STEPS: u32 = 2 * MAX_STEPS;

/// What a span of time has of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// What is to come in it, in the order of their due dates.
    pub occurrences: Vec<Projected>,
    /// Whether these are all.
    pub complete: bool,
    /// The steps it took, at most [`MAX_SPAN_STEPS`].
    pub steps: u32,
}

/// The occurrences of a task's series that are due from `from` on and before `to` and follow `last`, the last one that has been
/// opened, as things stand now; at most `limit`. What would take more than [`MAX_SPAN_STEPS`] to find is missing, so that these
/// are not all. A series that counts from completion is not known in advance: these are never all while it goes on.
pub fn project(
    task: &Task,
    last: Option<&RecurrenceId>,
    overrides: &[Override],
    (home, now): (&Zone, Timestamp),
    (from, to): (Bound, Bound),
    limit: usize,
) -> Result<Projection, Invalid> {
    let nothing = |complete| Projection { occurrences: Vec::new(), complete, steps: 0 };
    let (Some(series), Some(due), TaskStatus::Open) = (&task.spec.series, &task.spec.due, task.status) else {
        return Ok(nothing(true));
    };
    if series.input.anchor == Anchor::Completion {
        return Ok(nothing(false));
    }
    let last = last.filter(|id| !id.is_single()).map(super::nominal).transpose()?;
    let dates = Dates::to_come(series.set(due)?, due, overrides);
    let questions = &mut dates.set().questions(MAX_SPAN_STEPS);
    let (coming, passed_known) = Coming::after(last, (home, now), series, &dates, questions);
    let is_within = |due: &Due, at: Timestamp| from.is_before(due, at) && !to.is_before(due, at);

    // What is due is looked at one by one: where clocks change, or whole days are skipped, dates and instants have no one order.
    let begin = coming.floor().map_or(from.instant(due, home), |floor| floor.max(from.instant(due, home)));
    let begin = due.moment(begin.plus_millis(-DAY), home);
    let end = due.moment(to.instant(due, home).plus_millis(DAY), home);
    let changes: HashMap<_, _> = overrides.iter().map(|change| (&change.recurrence_id, change)).collect();
    let mut all = Vec::new();
    let ended = questions.each(&begin, &end, |date| {
        let nominal = due.moved_to(date.local);
        let at = nominal.instant(home);
        if !date.fold && is_within(&nominal, at) && coming.has(&nominal, at) {
            let id = RecurrenceId::of(&nominal);
            match changes.get(&id).copied() {
                Some(moved) if moved.due.is_some() => {}
                change => all.push(projected(task, home, (id, nominal), change)),
            }
        }
        // One more tells whether these are all.
        all.len() <= limit
    });
    let mut complete = passed_known && ended == Ok(true);

    // Those that were moved are where they were moved to, wherever they were.
    let is_wanted = |nominal: &Due, there: &Projected| {
        is_within(&there.due, there.due_at) && coming.has(nominal, nominal.instant(home))
    };
    for (nominal, there) in moved(task, (due, home), overrides, is_wanted)? {
        match questions.contains(&Moment::Local(nominal)) {
            Ok(true) => all.push(there),
            Ok(false) => {}
            Err(_) => complete = false,
        }
    }
    all.sort_by_key(|one| one.due_at);
    complete &= all.len() <= limit;
    all.truncate(limit);
    Ok(Projection { occurrences: all, complete, steps: questions.steps() })
}

/// The wanted ones of those that were moved, in the order of where they are now, each with when it is nominally due; whether the
/// series has them is to be asked yet.
fn moved(
    task: &Task,
    (due, home): (&Due, &Zone),
    overrides: &[Override],
    is_wanted: impl Fn(&Due, &Projected) -> bool,
) -> Result<Vec<(NaiveDateTime, Projected)>, Invalid> {
    let mut moved = Vec::new();
    for change in overrides.iter().filter(|change| change.due.is_some()) {
        let nominal = due.moved_to(super::nominal(&change.recurrence_id)?);
        let there = projected(task, home, (change.recurrence_id.clone(), nominal.clone()), Some(change));
        if RecurrenceId::of(&nominal) == change.recurrence_id && is_wanted(&nominal, &there) {
            moved.push((nominal.wall(), there));
        }
    }
    moved.sort_by_key(|(_, there)| there.due_at);
    Ok(moved)
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

    /// Whether this is the time when something is due, or is before it; `due_at` is the instant of `due`.
    fn is_before(self, due: &Due, due_at: Timestamp) -> bool {
        match self {
            Self::Instant(at) => due_at >= at,
            Self::Local(at) => due.wall() >= at,
        }
    }

    /// The instant of it, in a series that begins at `due`: within a day where wall times do not come in the order of instants.
    fn instant(self, due: &Due, home: &Zone) -> Timestamp {
        match self {
            Self::Instant(at) => at,
            Self::Local(at) => due.moved_to(at).instant(home),
        }
    }
}
