//! What the store needs of a SQLite connection.

use thiserror::Error;

/// A value of SQLite.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// TEXT.
    Text(String),
}

/// The text of SQLite's own error.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct SqlError(pub String);

/// One connection that executes one statement at a time, each by itself.
pub trait Sql {
    /// Executes one statement and gives its rows.
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, SqlError>;
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<perennial_domain::Timestamp> for Value {
    fn from(value: perennial_domain::Timestamp) -> Self {
        Self::Integer(value.as_millis())
    }
}
