//! What a run came to, in figures.

use std::time::Duration;

use perennial_tests::load::{KINDS, Worker};
use perennial_tests::{Database, Receiver};

/// Counted while the run goes on.
#[derive(Debug, Default)]
pub struct Figures {
    /// From the restart to the first request that is served.
    pub ready_after: Vec<Duration>,
    /// Kills before the service was ready.
    pub killed_while_starting: usize,
}

impl Figures {
    /// Prints one line a figure.
    pub fn print(mut self, workers: &[Worker], database: &Database, receiver: &Receiver) {
        self.ready_after.sort_unstable();
        let count = |table: &str| database.number(&format!("SELECT count(*) FROM {table}"), []);
        println!("kills: {}, and {} while starting", self.ready_after.len(), self.killed_while_starting);
        for (kind, name) in KINDS.iter().enumerate() {
            let acknowledged: usize = workers.iter().map(|worker| worker.ledger.acknowledged[kind]).sum();
            println!("acknowledged: {acknowledged} {name}; none lost");
        }
        println!(
            "rows: {} occurrences, {} events in gapless streams",
            count("occurrence"),
            database.events()
        );
        println!("notifications: {}, in {} webhooks", count("notification_v2"), receiver.deliveries().len());
        if let (Some(median), Some(longest)) =
            (self.ready_after.get(self.ready_after.len() / 2), self.ready_after.last())
        {
            println!("ready again after {median:?} (median), {longest:?} (longest)");
        }
    }
}
