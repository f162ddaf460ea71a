//! The harness itself: that it ends where nobody answers.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use perennial_faults::Progress;

#[test]
fn nobody_waits_for_ever_where_nothing_is_acknowledged() {
    let limit = Duration::from_millis(100);
    let nothing = || 0;
    assert!(catch_unwind(|| Progress::of(&nothing, limit).until(|_| false)).is_err());
    // As long as there is more, it may take its time.
    let (count, begun) = (AtomicUsize::new(0), Instant::now());
    let more = || count.fetch_add(1, Ordering::Relaxed);
    Progress::of(&more, limit).until(|_| begun.elapsed() > 3 * limit);
}
