//! A guest's statement that waits for the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::oneshot;

use super::execute::Statement;
use super::failure::Failure;
use crate::bindings::spin::sqlite::sqlite::{Error, QueryResult};
use crate::counts::Commit;
use crate::guest::GuestComponent;

/// A statement, and what of its guest's connection it depends on.
pub(super) struct Job {
    pub statement: Arc<Statement>,
    component: Arc<GuestComponent>,
    /// `PRAGMA synchronous` of the guest's connection.
    pub level: i64,
    /// `last_insert_rowid()` of the guest's connection.
    pub last_rowid: i64,
    claim: Claim,
    answer: oneshot::Sender<Answer>,
}

/// What became of a job.
pub(super) enum Answer {
    Done(Written),
    /// It needs a connection and a transaction of its own. Nothing of it has happened.
    Alone,
}

/// What a job did.
pub(super) struct Written {
    pub result: Result<QueryResult, Error>,
    pub last_rowid: i64,
    /// How many rows it changed; `None` if it never began to run.
    pub changes: Option<u64>,
}

/// What a job did, before its guest is told.
pub(super) struct Ran {
    pub result: Result<QueryResult, Failure>,
    pub last_rowid: i64,
    pub changes: Option<u64>,
    /// It computed more than it may beside others.
    pub too_long: bool,
}

impl Job {
    pub fn new(
        component: Arc<GuestComponent>,
        statement: Arc<Statement>,
        level: i64,
        last_rowid: i64,
    ) -> (Self, Claim, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        let claim = Claim::default();
        let job = Self { statement, component, level, last_rowid, claim: claim.clone(), answer };
        (job, claim, receiver)
    }

    /// Whether it may run: its guest still waits for it, and will not give up any more.
    pub fn begin(&self) -> bool {
        self.claim.begin()
    }

    /// Counts a commit for the guest's component.
    pub fn count(&self, commit: Commit) {
        self.component.counters.commit(commit);
    }

    /// Tells the guest, if it is still there.
    pub fn tell(self, ran: Ran) {
        let Ran { result, last_rowid, changes, .. } = ran;
        let result = result.map_err(|failure| failure.told(&self.component.id));
        let _ = self.answer.send(Answer::Done(Written { result, last_rowid, changes }));
    }

    /// Tells the guest that others had the database for too long.
    pub fn tell_locked(self) {
        let last_rowid = self.last_rowid;
        self.tell(Ran { result: Err(locked().into()), last_rowid, changes: None, too_long: false });
    }

    /// Gives the statement back.
    pub fn send_away(self) {
        let _ = self.answer.send(Answer::Alone);
    }
}

/// SQLite's words for a lock that stays with somebody else.
pub(super) fn locked() -> Error {
    Error::Io("database is locked".into())
}

const WAITS: u8 = 0;
const BEGUN: u8 = 1;
const GONE: u8 = 2;

/// Who decides over a job: its guest, until the writer has begun with it.
#[derive(Clone, Default)]
pub(super) struct Claim(Arc<AtomicU8>);

impl Claim {
    fn begin(&self) -> bool {
        self.0.compare_exchange(WAITS, BEGUN, Ordering::AcqRel, Ordering::Acquire) != Err(GONE)
    }

    /// Takes the job back; `false` if it has begun.
    pub fn give_up(&self) -> bool {
        self.0.compare_exchange(WAITS, GONE, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// Takes its job back when it is dropped.
pub(super) struct Patience(pub Claim);

impl Drop for Patience {
    fn drop(&mut self) {
        self.0.give_up();
    }
}
