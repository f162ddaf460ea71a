//! Everything that commands on series are decided upon, in one statement for any number of them (schema/0001_read.sql).

use perennial_domain::{RecurrenceId, TaskId, UserId};

use super::{Pg, Postgres};
use crate::StoreError;
use crate::rows::records::StateRow;

/// Whether tasks lie in the bin.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bin {
    Inside,
    Outside,
}

/// The states of the series that there are, each with the index of its key.
pub(super) type States = Vec<(usize, Result<StateRow, StoreError>)>;

/// Whose series, which, and the occurrence in question.
pub(super) type Key<'a> = (&'a UserId, TaskId, Option<&'a RecurrenceId>);

impl<S: Pg> Postgres<S> {
    /// The states of the series that there are, each with the index of its key. One that cannot be read spoils no other.
    pub(super) fn series_of(&self, keys: &[Key<'_>]) -> Result<States, StoreError> {
        self.series_in(Bin::Outside, keys)
    }

    /// The same of tasks that lie in the bin.
    pub(super) fn series_in(&self, bin: Bin, keys: &[Key<'_>]) -> Result<States, StoreError> {
        // No name that is kept has a NUL in it, which jsonb cannot have.
        let keys = serde_json::to_string(keys)?.replace("\\u0000", "\\ufffd");
        let inside = i64::from(matches!(bin, Bin::Inside));
        self.query(
            "SELECT place, state FROM perennial_series($1::text::jsonb, $2::bigint <> 0)",
            &[keys.into(), inside.into()],
            |row| Ok((usize::try_from(row.integer()?).unwrap_or(usize::MAX), row.json())),
        )
    }
}
