//! How long a guest has computed.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts the time for which a guest runs. What it waits for runs elsewhere, and is not counted.
#[derive(Debug)]
pub(crate) struct Meter {
    begun: Instant,
    /// What earlier runs have taken, in nanoseconds.
    spent: AtomicU64,
    /// Since when it runs, in nanoseconds from the beginning; `WAITS` while it does not.
    since: AtomicU64,
}

const WAITS: u64 = u64::MAX;

impl Meter {
    pub fn new() -> Self {
        Self { begun: Instant::now(), spent: AtomicU64::new(0), since: AtomicU64::new(WAITS) }
    }

    /// What it has taken until now.
    pub fn spent(&self) -> Duration {
        let since = self.since.load(Ordering::Relaxed);
        let now = if since == WAITS { 0 } else { self.elapsed().saturating_sub(since) };
        Duration::from_nanos(self.spent.load(Ordering::Relaxed).saturating_add(now))
    }

    /// Counts for how long this runs.
    pub async fn run<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        poll_fn(|context| {
            let since = self.elapsed();
            self.since.store(since, Ordering::Relaxed);
            let polled = call.as_mut().poll(context);
            self.since.store(WAITS, Ordering::Relaxed);
            self.spent.fetch_add(self.elapsed().saturating_sub(since), Ordering::Relaxed);
            polled
        })
        .await
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(WAITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_is_not_computing() {
        let meter = Meter::new();
        let work = async {
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_millis(15)).await;
            }
            let waited = meter.spent();
            // What computes is counted while it does.
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(300) {
                std::hint::spin_loop();
            }
            (waited, meter.spent())
        };
        let (waited, all) = meter.run(work).await;
        assert!(waited < Duration::from_millis(150), "{waited:?}");
        assert!(all >= Duration::from_millis(300) && meter.spent() >= all, "{all:?}");
    }
}
