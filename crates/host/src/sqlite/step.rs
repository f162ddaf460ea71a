//! Running one statement on a guest's own connection.

use tokio::sync::OwnedMutexGuard;

use super::execute::{Statement, collect};
use super::failure::Failure;
use super::pool::Lease;
use super::text::Kind;
use crate::bindings::spin::sqlite::sqlite::{Error, QueryResult};
use crate::guest::GuestComponent;

/// What follows from a statement that ran.
pub(super) fn finish(
    component: &GuestComponent,
    lease: &mut Lease,
    step: Step,
) -> Result<QueryResult, Error> {
    if let Some(commit) = lease.committed() {
        component.counters.commit(commit);
    }
    if step.synchronous {
        lease.note_synchronous();
    }
    if step.turn.is_some() {
        lease.turn = step.turn;
    }
    if !step.in_transaction {
        lease.turn = None;
    }
    lease.changes = step.changes.unwrap_or(lease.changes);
    step.result.map_err(|failure| failure.told(&component.id))
}

/// What a statement may do where it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    Read,
    Write,
}

/// A statement that ran.
pub(super) struct Step {
    pub result: Result<QueryResult, Failure>,
    /// It may have changed how commits are made.
    synchronous: bool,
    /// How many rows it changed, if it is one that changes rows.
    changes: Option<u64>,
    /// The right to write that was taken for it.
    turn: Option<OwnedMutexGuard<()>>,
    in_transaction: bool,
}

/// Runs the statement; `None` if it writes, and may not or it is somebody else's turn.
pub(super) fn execute(lease: &Lease, statement: &Statement, may: May) -> Result<Option<Step>, Failure> {
    let connection = lease.connection().ok_or(Error::InvalidConnection)?;
    let kind = Kind::of(&statement.text);
    // A pragma is prepared anew each time: the authorizer must see it.
    let mut prepared = if kind.is_pragma() {
        Prepared::Once(connection.prepare(&statement.text)?)
    } else {
        Prepared::Cached(connection.prepare_cached(&statement.text)?)
    };
    let writes = !prepared.get().readonly();
    if writes && may == May::Read {
        return Ok(None);
    }
    let turn = match &lease.turn {
        None if writes => match lease.try_turn() {
            Some(turn) => Some(turn),
            None => return Ok(None),
        },
        _ => None,
    };
    let mut begun = false;
    let result = collect(prepared.get(), &statement.parameters, &mut begun);
    drop(prepared);
    let changes = begun && writes && matches!(kind, Kind::Query | Kind::Change);
    let changes = changes.then(|| connection.changes());
    let synchronous = kind.is_pragma() && statement.text.to_ascii_lowercase().contains("synchronous");
    let in_transaction = !connection.is_autocommit();
    Ok(Some(Step { result, synchronous, changes, turn, in_transaction }))
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
