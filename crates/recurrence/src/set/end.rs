//! COUNT as an end: the instant of the last occurrence it admits, so that a rule that has it can be entered anywhere.

use super::{Expansion, RuleSet};
use crate::engine::Counted;
use crate::limits::{Exhausted, MAX_STEPS, Steps};

/// The answer and its price, which every question that needs it pays: what a question costs does not depend on
/// what was asked before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolved {
    end: Result<Counted, Exhausted>,
    steps: u32,
}

impl RuleSet {
    /// Where COUNT ends the rule.
    pub(super) fn counted(&self, steps: &mut Steps) -> Result<Counted, Exhausted> {
        if self.left == u32::MAX {
            return Ok(Counted::Never);
        }
        let resolved = self.counted.get_or_init(|| {
            let mut steps = Steps::new(MAX_STEPS);
            let end = match &self.plan {
                Expansion::Start(_) => Ok(Counted::Never),
                Expansion::Nominal(plan) => plan.last(self.clock, self.left, &mut steps),
                Expansion::Elapsed(plan) => plan.last(self.clock, self.left, &mut steps),
            };
            Resolved { end, steps: steps.taken() }
        });
        steps.take_counting(resolved.steps)?;
        resolved.end
    }
}
