//! Questions to a set.

use super::stream::Stream;
use super::{Moment, Occurrence, Page, RuleSet, Start};
use crate::calendar::{DAY, midnight, naive, seconds};
use crate::engine::Hit;
use crate::limits::{Exhausted, MAX_PAGE, MAX_STEPS, Steps};
use chrono::{DateTime, NaiveDateTime, Timelike};

impl RuleSet {
    /// The first occurrence.
    ///
    /// # Errors
    /// [`Exhausted`] if the search takes more than [`MAX_STEPS`]; so for every question here.
    pub fn first(&self) -> Result<Option<Occurrence>, Exhausted> {
        self.at_or_after(i64::MIN)
    }

    /// The first occurrence strictly later than a moment.
    ///
    /// # Errors
    /// [`Exhausted`], see [`RuleSet::first`].
    pub fn next_after(&self, after: &Moment) -> Result<Option<Occurrence>, Exhausted> {
        self.at_or_after(self.floor(after).saturating_add(1))
    }

    pub(super) fn first_within(
        &self,
        from: i64,
        to: i64,
        steps: &mut Steps,
    ) -> Result<Option<Hit>, Exhausted> {
        Stream::new(self, from, to, steps)?.next(steps)
    }

    /// Whether an occurrence happens at a moment.
    ///
    /// # Errors
    /// [`Exhausted`], see [`RuleSet::first`].
    pub fn contains(&self, moment: &Moment) -> Result<bool, Exhausted> {
        self.happens(moment, &mut Steps::new(MAX_STEPS))
    }

    pub(super) fn happens(&self, moment: &Moment, steps: &mut Steps) -> Result<bool, Exhausted> {
        let at = self.floor(moment);
        let hit = if at == self.ceiling(moment) {
            self.first_within(at, at.saturating_add(1), steps)?
        } else {
            None
        };
        Ok(hit.is_some())
    }

    /// The occurrences from `from` on and before `to`, at most `limit` (and [`MAX_PAGE`]) of them.
    ///
    /// # Errors
    /// [`Exhausted`], see [`RuleSet::first`].
    pub fn between(&self, from: &Moment, to: &Moment, limit: usize) -> Result<Page, Exhausted> {
        self.page(self.ceiling(from), self.ceiling(to), limit)
    }

    /// The first `limit` occurrences (at most [`MAX_PAGE`]), or those strictly later than a moment.
    ///
    /// # Errors
    /// [`Exhausted`], see [`RuleSet::first`].
    pub fn expand(&self, after: Option<&Moment>, limit: usize) -> Result<Page, Exhausted> {
        let from = after.map_or(i64::MIN, |after| self.floor(after).saturating_add(1));
        self.page(from, i64::MAX, limit)
    }

    /// How many occurrences there are; `None` if the rule has neither COUNT nor UNTIL.
    ///
    /// # Errors
    /// [`Exhausted`], see [`RuleSet::first`].
    pub fn count(&self) -> Result<Option<u64>, Exhausted> {
        if self.rule.as_ref().is_some_and(|rule| !rule.is_finite()) {
            return Ok(None);
        }
        let steps = &mut Steps::new(MAX_STEPS);
        let mut stream = Stream::new(self, i64::MIN, i64::MAX, steps)?;
        let mut count = 0_u64;
        while stream.next(steps)?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(Some(count))
    }

    fn at_or_after(&self, from: i64) -> Result<Option<Occurrence>, Exhausted> {
        let hit = self.first_within(from, i64::MAX, &mut Steps::new(MAX_STEPS))?;
        Ok(hit.map(|hit| self.occurrence(hit)))
    }

    fn page(&self, from: i64, to: i64, limit: usize) -> Result<Page, Exhausted> {
        let limit = limit.min(MAX_PAGE);
        let steps = &mut Steps::new(MAX_STEPS);
        let mut stream = Stream::new(self, from, to, steps)?;
        let mut occurrences = Vec::with_capacity(limit.min(64));
        loop {
            let next = stream.next(steps);
            if occurrences.len() >= limit {
                // The page is full; whether more follows may cost more than there is, and then it is not known.
                let complete = matches!(next, Ok(None));
                return Ok(Page { occurrences, complete, steps: steps.taken() });
            }
            match next? {
                Some(hit) => occurrences.push(self.occurrence(hit)),
                None => return Ok(Page { occurrences, complete: true, steps: steps.taken() }),
            }
        }
    }

    pub(super) fn occurrence(&self, hit: Hit) -> Occurrence {
        let zoned = matches!(self.start, Start::Zoned(..));
        let instant = if zoned { DateTime::from_timestamp(hit.at, 0) } else { None };
        Occurrence { local: naive(hit.local), instant, fold: hit.fold }
    }

    /// No occurrence is earlier than this: a start in a gap moves behind times that follow it by name.
    pub(super) fn earliest(&self) -> i64 {
        let (wall, mut clock) = (self.start_local(), self.clock);
        let start = clock.instant(seconds(wall)).saturating_sub(DAY);
        self.rdate.first().map_or(start, |hit| hit.at.min(start))
    }

    /// The moment in whole seconds of the set's order, rounded down.
    fn floor(&self, moment: &Moment) -> i64 {
        let mut clock = self.clock;
        match *moment {
            Moment::Date(date) => clock.instant(midnight(date)),
            Moment::Local(local) => clock.instant(seconds(local)),
            Moment::Instant(at) => at.timestamp(),
        }
    }

    /// The same, rounded up.
    pub(super) fn ceiling(&self, moment: &Moment) -> i64 {
        let fraction = match *moment {
            Moment::Date(_) => 0,
            Moment::Local(local) => local.nanosecond(),
            Moment::Instant(at) => at.timestamp_subsec_nanos(),
        };
        self.floor(moment).saturating_add(i64::from(fraction > 0))
    }

    pub(crate) fn start_local(&self) -> NaiveDateTime {
        match self.start {
            Start::Date(date) => date.into(),
            Start::Floating(local) | Start::Zoned(local, _) => local,
        }
    }
}
