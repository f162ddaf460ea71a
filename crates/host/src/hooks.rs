//! What a test can reach into: the clock, faults, the cron schedule. No flag of the CLI leads here.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

/// Switches for tests. The default changes nothing.
#[derive(Clone, Default)]
pub struct Hooks {
    /// The wall clock that guests see; `None` is the system's. The monotonic clock is not touched.
    pub clock: Option<Arc<dyn WallClock>>,
    /// Asked around every host call that leaves the guest; see [`FaultHook`].
    pub faults: Option<Arc<dyn FaultHook>>,
    /// Do not run the cron schedules: only [`crate::Running::tick`] ticks.
    pub manual_cron: bool,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks")
            .field("clock", &self.clock.is_some())
            .field("faults", &self.faults.is_some())
            .field("manual_cron", &self.manual_cron)
            .finish()
    }
}

/// A wall clock for guests.
pub trait WallClock: Send + Sync {
    /// The time since the Unix epoch.
    fn now(&self) -> Duration;
}

/// Asked before and after every statement of SQLite or PostgreSQL, Redis command and outgoing HTTP request of a guest. It must not block.
pub trait FaultHook: Send + Sync {
    /// What happens to the guest `component` at `point`. Called from the guest's task.
    fn at(&self, component: &str, point: Point<'_>) -> Verdict;

    /// The invocation of this number is about to begin, for a request with these headers. Of other triggers it is not told.
    fn begins(&self, _invocation: u64, _headers: &HeaderMap) {}

    /// The invocation of this number has ended, and all that it held is given back or on its way.
    fn ended(&self, _invocation: u64) {}
}

/// One side of one host call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point<'a> {
    /// Before the call has had any effect, or after all of them.
    pub moment: Moment,
    /// Which call it is.
    pub call: Call<'a>,
    /// The number of this call among the calls of this one invocation of the guest, from 0. Both moments share it.
    pub index: u64,
    /// The number of this invocation since the host started, from 0.
    pub invocation: u64,
}

/// The side of a call a [`Point`] is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call has not begun.
    Before,
    /// The call has had its effect; the guest does not know yet.
    After,
}

/// A host call that leaves the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call<'a> {
    /// `spin:sqlite` `execute`.
    Sqlite {
        /// The text of the statement.
        statement: &'a str,
    },
    /// `spin:postgres` `query` or `execute`.
    Postgres {
        /// The text of the statement.
        statement: &'a str,
    },
    /// A command of `fermyon:spin/redis`.
    Redis {
        /// The command, in capitals: `PUBLISH`, `GET`, …
        command: &'a str,
    },
    /// `wasi:http/outgoing-handler`. *After* is when the head of the answer is there.
    Http {
        /// The whole URI.
        uri: &'a str,
    },
}

/// What a [`FaultHook`] decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing happens.
    Continue,
    /// The guest is trapped here.
    Trap,
    /// Before a call: it begins, and the guest is trapped as soon as it has to wait for it. After one: as [`Verdict::Trap`].
    Interrupt,
}
