//! Waiting for what must come.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

const PAUSE: Duration = Duration::from_millis(100);

/// Asks `probe` until it has an answer; an error says `what` did not come within `limit`.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut probe: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = probe()? {
            return Ok(answer);
        }
        if start.elapsed() > limit {
            bail!("{what} did not come within {} seconds", limit.as_secs());
        }
        thread::sleep(PAUSE);
    }
}
