//! The dates of a series that may be given to an occurrence.

use std::collections::HashSet;

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use perennial_recurrence::{Exhausted, Moment, RuleSet};

use super::{MAX_FOLD, RRULE, next_after};
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
        let cancelled = state.overrides.iter().filter(|change| change.cancelled);
        let named = state.named.iter().filter(|named| !named.given_up);
        let mut taken: HashSet<_> = named.map(|named| &named.recurrence_id).collect();
        if replans {
            for open in state.open.iter().filter(|open| !state.is_within(open)) {
                taken.remove(&open.recurrence_id);
            }
        }
        taken.extend(cancelled.map(|change| &change.recurrence_id));
        Self { set, due, taken }
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

    /// The last free date that is not after `now` and later than `first`.
    pub(super) fn latest(&self, now: Moment, first: &Due) -> Result<Option<Due>, Invalid> {
        let mut before = just_after(now);
        for _ in 0..=self.taken.len().saturating_add(MAX_FOLD) {
            let Some(found) = self.set.previous(&before).map_err(exhausted)? else { return Ok(None) };
            let date = self.due.moved_to(found.local);
            if date.wall() <= first.wall() {
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
