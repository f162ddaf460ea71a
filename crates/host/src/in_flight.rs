//! Counts the work in flight: guests that run, and messages that wait for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// A counter that one can wait on.
#[derive(Clone, Default)]
pub(crate) struct InFlight(Arc<Inner>);

#[derive(Default)]
struct Inner {
    count: AtomicUsize,
    idle: Notify,
}

/// One piece of work; dropping it ends it.
pub(crate) struct Work(InFlight);

impl InFlight {
    pub fn begin(&self) -> Work {
        self.0.count.fetch_add(1, Ordering::AcqRel);
        Work(self.clone())
    }

    /// Waits until nothing is in flight.
    pub async fn idle(&self) {
        loop {
            let changed = self.0.idle.notified();
            if self.0.count.load(Ordering::Acquire) == 0 {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.0.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.0.idle.notify_waiters();
        }
    }
}
