//! Why a statement failed: what the guest is told, and what the operator must hear.

use rusqlite::ErrorCode;

use crate::bindings::spin::sqlite::sqlite::Error;

/// Why a statement did not run.
pub(super) enum Failure {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// The host says so.
    Host(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Host(error)
    }
}

impl Failure {
    /// SQLite's code, if it is SQLite that says so.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Host(_) => None,
        }
    }

    /// What the guest is told. A disk that fails is logged: no guest can do anything about it.
    pub fn told(self, component: &str) -> Error {
        match self {
            Self::Host(error) => error,
            Self::Sqlite(error) => {
                if is_of_the_disk(&error) {
                    let code = error.sqlite_extended_error_code();
                    tracing::warn!(component, %error, code, "the database cannot be read or written");
                }
                io_error(error)
            }
        }
    }
}

/// These texts are SQLite's own and hold nothing of the statement.
fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::CannotOpen
                | ErrorCode::NotADatabase
                | ErrorCode::ReadOnly
        )
    )
}

/// The texts are SQLite's own: `UNIQUE constraint failed: t.c`, or what `RAISE(ABORT, …)` says.
fn io_error(error: rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::MultipleStatement => {
            Error::Io("more than one statement in one execute: Spin would silently drop the rest".into())
        }
        error => Error::Io(error.to_string()),
    }
}
