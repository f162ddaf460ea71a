//! The dates of a series that may be given to an occurrence.

use std::collections::HashSet;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use perennial_recurrence::{Exhausted, Moment, Occurrence, RuleSet};

use super::{MAX_FOLD, Override, RRULE, next_after};
use crate::{Due, Invalid, RecurrenceId, SeriesState};

/// The dates of a series, without the cancelled ones and those whose names others have.
pub(super) struct Dates<'a> {
    set: RuleSet,
    due: &'a Due,
    taken: HashSet<&'a RecurrenceId>,
}

impl<'a> Dates<'a> {
    /// The dates of `set`, which starts at `due`. Where the series has changed, its open occurrences are replaced and stand in
    /// nobody's way.
    pub(super) fn new(set: RuleSet, due: &'a Due, state: &'a SeriesState, replans: bool) -> Self {
        let named = state.named.iter().filter(|named| !named.given_up);
        let mut taken: HashSet<_> = named.map(|named| &named.recurrence_id).collect();
        if replans {
            for open in state.open.iter().filter(|open| !state.is_within(open)) {
                taken.remove(&open.recurrence_id);
            }
        }
        taken.extend(cancelled(&state.overrides));
        Self { set, due, taken }
    }

    /// The dates of `set`, which starts at `due`, after all those whose names others have.
    pub(super) fn to_come(set: RuleSet, due: &'a Due, overrides: &'a [Override]) -> Self {
        Self { set, due, taken: cancelled(overrides).collect() }
    }

    /// Where they start.
    pub(super) fn due(&self) -> &'a Due {
        self.due
    }

    /// All of them, free or not.
    pub(super) fn set(&self) -> &RuleSet {
        &self.set
    }

    /// The first free date after a moment, or the first of all. Each turn passes over one taken name, so that there are no more
    /// turns than names.
    pub(super) fn next(&self, mut after: Option<Moment>) -> Result<Option<Due>, Invalid> {
        for _ in 0..=self.taken.len() {
            let found = match after {
                Some(after) => next_after(&self.set, self.due, after)?,
                None => self.set.first().map_err(exhausted)?.map(|first| self.due.moved_to(first.local)),
            };
            match found {
                Some(next) if self.taken.contains(&RecurrenceId::of(&next)) => {
                    after = Some(Moment::Local(next.wall()));
                }
                found => return Ok(found),
            }
        }
        Err(Invalid::at(RRULE, "comes back to names that it has given out"))
    }

    /// The last free date that is not after `now` and later than `after`.
    pub(super) fn latest(&self, now: Moment, after: NaiveDateTime) -> Result<Option<Due>, Invalid> {
        self.latest_of(now, after, |before| self.set.previous(before)).map_err(exhausted)
    }

    /// The same, where `previous` tells the date before a moment.
    pub(super) fn latest_of(
        &self,
        now: Moment,
        after: NaiveDateTime,
        mut previous: impl FnMut(&Moment) -> Result<Option<Occurrence>, Exhausted>,
    ) -> Result<Option<Due>, Exhausted> {
        let mut before = just_after(now);
        for _ in 0..=self.taken.len().saturating_add(MAX_FOLD) {
            let Some(found) = previous(&before)? else { return Ok(None) };
            let date = self.due.moved_to(found.local);
            if date.wall() <= after {
                return Ok(None);
            }
            if !found.fold && !self.taken.contains(&RecurrenceId::of(&date)) {
                return Ok(Some(date));
            }
            before = found.moment();
        }
        Ok(None)
    }

    /// Whether the series has one date on a day, and not several.
    pub(super) fn is_alone_on(&self, day: NaiveDate) -> Result<bool, Invalid> {
        let midnight = |day: NaiveDate| Moment::Local(day.and_time(NaiveTime::MIN));
        let Some(tomorrow) = day.checked_add_days(Days::new(1)) else { return Ok(true) };
        let page = self.set.between(&midnight(day), &midnight(tomorrow), 2).map_err(exhausted)?;
        Ok(page.occurrences.len() == 1)
    }
}

/// The names of the occurrences that are cancelled.
fn cancelled(overrides: &[Override]) -> impl Iterator<Item = &RecurrenceId> {
    overrides.iter().filter(|change| change.cancelled).map(|change| &change.recurrence_id)
}

pub(super) fn exhausted(error: Exhausted) -> Invalid {
    Invalid::at(RRULE, error.to_string())
}

/// A moment later, to ask for what is not after this one.
fn just_after(moment: Moment) -> Moment {
    let tick = TimeDelta::milliseconds(1);
    match moment {
        Moment::Local(at) => Moment::Local(at.checked_add_signed(tick).unwrap_or(at)),
        Moment::Instant(at) => Moment::Instant(at.checked_add_signed(tick).unwrap_or(at)),
        date @ Moment::Date(_) => date,
    }
}
