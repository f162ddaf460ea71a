//! What the store needs of a SQLite connection.

use thiserror::Error;

use crate::rows::Value;

/// The text of SQLite's own error.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct SqlError(pub String);

/// One connection that executes one statement at a time, each by itself.
pub trait Sql {
    /// Executes one statement and gives its rows.
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, SqlError>;
}
