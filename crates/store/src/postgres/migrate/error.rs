//! Why a database was not migrated.

use std::time::Duration;

use postgres::error::{ErrorPosition, SqlState};
use thiserror::Error;

/// Why a database was not migrated, or not to the end.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// The server is none that this build can work with.
    #[error("{0}")]
    Server(String),
    /// The database has a newer schema than this build can work with.
    #[error(
        "the database has schema version {found}, fit for builds of {compatible} on: this one is of {needed}"
    )]
    TooNew {
        /// Version found.
        found: i64,
        /// The oldest build's that can work with it.
        compatible: i64,
        /// Version of this build.
        needed: i64,
    },
    /// What was applied once is not what this build has under that name.
    #[error(
        "{0}.sql has changed since it was applied to this database: what is released is never changed, another file is added"
    )]
    Changed(String),
    /// Something was applied that this build does not know.
    #[error("{0}.sql was applied to this database, and this build does not know it")]
    Unknown(String),
    /// Another migrates, and did for as long as was waited.
    #[error("somebody else has been migrating this database for {0:?}")]
    Turn(Duration),
    /// A statement failed.
    #[error("{name}.sql, line {line}: {}", told(.source))]
    Failed {
        /// The migration's name.
        name: String,
        /// Where in its file, as far as PostgreSQL says.
        line: usize,
        /// What PostgreSQL said.
        source: postgres::Error,
    },
    /// The server was not reached, or the connection was lost.
    #[error("{}", told(.0))]
    Postgres(#[from] postgres::Error),
}

impl MigrateError {
    /// A text failed that begins at a line of its file.
    pub(super) fn failed(name: &str, text: &str, line: usize, source: postgres::Error) -> Self {
        let before = match source.as_db_error().and_then(|said| said.position()) {
            Some(ErrorPosition::Original(place)) => {
                let before = text.chars().take(usize::try_from(*place).unwrap_or_default());
                before.filter(|letter| *letter == '\n').count()
            }
            _ => 0,
        };
        Self::Failed { name: name.to_owned(), line: line.saturating_add(before), source }
    }

    /// Whether others were in the way, and the same may work later.
    pub(super) fn is_in_the_way(&self) -> bool {
        let (Self::Failed { source, .. } | Self::Postgres(source)) = self else { return false };
        let ways = [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
        ];
        source.code().is_some_and(|code| ways.contains(code))
    }
}

/// An error in PostgreSQL's own words.
pub(in crate::postgres) fn told(error: &postgres::Error) -> String {
    use std::error::Error as _;
    match error.as_db_error() {
        Some(said) => {
            let detail = said.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("{}: {}{detail}", said.code().code(), said.message())
        }
        None => error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")),
    }
}
