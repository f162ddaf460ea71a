//! The occurrences of a set in order, from some point on.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "places in lists of bounded length; instants up to year 10 000"
)]

use super::RuleSet;
use crate::calendar::DAY;
use crate::engine::{Counted, Elapsed, Hit, Mapped, Nominal};
use crate::limits::{Exhausted, Steps};

/// Where the rule's own occurrences come from.
#[derive(Clone, Debug)]
enum Source<'a> {
    /// No rule: the start alone.
    Start(Option<Hit>),
    Nominal(Box<Mapped<'a>>),
    Elapsed(Box<Elapsed<'a>>),
}

#[derive(Clone, Debug)]
pub(super) struct Stream<'a> {
    set: &'a RuleSet,
    source: Source<'a>,
    /// COUNT still to come, where occurrences are counted one by one.
    left: u32,
    /// Nothing before this and nothing after that is given.
    from: i64,
    until: i64,
    to: i64,
    rule: Option<Hit>,
    /// The place of the next RDATE.
    extra: usize,
}

impl<'a> Stream<'a> {
    /// The occurrences from `from` on and before `to`.
    pub(super) fn new(
        set: &'a RuleSet,
        from: i64,
        to: i64,
        steps: &mut Steps,
    ) -> Result<Stream<'a>, Exhausted> {
        let mut until = set.until.min(to.saturating_sub(1));
        let (mut enter, mut left) = (from, set.left);
        // From the start on, COUNT is counted on the way. Elsewhere its last occurrence has to be known.
        if set.left < u32::MAX && from > i64::MIN {
            left = u32::MAX;
            match set.counted(steps)? {
                Counted::Last(last) => until = until.min(last),
                Counted::Never => {}
                Counted::OneByOne => (enter, left) = (i64::MIN, set.left),
            }
        }
        let mut clock = set.clock;
        let source = match &set.plan {
            super::Expansion::Start(hit) => Source::Start(Some(*hit)),
            super::Expansion::Nominal(plan) => {
                let local = if enter == i64::MIN { i64::MIN } else { clock.earliest_local(enter) };
                // No wall time is as much as two days ahead of UTC.
                let last = set.until_local.min(until.saturating_add(2 * DAY));
                Source::Nominal(Box::new(Mapped::new(Nominal::new(plan, local, last), clock)))
            }
            super::Expansion::Elapsed(plan) => {
                Source::Elapsed(Box::new(Elapsed::new(plan, clock, enter, until)))
            }
        };
        let extra = set.rdate.partition_point(|hit| hit.at < from);
        Ok(Stream { set, source, left, from, until, to, rule: None, extra })
    }

    /// The next occurrence that no EXDATE removes.
    pub(super) fn next(&mut self, steps: &mut Steps) -> Result<Option<Hit>, Exhausted> {
        loop {
            if self.rule.is_none() {
                self.rule = self.next_of_rule(steps)?;
            }
            let extra = self.set.rdate.get(self.extra).copied().filter(|hit| hit.at < self.to);
            let hit = match (self.rule, extra) {
                (Some(rule), Some(extra)) if extra.at < rule.at => {
                    self.extra += 1;
                    extra
                }
                (Some(rule), extra) => {
                    self.extra += usize::from(extra.is_some_and(|extra| extra.at == rule.at));
                    self.rule = None;
                    rule
                }
                (None, Some(extra)) => {
                    self.extra += 1;
                    extra
                }
                (None, None) => return Ok(None),
            };
            if self.set.exdate.binary_search(&hit.at).is_err() {
                return Ok(Some(hit));
            }
        }
    }

    fn next_of_rule(&mut self, steps: &mut Steps) -> Result<Option<Hit>, Exhausted> {
        while self.left > 0 {
            let hit = match &mut self.source {
                Source::Start(hit) => hit.take(),
                Source::Nominal(mapped) => mapped.next(steps)?,
                Source::Elapsed(elapsed) => elapsed.next(steps)?,
            };
            let Some(hit) = hit.filter(|hit| hit.at <= self.until) else {
                self.left = 0;
                break;
            };
            if self.left < u32::MAX {
                self.left -= 1;
            }
            if hit.at >= self.from {
                return Ok(Some(hit));
            }
        }
        Ok(None)
    }
}
