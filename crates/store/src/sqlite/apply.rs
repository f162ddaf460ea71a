//! The one statement that writes.

use perennial_domain::Commit;

use super::{Sql, Sqlite};
use crate::StoreError;

impl<S: Sql> Sqlite<S> {
    /// Applies a commit in one statement: the trigger behind the view does the rest.
    pub(super) fn write(&self, commit: &Commit) -> Result<(), StoreError> {
        let body = serde_json::to_string(commit)?;
        self.execute(r#"INSERT INTO "write" (body) VALUES (?1)"#, &[body.into()])?;
        Ok(())
    }
}

/// What SQLite's words mean for the commit that met them.
pub(super) fn classify(text: &str) -> StoreError {
    if let Some((_, what)) = text.split_once("expect:") {
        return StoreError::Changed(what.split_whitespace().next().unwrap_or_default().to_owned());
    }
    match text.split_once("UNIQUE constraint failed: ") {
        Some((_, columns)) if columns.starts_with("idempotency.") => StoreError::AnsweredBefore,
        Some((_, columns)) if columns.starts_with("inbox.") => StoreError::AlreadyApplied,
        Some((_, columns)) => StoreError::Duplicate(columns.to_owned()),
        None => StoreError::Database(text.to_owned()),
    }
}
