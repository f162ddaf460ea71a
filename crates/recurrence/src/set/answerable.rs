//! Whether a series can be asked about any point within the budget.
//!
//! The engine jumps: a question costs some 130 000 steps at most, an empty search from the year 1 to the year 9999, and
//! finding where COUNT ends not much more. Three kinds of rules are left that it has to walk, period by period or
//! occurrence by occurrence, as far as it is asked about; those are answerable if the whole walk is affordable.

use super::stream::Stream;
use super::{Expansion, Moment, RuleSet};
use crate::engine::Counted;
use crate::limits::{Exhausted, MAX_STEPS, MAX_YEAR, Steps};
use chrono::NaiveDate;

/// Why a series cannot be asked about any point: what is far from its start would cost more than [`MAX_STEPS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unanswerable {
    /// HOURLY with BYMINUTE or BYSECOND, or MINUTELY with BYSECOND, and BYSETPOS, in a zone whose offset changes by a
    /// part of an hour (or minute) after the start.
    #[error(
        "BYSETPOS chooses from hours or minutes that the zone's clock does not keep whole, so every one would have to \
         be looked at: leave out BYSETPOS, end the rule sooner, or use a zone that changes by whole hours"
    )]
    Straddles,
    /// COUNT, where one occurrence after the other has to be counted: BYSETPOS beside SKIP=FORWARD.
    #[error(
        "COUNT is too large for a rule with BYSETPOS and SKIP=FORWARD, whose occurrences have to be counted one by one: \
         use UNTIL, or a smaller COUNT"
    )]
    Counting,
    /// A question was asked as a trial and had no answer.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
}

/// What the walk of a whole series may cost: half of a question's steps, so that one that turns back has enough.
const WALK: u32 = MAX_STEPS / 2;

impl RuleSet {
    /// Whether [`RuleSet::first`], [`RuleSet::next_after`], [`RuleSet::previous`], [`RuleSet::contains`],
    /// [`RuleSet::between`] and [`RuleSet::expand`] will be answered about any point, however far from the start: to be
    /// called when a series is made, so that none is kept that cannot be planned.
    ///
    /// Costs a few dozen steps for ordinary rules, three times [`MAX_STEPS`] at most.
    ///
    /// # Errors
    /// [`Unanswerable`], with what to change.
    pub fn check_answerable(&self) -> Result<(), Unanswerable> {
        let (straddles, dense) = match &self.plan {
            Expansion::Elapsed(plan) => (plan.straddles(&self.clock), plan.is_dense()),
            _ => (false, true),
        };
        let one_by_one = self.counted(&mut Steps::new(MAX_STEPS))? == Counted::OneByOne;
        if (one_by_one || straddles && !dense) && self.walk().is_err() {
            return Err(if straddles { Unanswerable::Straddles } else { Unanswerable::Counting });
        }
        self.first()?;
        let end = NaiveDate::from_ymd_opt(MAX_YEAR, 12, 31).unwrap_or(NaiveDate::MAX);
        self.previous(&Moment::Date(end))?;
        Ok(())
    }

    /// Walks through all occurrences.
    fn walk(&self) -> Result<(), Exhausted> {
        let steps = &mut Steps::new(WALK);
        let mut stream = Stream::new(self, i64::MIN, i64::MAX, steps)?;
        while stream.next(steps)?.is_some() {}
        Ok(())
    }
}
