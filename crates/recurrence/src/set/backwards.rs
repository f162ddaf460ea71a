//! The way back: rules are walked forwards only, so that what comes before a moment is closed in on.

use super::stream::Stream;
use super::{Moment, Occurrence, RuleSet};
use crate::calendar::DAY;
use crate::engine::{Counted, Hit};
use crate::limits::{Exhausted, MAX_STEPS, Steps};

impl RuleSet {
    /// The last occurrence strictly earlier than a moment.
    ///
    /// # Errors
    /// [`Exhausted`], see [`RuleSet::first`].
    pub fn previous(&self, before: &Moment) -> Result<Option<Occurrence>, Exhausted> {
        self.last_before(before, &mut Steps::new(MAX_STEPS))
    }

    pub(super) fn last_before(
        &self,
        before: &Moment,
        steps: &mut Steps,
    ) -> Result<Option<Occurrence>, Exhausted> {
        let end = self.ceiling(before);
        let added =
            self.rdate.iter().rev().find(|hit| hit.at < end && self.exdate.binary_search(&hit.at).is_err());
        // Nothing of the rule is later than its UNTIL, wherever in the world that is said.
        let last = self.until.min(self.until_local.saturating_add(DAY)).saturating_add(DAY);
        let found = self.last_of_rule(end.min(last), steps)?;
        Ok(added.copied().max(found).map(|hit| self.occurrence(hit)))
    }

    /// The last occurrence before `end`, RDATE values included where they come upon it.
    fn last_of_rule(&self, end: i64, steps: &mut Steps) -> Result<Option<Hit>, Exhausted> {
        if self.counted(steps)? == Counted::OneByOne {
            let mut stream = Stream::new(self, i64::MIN, end, steps)?;
            let mut last = None;
            while let Some(hit) = stream.next(steps)? {
                last = Some(hit);
            }
            return Ok(last);
        }
        let (mut to, mut window) = (end, 64_i64);
        // Backwards in windows that double, then the one with an occurrence is halved: the way back is walked at most
        // twice, however sparse or dense the rule.
        loop {
            let from = end.saturating_sub(window).max(self.earliest());
            if from >= to {
                return Ok(None);
            }
            if let Some(found) = self.first_within(from, to, steps)? {
                return self.last_within(found, to, steps).map(Some);
            }
            (to, window) = (from, window.saturating_mul(2));
        }
    }

    /// The last occurrence before `to`, given an earlier one.
    fn last_within(&self, found: Hit, to: i64, steps: &mut Steps) -> Result<Hit, Exhausted> {
        let (mut last, mut to) = (found, to);
        loop {
            let middle = last.at.saturating_add(to.saturating_sub(last.at).saturating_add(1) / 2);
            if middle >= to {
                return Ok(last);
            }
            match self.first_within(middle, to, steps)? {
                Some(hit) => last = hit,
                None => to = middle,
            }
        }
    }
}
