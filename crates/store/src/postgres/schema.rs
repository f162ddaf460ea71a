//! Which schema this build works with, and which one a database has.

use super::sql::{Pg, PgError};
use super::{Postgres, apply};
use crate::StoreError;
use crate::rows::Value;

/// The schema of this build.
pub(super) const VERSION: i64 = 6;

/// The oldest build's schema that can still work with this one: recorded in the database for builds to come.
#[cfg(feature = "native")]
pub(super) const COMPATIBLE: i64 = 2;

/// What PostgreSQL says where a table is missing, and what it says of that, of columns and of functions (appendix A).
pub(super) const UNDEFINED_TABLE: &str = "42P01";
const MISSING: [&str; 3] = [UNDEFINED_TABLE, "42703", "42883"];

/// The version of a database's schema, and the oldest build's that can work with it.
pub(super) const FOUND: &str = "SELECT version, compatible FROM schema_version";

impl<S: Pg> Postgres<S> {
    /// Refuses a database whose schema this build cannot work with: one that was never migrated, is older than this build, or newer and
    /// no longer fit for it. It costs a statement, so requests do not ask it: they ask where something that should be there is missing,
    /// and whoever tells whether the service is ready does.
    pub fn check(&self) -> Result<(), StoreError> {
        let (found, compatible) = self.found().map_err(apply::classify)?;
        if found == VERSION || (found > VERSION && compatible <= VERSION) {
            return Ok(());
        }
        Err(StoreError::Schema { found, needed: VERSION })
    }

    /// The version of the schema, and the oldest build's that can work with it; zeros where nobody has migrated the database.
    pub(super) fn found(&self) -> Result<(i64, i64), PgError> {
        let rows = match self.sql.query(FOUND, &[]) {
            Err(PgError::Said { code, .. }) if code == UNDEFINED_TABLE => Vec::new(),
            other => other?,
        };
        match rows.first().map(Vec::as_slice) {
            Some([Value::Integer(version), Value::Integer(compatible)]) => Ok((*version, *compatible)),
            // It was begun, and cut off before its end.
            _ => Ok((0, 0)),
        }
    }

    /// What an error means: one that a table, a column or a function is missing may come from a schema of another version.
    pub(super) fn explain(&self, error: PgError) -> StoreError {
        if MISSING.iter().any(|missing| matches!(&error, PgError::Said { code, .. } if code == missing))
            && let Err(other @ StoreError::Schema { .. }) = self.check()
        {
            return other;
        }
        apply::classify(error)
    }
}
