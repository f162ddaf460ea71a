//! Several questions to a set, with one budget for all of them.

use super::stream::Stream;
use super::{Moment, Occurrence, RuleSet};
use crate::limits::{Exhausted, Steps};

/// Questions that share their steps: what one takes, the others no longer have. Finding where COUNT ends is paid for once.
#[derive(Debug)]
pub struct Questions<'a> {
    set: &'a RuleSet,
    steps: Steps,
}

impl RuleSet {
    /// Questions that take so many steps together, and one each at least.
    pub fn questions(&self, steps: u32) -> Questions<'_> {
        Questions { set: self, steps: Steps::new(steps) }
    }
}

impl Questions<'_> {
    /// Whether an occurrence happens at a moment.
    ///
    /// # Errors
    /// [`Exhausted`] if it takes more steps than are left; so for every question here.
    pub fn contains(&mut self, moment: &Moment) -> Result<bool, Exhausted> {
        self.steps.take()?;
        self.set.happens(moment, &mut self.steps)
    }

    /// The last occurrence strictly earlier than a moment.
    ///
    /// # Errors
    /// [`Exhausted`], see [`Questions::contains`].
    pub fn previous(&mut self, before: &Moment) -> Result<Option<Occurrence>, Exhausted> {
        self.steps.take()?;
        self.set.last_before(before, &mut self.steps)
    }

    /// Hands over the occurrences from `from` on and before `to`, one after the other, as long as `goes_on` says so of each; true
    /// if there are no more.
    ///
    /// # Errors
    /// [`Exhausted`], see [`Questions::contains`]: those before have been handed over.
    pub fn each(
        &mut self,
        from: &Moment,
        to: &Moment,
        mut goes_on: impl FnMut(&Occurrence) -> bool,
    ) -> Result<bool, Exhausted> {
        self.steps.take()?;
        let mut stream =
            Stream::new(self.set, self.set.ceiling(from), self.set.ceiling(to), &mut self.steps)?;
        while let Some(hit) = stream.next(&mut self.steps)? {
            if !goes_on(&self.set.occurrence(hit)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u32 {
        self.steps.taken()
    }
}
