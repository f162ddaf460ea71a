//! What a run came to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use perennial_tests::load::{Findings, KINDS, Late, Worker};

use crate::doors::Doors;
use crate::fault::Kind;

/// The figures of a run.
#[derive(Debug, Default)]
pub struct Figures {
    /// How many faults there were of each kind.
    pub faults: BTreeMap<Kind, usize>,
    /// How many writes of each kind were acknowledged.
    pub acknowledged: [usize; KINDS.len()],
    /// Requests answered, refused for now (503), not answered, and failed.
    pub requests: [usize; 4],
    /// How long it was written.
    pub written: Duration,
    /// From the last fault and the last write until nothing was left to do.
    pub drained: Duration,
    /// Events that were told.
    pub events: usize,
    /// Reminders that came, and how often they were sent.
    pub webhooks: [usize; 2],
    /// Reminders that were acknowledged when their time had passed.
    pub set_late: usize,
    /// From the time of a reminder to its coming.
    pub reminders: Late,
    /// From a completion to what follows it.
    pub successors: Late,
    /// What is not as it must be.
    pub found: Findings,
}

impl Figures {
    /// Counts what was written, and how that went.
    pub fn count(&mut self, workers: &[Worker], doors: &Doors<'_>) {
        for worker in workers {
            for (sum, count) in self.acknowledged.iter_mut().zip(worker.ledger.acknowledged) {
                *sum += count;
            }
        }
        self.requests = doors.counts();
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<String> =
            self.faults.iter().map(|(kind, count)| format!("{kind:?} {count}")).collect();
        writeln!(f, "faults: {} ({})", self.faults.values().sum::<usize>(), kinds.join(", "))?;
        let writes: usize = self.acknowledged.iter().sum();
        let kinds: Vec<String> =
            KINDS.iter().zip(self.acknowledged).map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(
            f,
            "writes acknowledged: {writes} ({}) in {:.1} s",
            kinds.join(", "),
            self.written.as_secs_f64()
        )?;
        let [lost, doubled, stuck, early] = self.found.counts();
        writeln!(f, "lost: {lost}, doubled: {doubled}, stuck: {stuck}, early: {early}")?;
        let [answered, refused, unanswered, failed] = self.requests;
        writeln!(
            f,
            "requests: {answered} answered; sent again: {refused} refused (503), {unanswered} unanswered, {failed} failed"
        )?;
        writeln!(f, "drained after {:.1} s", self.drained.as_secs_f64())?;
        let [came, sent] = self.webhooks;
        writeln!(
            f,
            "events: {} in gapless streams; reminders: {came} in {sent} webhooks, {} set too late",
            self.events, self.set_late
        )?;
        writeln!(f, "late: reminders, {}", self.reminders)?;
        write!(f, "late: successors, {}", self.successors)
    }
}
