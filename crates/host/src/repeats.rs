//! Lines of a log that come again and again: the first few are written, the others counted.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// For how long lines of one kind are counted together.
pub const WINDOW: Duration = Duration::from_secs(10);

/// Lines of one kind that are written within it.
const WRITTEN: u32 = 5;

/// Kinds told apart. What comes beyond that is one kind.
const KINDS: usize = 256;

/// The kinds of lines that were written lately.
#[derive(Default)]
pub struct Repeats(Mutex<HashMap<u64, Kind>>);

struct Kind {
    since: Instant,
    written: u32,
    left_out: u64,
    last: Vec<u8>,
}

impl Repeats {
    /// Whether a line is to be written now; otherwise it is counted.
    pub fn may_write(&self, kind: u64, line: &[u8], now: Instant) -> bool {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = if kinds.len() < KINDS || kinds.contains_key(&kind) { kind } else { u64::MAX };
        let fresh = || Kind { since: now, written: 0, left_out: 0, last: Vec::new() };
        let kind = kinds.entry(kind).or_insert_with(fresh);
        if kind.written < WRITTEN {
            kind.written = kind.written.saturating_add(1);
            return true;
        }
        kind.left_out = kind.left_out.saturating_add(1);
        kind.last.clear();
        kind.last.extend_from_slice(line);
        false
    }

    /// Begins to count anew what is older than [`WINDOW`]: gives how many lines of each kind were left out, and the last of them.
    pub fn left_out(&self, now: Instant) -> Vec<(u64, Vec<u8>)> {
        let mut told = Vec::new();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, kind| {
            if now.saturating_duration_since(kind.since) < WINDOW {
                return true;
            }
            if kind.left_out == 0 {
                return false;
            }
            // It goes on: one line a window is enough.
            told.push((take(&mut kind.left_out), take(&mut kind.last)));
            kind.since = now;
            true
        });
        told
    }
}

/// What tells lines apart: equal values of these are one kind.
pub(crate) fn kind(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// The host's own log on stderr.
#[derive(Clone, Default)]
pub struct HostLog(Arc<Repeats>);

/// One event of it.
pub struct HostLine {
    repeats: Arc<Repeats>,
    kind: Option<u64>,
}

impl HostLog {
    /// Tells what was left out until now, if it is time.
    pub fn tell(&self, now: Instant) {
        for (count, line) in self.0.left_out(now) {
            let text = String::from_utf8_lossy(&line);
            let _ = writeln!(io::stderr().lock(), "{} (the last of {count} like it)", text.trim_end());
        }
    }
}

impl<'a> MakeWriter<'a> for HostLog {
    type Writer = HostLine;

    fn make_writer(&'a self) -> HostLine {
        HostLine { repeats: self.0.clone(), kind: None }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> HostLine {
        HostLine { repeats: self.0.clone(), kind: Some(kind(event.callsite())) }
    }
}

impl Write for HostLine {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.kind.is_none_or(|kind| self.repeats.may_write(kind, line, Instant::now())) {
            io::stderr().lock().write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_and_again_is_written_a_few_times_and_counted() {
        let repeats = Repeats::default();
        let begin = Instant::now();
        let written =
            (0..1_000).filter(|n| repeats.may_write(1, format!("line {n}").as_bytes(), begin)).count();
        assert_eq!(written, 5);
        assert!(repeats.may_write(2, b"another", begin), "another kind is not held up");
        assert_eq!(repeats.left_out(begin), []);
        let later = begin + WINDOW;
        assert_eq!(repeats.left_out(later), [(995, b"line 999".to_vec())]);
        // It goes on: only its count is told, once a window.
        assert!(!repeats.may_write(1, b"line 1000", later));
        assert_eq!(repeats.left_out(later + WINDOW), [(1, b"line 1000".to_vec())]);
        // It was quiet for a window: it is written again.
        assert_eq!(repeats.left_out(later + WINDOW * 2), []);
        assert!(repeats.may_write(1, b"line 1001", later + WINDOW * 2));
    }

    #[test]
    fn the_kinds_are_bounded() {
        let repeats = Repeats::default();
        let now = Instant::now();
        let written = (0..10_000).filter(|kind| repeats.may_write(*kind, b"x", now)).count();
        assert_eq!(written, KINDS + WRITTEN as usize);
    }
}
