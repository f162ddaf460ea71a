//! Where a statement runs: at once if it is a short read, with the writer if it changes rows, else on a thread that may
//! block.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{ErrorCode, InterruptHandle};

pub(super) use super::execute::Statement;
use super::failure::Failure;
use super::job::{Answer, Job, Patience, locked};
use super::link::BUSY_TIMEOUT;
use super::pool::{Database, Lease};
use super::quick;
use super::step::{May, Step, execute, finish};
use super::text::Kind;
use super::writer::JOB_BYTES;
use crate::bindings::spin::sqlite::sqlite::{Error, QueryResult};
use crate::guest::GuestComponent;

/// What a statement did.
enum Outcome {
    Done(Result<QueryResult, Error>),
    /// It writes, and somebody else does now.
    NeedsTurn,
}

/// Runs the statement on `lease`, which is opened if there is none yet, and gives the lease back.
///
/// If the returned future is dropped, the statement is interrupted and the lease returns to the pool by itself. A change
/// that the writer has begun with may still be made then.
pub(super) async fn run(
    component: &Arc<GuestComponent>,
    database: &Arc<Database>,
    lease: Option<Lease>,
    statement: Statement,
) -> (Option<Lease>, Result<QueryResult, Error>) {
    let mut lease = match lease.or_else(|| database.idle()) {
        Some(lease) => lease,
        None => {
            let database = database.clone();
            match blocking(move || database.open()).await {
                Ok(Ok(lease)) => lease,
                Ok(Err(error)) => return (None, Err(Failure::from(error).told(&component.id))),
                Err(error) => return (None, Err(error)),
            }
        }
    };
    let statement = Arc::new(statement);
    let result = match Kind::of(&statement.text) {
        Kind::Query | Kind::Synchronous => at_once(component, database, &mut lease, &statement),
        Kind::Change => with_others(component, database, &mut lease, &statement).await,
        Kind::Pragma | Kind::Other => None,
    };
    match result {
        Some(result) => (Some(lease), result),
        None => on_a_thread(component, database, lease, statement).await,
    }
}

/// Runs a read here and now; `None` if it is none, would have to wait, or is not short.
fn at_once(
    component: &GuestComponent,
    database: &Database,
    lease: &mut Lease,
    statement: &Statement,
) -> Option<Result<QueryResult, Error>> {
    let link = lease.link()?;
    if !link.is_plain() || !database.quick.may_be(&statement.text) {
        return None;
    }
    link.connection.busy_timeout(Duration::ZERO).ok()?;
    link.budget.grant(quick::STEPS);
    let step = execute(lease, statement, May::Read);
    let link = lease.link()?;
    let too_long = link.budget.lift();
    link.connection.busy_timeout(BUSY_TIMEOUT).ok()?;
    if too_long {
        database.quick.was_not(&statement.text);
    }
    let step = match step {
        Ok(None) => return None,
        Ok(Some(Step { result: Err(failure), .. })) | Err(failure) if too_long || waits(&failure) => {
            return None;
        }
        Ok(Some(step)) => step,
        Err(failure) => return Some(Err(failure.told(&component.id))),
    };
    Some(finish(component, lease, step))
}

/// Whether a statement failed only because somebody else had the database, or because it was to be short.
fn waits(failure: &Failure) -> bool {
    matches!(failure.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Has the writer make a change; `None` if it needs a connection and a transaction of its own.
async fn with_others(
    component: &Arc<GuestComponent>,
    database: &Database,
    lease: &mut Lease,
    statement: &Arc<Statement>,
) -> Option<Result<QueryResult, Error>> {
    let writer = database.writer.as_ref()?;
    let (level, last_rowid) = {
        let link = lease.link()?;
        if !link.is_plain() || statement.bytes() > JOB_BYTES {
            return None;
        }
        (link.commits.level(), link.connection.last_insert_rowid())
    };
    let (job, claim, mut receiver) = Job::new(component.clone(), statement.clone(), level, last_rowid);
    writer.submit(job).ok()?;
    let patience = Patience(claim);
    let answer = match tokio::time::timeout(BUSY_TIMEOUT, &mut receiver).await {
        Ok(answer) => answer,
        Err(_) if patience.0.give_up() => return Some(Err(locked())),
        Err(_) => receiver.await,
    };
    match answer {
        Ok(Answer::Done(written)) => {
            lease.link()?.set_last_rowid(written.last_rowid);
            lease.changes = written.changes.unwrap_or(lease.changes);
            Some(written.result)
        }
        Ok(Answer::Alone) => None,
        Err(_) => Some(Err(Error::Io("internal runtime error".into()))),
    }
}

async fn on_a_thread(
    component: &Arc<GuestComponent>,
    database: &Database,
    mut lease: Lease,
    statement: Arc<Statement>,
) -> (Option<Lease>, Result<QueryResult, Error>) {
    loop {
        let (returned, outcome) = match attempt(component.clone(), lease, statement.clone()).await {
            Ok(attempted) => attempted,
            Err(error) => return (None, Err(error)),
        };
        lease = returned;
        match outcome {
            Outcome::Done(result) => return (Some(lease), result),
            Outcome::NeedsTurn => {
                let turn = tokio::time::timeout(BUSY_TIMEOUT, database.turn.clone().lock_owned());
                match turn.await {
                    Ok(guard) => lease.turn = Some(guard),
                    Err(_) => return (Some(lease), Err(locked())),
                }
            }
        }
    }
}

async fn attempt(
    component: Arc<GuestComponent>,
    mut lease: Lease,
    statement: Arc<Statement>,
) -> Result<(Lease, Outcome), Error> {
    let interrupt = Interrupt::new(lease.connection().map(rusqlite::Connection::get_interrupt_handle));
    let running = interrupt.0.clone();
    let attempted = blocking(move || {
        let outcome = match execute(&lease, &statement, May::Write) {
            Ok(Some(step)) => Outcome::Done(finish(&component, &mut lease, step)),
            Ok(None) => Outcome::NeedsTurn,
            Err(failure) => Outcome::Done(Err(failure.told(&component.id))),
        };
        // From here on the connection may serve somebody else.
        running.lock().unwrap_or_else(PoisonError::into_inner).take();
        (lease, outcome)
    });
    attempted.await
}

/// Interrupts a statement whose guest has gone.
struct Interrupt(Arc<Mutex<Option<InterruptHandle>>>);

impl Interrupt {
    fn new(handle: Option<InterruptHandle>) -> Self {
        Self(Arc::new(Mutex::new(handle)))
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        // Under the lock: once the statement has ended there is no handle here any more.
        if let Some(handle) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            handle.interrupt();
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Io("internal runtime error".into()))
}
