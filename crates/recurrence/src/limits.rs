//! What one rule may cost. Work is counted in steps and bytes, never in wall-clock time, so that the same input
//! gets the same answer on every machine.

/// Longest rule text in bytes. Every list RFC 5545 allows, written once in full, fits: the longest, BYYEARDAY
/// and BYSETPOS with 732 values each, are 3 400 bytes together with the rest of a rule that uses one of them.
pub const MAX_RULE_BYTES: usize = 4_096;

/// Most RDATE and most EXDATE values of one set. A weekly series with one exception a week takes 19 years to
/// get there; each value is compared by bisection, so the bound protects memory and parsing, not the search.
pub const MAX_EXTRA_DATES: usize = 1_000;

/// Steps one question may take: periods, months or stretches of one offset looked at, plus candidate times weighed. A
/// step is 5 to 700 ns natively, so the bound is some 0.1 s at worst. An ordinary question takes fewer than 50 steps; the
/// emptiest search goes through all months up to [`MAX_YEAR`], 96 000 from 1970 on, and as much again may be needed to
/// find where COUNT ends. What may need more is told by [`crate::RuleSet::check_answerable`].
pub const MAX_STEPS: u32 = 250_000;

/// Most bytes a rule and one question about it hold at a time, the listed occurrences not counted. The most any
/// rule can make us hold is the second-by-second times of a day that a zone skips whole (Apia, 30 December 2011):
/// 86 400 of 16 bytes each, in a queue that doubles as it grows.
pub const MAX_QUESTION_BYTES: usize = 4 * 1_024 * 1_024;

/// Most occurrences one answer may list.
pub const MAX_PAGE: usize = 10_000;

/// First year of a start: RFC 5545 dates have four digits, and year 0 is no civil year.
pub const MIN_YEAR: i32 = 1;

/// Last year searched: RFC 5545 §3.3.4 writes dates with four digits.
pub const MAX_YEAR: i32 = 9_999;

/// A question took more than a bound of this module allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {limit} {budget}: the rule is too sparse or too large to search")]
pub struct Exhausted {
    /// What was used up.
    pub budget: Budget,
    /// How much of it there was.
    pub limit: u32,
}

/// The kinds of work that are bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Budget {
    /// Periods looked at plus candidate times weighed: [`MAX_STEPS`].
    Steps,
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Budget::Steps => f.write_str("steps"),
        }
    }
}

/// The steps left to one question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    left: u32,
    limit: u32,
    /// Whether finding where COUNT ends is paid for; a question does so once.
    counted: bool,
}

impl Steps {
    pub(crate) fn new(limit: u32) -> Steps {
        Steps { left: limit, limit, counted: false }
    }

    /// Takes one step.
    pub(crate) fn take(&mut self) -> Result<(), Exhausted> {
        self.take_many(1)
    }

    /// Takes some steps at once.
    fn take_many(&mut self, steps: u32) -> Result<(), Exhausted> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Exhausted { budget: Budget::Steps, limit: self.limit }),
        }
    }

    /// Pays for finding where COUNT ends, unless this question has.
    pub(crate) fn take_counting(&mut self, steps: u32) -> Result<(), Exhausted> {
        let paid = std::mem::replace(&mut self.counted, true);
        if paid { Ok(()) } else { self.take_many(steps) }
    }

    /// Steps taken so far.
    pub(crate) fn taken(&self) -> u32 {
        self.limit.saturating_sub(self.left)
    }
}
