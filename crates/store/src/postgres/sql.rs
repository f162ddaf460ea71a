//! What the store needs of a PostgreSQL connection.

use thiserror::Error;

use crate::rows::Value;

/// Why a statement was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PgError {
    /// The server said so.
    #[error("{code}: {message}")]
    Said {
        /// SQLSTATE (PostgreSQL, appendix A).
        code: String,
        /// The primary message.
        message: String,
        /// The constraint that was violated; empty where none was.
        constraint: String,
    },
    /// The server was not reached, or the connection to it was lost: what became of the statement is not known.
    #[error("{0}")]
    Lost(String),
    /// Parameters or columns of types that are not used here.
    #[error("{0}")]
    Type(String),
}

/// One connection that executes one statement at a time, each a transaction by itself. Parameters are `$1::bigint` or `$1::text` in the
/// statement, columns of type bigint or text.
pub trait Pg {
    /// Executes one statement and gives its rows.
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, PgError>;

    /// Leaves the connection to others until the next statement, where it can be had again then.
    fn let_go(&self) {}
}

impl<T: Pg + ?Sized> Pg for &T {
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, PgError> {
        (**self).query(statement, parameters)
    }

    fn let_go(&self) {
        (**self).let_go();
    }
}
