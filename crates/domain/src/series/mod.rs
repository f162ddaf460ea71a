//! Series: tasks that come back.

mod coming;
mod dates;
mod input;
mod overrides;
mod plan;
mod project;
mod split;
mod stack;
mod successor;
mod zones;

use chrono::{NaiveDateTime, NaiveTime};
use perennial_recurrence::{Frequency, Moment, Rule, RuleSet};

pub use input::{Anchor, Misfire, Overlap, RecurrenceInput};
pub use overrides::{Override, OverrideInput, Skipping, override_occurrence, skip};
pub use plan::{Plan, SuccessionError, plan_successor};
pub use project::{Bound, MAX_SPAN_STEPS, Projected, Projection, project};
pub use split::split_series;
pub use zones::refresh_zone;

pub(crate) use overrides::MAX_OVERRIDES;
pub(crate) use stack::{MAX_STACK, make_room, stack_anew, stacks};
pub(crate) use successor::Search;

use crate::due::{Local, parse_local};
use crate::preview::rule_set;
use crate::{Due, Invalid, RecurrenceId};

/// Where errors of the rule point.
pub(crate) const RRULE: &str = "/recurrence/rrule";

/// Most occurrences of one series in the hours when the clocks are set back: two hours of minutes. An occurrence is named
/// by its wall time, so that in an hour that happens twice a task comes back on the first pass only.
const MAX_FOLD: usize = 120;

/// A recurrence, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    input: RecurrenceInput,
    rule: Rule,
}

impl Series {
    /// Checks a recurrence that starts at `due`.
    pub(crate) fn parse(input: &RecurrenceInput, due: &Due) -> Result<Self, Invalid> {
        let series = Self::from_stored(input)?;
        if series.rule.frequency() == Frequency::Secondly {
            return Err(Invalid::at(RRULE, "FREQ=SECONDLY: a task comes back at most once a minute"));
        }
        series.first(due)?;
        // What is kept can be planned, from whatever point on it will be asked.
        let answerable = series.set(due)?.check_answerable();
        answerable.map_err(|why| Invalid::at(RRULE, why.to_string()))?;
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

    /// All nominal dates of the series that starts at `due`.
    fn set(&self, due: &Due) -> Result<RuleSet, Invalid> {
        rule_set(due, self.rule.clone(), &self.input.rdate, &self.input.exdate, "/recurrence")
    }

    /// The first occurrence of the series that starts at `due`. DTSTART itself is one only if the rule says so.
    pub(crate) fn first(&self, due: &Due) -> Result<Due, Invalid> {
        match self.set(due)?.first() {
            Ok(Some(occurrence)) => Ok(due.moved_to(occurrence.local)),
            Ok(None) => Err(Invalid::at(RRULE, "has no occurrence")),
            Err(exhausted) => Err(Invalid::at(RRULE, exhausted.to_string())),
        }
    }

    /// Whether the series that starts at `due` nominally has this occurrence.
    pub(crate) fn has(&self, due: &Due, id: &RecurrenceId) -> Result<bool, Invalid> {
        let at = nominal(id)?;
        if *id != RecurrenceId::of(&due.moved_to(at)) {
            return Ok(false);
        }
        self.set(due)?
            .contains(&Moment::Local(at))
            .map_err(|exhausted| Invalid::at(RRULE, exhausted.to_string()))
    }
}

/// The next nominal date of a set after a moment.
pub(crate) fn next_after(set: &RuleSet, due: &Due, mut after: Moment) -> Result<Option<Due>, Invalid> {
    for _ in 0..MAX_FOLD {
        let found = set.next_after(&after).map_err(|exhausted| Invalid::at(RRULE, exhausted.to_string()))?;
        match found {
            Some(second_pass) if second_pass.fold => after = second_pass.moment(),
            found => return Ok(found.map(|occurrence| due.moved_to(occurrence.local))),
        }
    }
    Err(Invalid::at(RRULE, "comes back too often while the clocks are set back"))
}

/// The nominal wall time that a recurrence id names.
fn nominal(id: &RecurrenceId) -> Result<NaiveDateTime, Invalid> {
    match parse_local(id.nominal()) {
        Ok(Local::Date(date)) => Ok(date.and_time(NaiveTime::MIN)),
        Ok(Local::DateTime(at)) => Ok(at),
        Err(why) => Err(Invalid::at("/recurrence_id", why)),
    }
}
