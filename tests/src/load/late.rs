//! How late something was.

use std::fmt;

use chrono::TimeDelta;

/// Delays, in milliseconds.
#[derive(Debug, Default)]
pub struct Late(Vec<i64>);

impl Late {
    /// Adds one.
    pub fn add(&mut self, late: TimeDelta) {
        self.0.push(late.num_milliseconds());
    }

    /// The longest.
    pub fn longest(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.0.iter().copied().max().unwrap_or_default())
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |share: usize| sorted.get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1)));
        let [median, tail, longest] = [50, 99, 100].map(|share| at(share).copied().unwrap_or_default());
        write!(f, "{} of them, p50 {median} ms, p99 {tail} ms, {longest} ms at most", sorted.len())
    }
}
