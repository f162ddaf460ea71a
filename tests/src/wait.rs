//! Waiting for what must come, and no longer.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// The deadline for anything that happens within moments on an idle machine, with room for a busy one.
pub const SOON: Duration = Duration::from_secs(30);

/// How often a probe is asked.
const PAUSE: Duration = Duration::from_millis(25);

/// Asks `probe` until it answers, and gives its answer.
///
/// # Panics
/// When `limit` is over; the message says `what` did not come.
pub fn until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain: {what}");
        thread::sleep(PAUSE);
    }
}

/// Runs `call` on so many threads that start together, and gives what each of them got.
pub fn at_once<T: Send>(threads: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|number| {
                let (start, call) = (&start, &call);
                scope.spawn(move || {
                    start.wait();
                    call(number)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
