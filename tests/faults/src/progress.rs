//! Whether anybody is still answered: who waits for more waits no longer than that.

use std::thread;
use std::time::{Duration, Instant};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// The writes that were acknowledged so far, and since when there are no more.
pub struct Progress<'a> {
    acknowledged: &'a dyn Fn() -> usize,
    before: usize,
    since: Instant,
    limit: Duration,
}

impl<'a> Progress<'a> {
    /// That of writes that are counted so, of which there are more after this time at most, whatever fails.
    pub fn of(acknowledged: &'a dyn Fn() -> usize, limit: Duration) -> Self {
        Self { acknowledged, before: acknowledged(), since: Instant::now(), limit }
    }

    /// How many were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        (self.acknowledged)()
    }

    /// Looks again and again until something is so.
    ///
    /// # Panics
    /// Where nothing was acknowledged for too long meanwhile.
    pub fn until(&mut self, mut is_so: impl FnMut(&Self) -> bool) {
        while !is_so(self) {
            thread::sleep(LOOK);
            let now = self.acknowledged();
            if now > self.before {
                (self.before, self.since) = (now, Instant::now());
            }
            let silent = self.since.elapsed();
            assert!(silent < self.limit, "nothing was acknowledged for {silent:?}, after {now} writes");
        }
    }
}
