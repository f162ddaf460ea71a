//! How many guests of the HTTP trigger work at the same time.
//!
//! Guests that work side by side share the processors: more of them answer no more requests, and each holds memory. So they take
//! turns, in the order in which they came. A guest that only waits, for another server or for its client, gives its turn up.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// Guests for each processor: while some wait for the disk, others compute.
const PER_PROCESSOR: usize = 16;

/// How long a guest may wait and keep its turn.
const IDLE: Duration = Duration::from_millis(20);

/// How many guests the processors can use.
pub(super) fn most() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    processors.saturating_mul(PER_PROCESSOR)
}

/// The turns of all guests.
pub(super) struct Turns(Arc<Semaphore>);

/// The right to work. Dropping it passes it on.
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// As many as the processors can use.
    pub fn new() -> Self {
        Self::of(most())
    }

    fn of(turns: usize) -> Self {
        Self(Arc::new(Semaphore::new(turns)))
    }

    /// Waits for a turn.
    pub async fn take(&self) -> Option<Turn> {
        self.0.clone().acquire_owned().await.ok().map(|_permit| Turn { _permit })
    }
}

impl Turn {
    /// Does `work`, and passes the turn on when it ends or has waited for [`IDLE`]. It goes on then without one: to wait for
    /// another turn could be to wait for a guest that waits for this one.
    pub async fn spend<F: Future>(self, work: F) -> F::Output {
        let (mut turn, mut work) = (Some(self), pin!(work));
        let mut worked = Instant::now();
        let mut idle = pin!(sleep_until(until(worked)));
        poll_fn(|context| {
            let looks = turn.is_some() && idle.as_mut().poll(context).is_ready();
            if looks {
                match until(worked) {
                    end if end <= Instant::now() => turn = None,
                    end => {
                        idle.as_mut().reset(end);
                        let _ = idle.as_mut().poll(context);
                    }
                }
            }
            let polled = work.as_mut().poll(context);
            // To be looked at is not to work.
            if !looks {
                worked = Instant::now();
            }
            polled
        })
        .await
    }
}

/// When who has last worked at `worked` has waited for too long.
fn until(worked: Instant) -> Instant {
    worked.checked_add(IDLE).unwrap_or(worked)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::FutureExt;
    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test]
    async fn one_more_waits_until_another_ends() {
        let turns = Turns::of(1);
        // Longer than a guest may wait, in pieces that are shorter.
        let work = async {
            for _ in 0..15 {
                sleep(IDLE / 5).await;
            }
        };
        let mut first = pin!(turns.take().await.unwrap().spend(work));
        let mut second = pin!(turns.take());
        tokio::select! {
            biased;
            _ = second.as_mut() => panic!("two at once"),
            () = first.as_mut() => {}
        }
        assert!(second.now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_only_waits_lets_others_work() {
        let turns = Turns::of(1);
        let work = async {
            for _ in 0..3 {
                sleep(IDLE / 3).await;
            }
            pending::<()>().await;
        };
        let waiting = tokio::spawn(turns.take().await.unwrap().spend(work));
        assert!(turns.take().now_or_never().is_none());
        assert!(timeout(IDLE * 20, turns.take()).await.is_ok());
        waiting.abort();
    }
}
