//! Series: tasks that come back, and how the next occurrence follows from the last.

use chrono::{NaiveDateTime, NaiveTime};
use perennial_recurrence::{Frequency, Moment, Rule, RuleSet, Zone};
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;

use crate::commit::{ExpectOccurrence, ExpectTask};
use crate::due::{Local, parse_local};
use crate::event::occurrence_key;
use crate::task::{Task, TaskStatus, arm};
use crate::{Commit, Context, Due, EventType, Invalid, Occurrence, RecurrenceId, Succession};

/// How a task comes back, as sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurrenceInput {
    /// A RECUR value (RFC 5545 §3.3.10) without `RRULE:`; kept as given. DTSTART is the task's due date.
    pub rrule: String,
    /// What the next occurrence is counted from.
    #[serde(default)]
    pub anchor: Anchor,
}

/// What the next occurrence is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anchor {
    /// The calendar: the rule's next date after the last occurrence's own.
    #[default]
    Due,
    /// The work: the rule starts anew on the day the last occurrence was completed.
    Completion,
}

/// A recurrence, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    input: RecurrenceInput,
    rule: Rule,
}

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

/// Most occurrences of one series while the clocks are set back: two hours of minutes. An occurrence is named by its wall
/// time, so that in the hour that happens twice a task comes back on the first pass only.
const MAX_FOLD: usize = 120;

const RRULE: &str = "/recurrence/rrule";

impl Series {
    /// Checks a recurrence that starts at `due`.
    pub(crate) fn parse(input: &RecurrenceInput, due: &Due) -> Result<Self, Invalid> {
        let rule = Rule::parse(&input.rrule).map_err(|error| Invalid::at(RRULE, error.to_string()))?;
        if rule.frequency() == Frequency::Secondly {
            return Err(Invalid::at(RRULE, "FREQ=SECONDLY: a task comes back at most once a minute"));
        }
        if matches!(due, Due::Date(_)) && rule.frequency() < Frequency::Daily {
            return Err(Invalid::at(
                RRULE,
                "a whole day comes back at most once a day: give the due date a time",
            ));
        }
        let series = Self { input: input.clone(), rule };
        series.first(due)?;
        Ok(series)
    }

    /// Takes a recurrence back from the store, where it is as it was checked.
    pub(crate) fn from_stored(input: &RecurrenceInput) -> Result<Self, Invalid> {
        let rule = Rule::parse(&input.rrule).map_err(|error| Invalid::at(RRULE, error.to_string()))?;
        Ok(Self { input: input.clone(), rule })
    }

    /// The recurrence as sent.
    pub fn input(&self) -> &RecurrenceInput {
        &self.input
    }

    /// The first occurrence of the series that starts at `due`. DTSTART itself is one only if the rule says so.
    pub(crate) fn first(&self, due: &Due) -> Result<Due, Invalid> {
        let first = expand(due, self.rule.clone())?.first();
        match first {
            Ok(Some(occurrence)) => Ok(due.moved_to(occurrence.local)),
            Ok(None) => Err(Invalid::at(RRULE, "has no occurrence")),
            Err(exhausted) => Err(Invalid::at(RRULE, exhausted.to_string())),
        }
    }

    /// The first occurrence that is later than the one named.
    pub(crate) fn first_after(&self, due: &Due, last: &RecurrenceId) -> Result<Due, Invalid> {
        let after = nominal(last)?;
        next(due, self.rule.clone(), after)?
            .ok_or_else(|| Invalid::at(RRULE, format!("has no occurrence after {last}")))
    }

    /// The successor of a closed occurrence, or `None` where the series ends with it.
    fn successor(&self, due: &Due, closed: &Occurrence, home: &Zone) -> Result<Option<Due>, Invalid> {
        let after = nominal(&closed.recurrence_id)?;
        match (self.input.anchor, closed.completed_at) {
            (Anchor::Completion, Some(completed_at)) => {
                if self.rule.count().is_some_and(|count| closed.ordinal >= i64::from(count)) {
                    return Ok(None);
                }
                let done = due.zone(home).local(completed_at.to_utc());
                let start = restart(due, done, self.rule.frequency());
                next(&due.moved_to(start), self.rule.without_count(), after.max(start))
            }
            _ => next(due, self.rule.clone(), after),
        }
    }
}

/// DTSTART of a series that starts anew when its last occurrence was completed: on that day, at the series' own time
/// of day; rules of hours and minutes start at the minute itself.
fn restart(due: &Due, done: NaiveDateTime, frequency: Frequency) -> NaiveDateTime {
    let time = match due {
        Due::Date(_) => NaiveTime::MIN,
        _ if frequency < Frequency::Daily => {
            return done.date().and_hms_opt(hour(done), minute(done), 0).unwrap_or(done);
        }
        _ => due.wall().time(),
    };
    done.date().and_time(time)
}

fn hour(at: NaiveDateTime) -> u32 {
    chrono::Timelike::hour(&at)
}

fn minute(at: NaiveDateTime) -> u32 {
    chrono::Timelike::minute(&at)
}

fn expand(due: &Due, rule: Rule) -> Result<RuleSet, Invalid> {
    RuleSet::new(due.start(), Some(rule), Vec::new(), Vec::new())
        .map_err(|error| Invalid::at(RRULE, error.to_string()))
}

fn next(due: &Due, rule: Rule, after: NaiveDateTime) -> Result<Option<Due>, Invalid> {
    let set = expand(due, rule)?;
    let mut after = Moment::Local(after);
    for _ in 0..MAX_FOLD {
        let found = set.next_after(&after).map_err(|exhausted| Invalid::at(RRULE, exhausted.to_string()))?;
        match found {
            Some(second_pass) if second_pass.fold => after = second_pass.moment(),
            found => return Ok(found.map(|occurrence| due.moved_to(occurrence.local))),
        }
    }
    Err(Invalid::at(RRULE, "comes back too often while the clocks are set back"))
}

fn nominal(id: &RecurrenceId) -> Result<NaiveDateTime, Invalid> {
    match parse_local(id.nominal()) {
        Ok(Local::Date(date)) => Ok(date.and_time(NaiveTime::MIN)),
        Ok(Local::DateTime(at)) => Ok(at),
        Err(why) => Err(Invalid::at("/recurrence_id", why)),
    }
}

/// Plans what follows a closed occurrence: the next one with its alarms, or the end of the series.
pub fn plan_successor(
    ctx: &mut Context<'_>,
    task: &Task,
    closed: &Occurrence,
) -> Result<(Commit, Option<Occurrence>), SuccessionError> {
    let (Some(series), Some(due), Succession::Pending) =
        (&task.spec.series, &task.spec.due, closed.succession)
    else {
        return Err(SuccessionError::NotOwed(closed.recurrence_id.clone()));
    };
    let successor = series.successor(due, closed, &ctx.zone)?;

    let subject = task.id.to_string();
    let mut commit = ctx.commit("series.plan", &subject);
    commit.expect.tasks.push(ExpectTask { id: task.id, version: task.version });
    commit.expect.occurrences.push(ExpectOccurrence {
        task_id: task.id,
        recurrence_id: closed.recurrence_id.clone(),
        status: closed.status,
        succession: closed.succession,
    });
    let mut next = task.next(ctx.now);
    let succession = if successor.is_some() { Succession::Planned } else { Succession::Ended };
    commit.occurrences.push((&Occurrence { succession, ..closed.clone() }).into());
    let opened = successor.map(|due| {
        let (id, ordinal) = (RecurrenceId::of(&due), closed.ordinal.saturating_add(1));
        crate::task::open(ctx, task.id, id, Some(due), Some(closed.recurrence_id.clone()), ordinal)
    });
    match &opened {
        Some(occurrence) => {
            commit.opened.push(occurrence.into());
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
        None => {
            next.status = TaskStatus::Done;
            next.completed_at = closed.completed_at;
            let data = json!({ "last": closed.recurrence_id });
            commit.events.push(ctx.event(EventType::SeriesEnded, &subject, data));
        }
    }
    commit.tasks.push((&next).into());
    Ok((commit, opened))
}
