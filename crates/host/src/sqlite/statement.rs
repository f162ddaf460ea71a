//! Running one statement on a thread that may block.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{InterruptHandle, ToSql};
use tokio::sync::OwnedMutexGuard;

use super::failure::Failure;
use super::pool::{BUSY_TIMEOUT, Database, Lease};
use crate::bindings::spin::sqlite::sqlite::{Error, QueryResult, RowResult, Value};
use crate::guest::GuestComponent;

/// The bound on what one statement may answer, as in Spin.
const RESULT_BYTES: usize = 128 * 1024 * 1024;

/// A statement and its parameters.
pub(super) struct Statement {
    pub text: String,
    pub parameters: Vec<Value>,
}

/// What a statement did.
pub(super) enum Outcome {
    Done(Result<QueryResult, Error>),
    /// It writes, and somebody else does now.
    NeedsWriter,
}

/// Runs the statement on `lease`, which is opened if there is none yet, and gives the lease back.
///
/// If the returned future is dropped, the statement is interrupted and the lease returns to the pool by itself.
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
    loop {
        let (returned, outcome) = match attempt(component.clone(), lease, statement.clone()).await {
            Ok(attempted) => attempted,
            Err(error) => return (None, Err(error)),
        };
        lease = returned;
        match outcome {
            Outcome::Done(result) => return (Some(lease), result),
            Outcome::NeedsWriter => {
                let turn = tokio::time::timeout(BUSY_TIMEOUT, database.writer.clone().lock_owned());
                match turn.await {
                    Ok(guard) => lease.writer = Some(guard),
                    Err(_) => return (Some(lease), Err(Error::Io("database is locked".into()))),
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
        let outcome = step(&component, &mut lease, &statement);
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

fn step(component: &GuestComponent, lease: &mut Lease, statement: &Statement) -> Outcome {
    let step = match execute(lease, statement) {
        Ok(Some(step)) => step,
        Ok(None) => return Outcome::NeedsWriter,
        Err(failure) => return Outcome::Done(Err(failure.told(&component.id))),
    };
    if let Some(commit) = lease.committed() {
        component.counters.commit(commit);
    }
    if step.synchronous {
        lease.note_synchronous();
    }
    if step.turn.is_some() {
        lease.writer = step.turn;
    }
    if !step.in_transaction {
        lease.writer = None;
    }
    Outcome::Done(step.result.map_err(|failure| failure.told(&component.id)))
}

/// A statement that ran.
struct Step {
    result: Result<QueryResult, Failure>,
    /// It may have changed how commits are made.
    synchronous: bool,
    /// The right to write that was taken for it.
    turn: Option<OwnedMutexGuard<()>>,
    in_transaction: bool,
}

/// Runs the statement; `None` if it writes and it is somebody else's turn.
fn execute(lease: &Lease, statement: &Statement) -> Result<Option<Step>, Failure> {
    let connection = lease.connection().ok_or(Error::InvalidConnection)?;
    // A pragma is prepared anew each time: the authorizer must see it.
    let pragma = is_pragma(&statement.text);
    let mut prepared = if pragma {
        Prepared::Once(connection.prepare(&statement.text)?)
    } else {
        Prepared::Cached(connection.prepare_cached(&statement.text)?)
    };
    let writes = !prepared.get().readonly();
    let turn = match &lease.writer {
        None if writes => match lease.turn() {
            Some(turn) => Some(turn),
            None => return Ok(None),
        },
        _ => None,
    };
    let result = collect(prepared.get(), &statement.parameters);
    drop(prepared);
    let synchronous = pragma && statement.text.to_ascii_lowercase().contains("synchronous");
    Ok(Some(Step { result, synchronous, turn, in_transaction: !connection.is_autocommit() }))
}

enum Prepared<'a> {
    Once(rusqlite::Statement<'a>),
    Cached(rusqlite::CachedStatement<'a>),
}

impl<'a> Prepared<'a> {
    fn get(&mut self) -> &mut rusqlite::Statement<'a> {
        match self {
            Self::Once(statement) => statement,
            Self::Cached(statement) => statement,
        }
    }
}

/// Whether the first word is `PRAGMA`, whatever whitespace, comments and empty statements stand before it.
fn is_pragma(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("pragma"));
        }
    }
}

fn collect(statement: &mut rusqlite::Statement<'_>, parameters: &[Value]) -> Result<QueryResult, Failure> {
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut bytes = size_of::<QueryResult>();
    let mut results = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..columns.len()).map(|n| value(row.get_ref(n)?));
        let values = values.collect::<Result<Vec<_>, Failure>>()?;
        bytes = values.iter().fold(bytes, |bytes, value| bytes.saturating_add(size(value)));
        if bytes > RESULT_BYTES {
            return Err(Error::Io(format!("query result exceeds limit of {RESULT_BYTES} bytes")).into());
        }
        results.push(RowResult { values });
    }
    Ok(QueryResult { columns, rows: results })
}

fn size(value: &Value) -> usize {
    let content = match value {
        Value::Text(text) => text.len(),
        Value::Blob(blob) => blob.len(),
        Value::Integer(_) | Value::Real(_) | Value::Null => 0,
    };
    content.saturating_add(size_of::<Value>())
}

fn value(value: ValueRef<'_>) -> Result<Value, Failure> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(
            String::from_utf8(text.to_vec())
                .map_err(|_| Error::Io("a text value is not valid UTF-8".into()))?,
        ),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::is_pragma;

    #[test]
    fn a_pragma_is_found_behind_comments() {
        for pragma in ["PRAGMA x", " pragma x=1", "-- a\n/* b */ ;PRAGMA x", "/**/PrAgMa x"] {
            assert!(is_pragma(pragma), "{pragma}");
        }
        for other in ["SELECT 1", "-- PRAGMA x", "/* PRAGMA", "", "EXPLAIN PRAGMA x", "é"] {
            assert!(!is_pragma(other), "{other}");
        }
    }
}
