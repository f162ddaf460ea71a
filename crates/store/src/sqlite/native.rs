//! A connection to a file of this machine, without a host: for tests and native commands.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};

use super::{Sql, SqlError, Value};

/// A connection with the defaults of one that Spin opens.
pub struct NativeSql(Connection);

impl NativeSql {
    /// Opens or makes the database file.
    pub fn open(path: &Path) -> Result<Self, SqlError> {
        let connection = Connection::open(path).map_err(error)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(error)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(error)?;
        Ok(Self(connection))
    }
}

impl Sql for NativeSql {
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, SqlError> {
        let mut prepared = self.0.prepare_cached(statement).map_err(error)?;
        let width = prepared.column_count();
        let values = parameters.iter().map(|value| match value {
            Value::Null => rusqlite::types::Value::Null,
            Value::Integer(number) => rusqlite::types::Value::Integer(*number),
            Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
        });
        let mut rows = prepared.query(params_from_iter(values)).map_err(error)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(error)? {
            let mut columns = Vec::with_capacity(width);
            for column in 0..width {
                columns.push(match row.get_ref(column).map_err(error)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Integer(number),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    _ => return Err(SqlError("a column of a type that is not used here".to_owned())),
                });
            }
            all.push(columns);
        }
        Ok(all)
    }
}

/// SQLite's own words, as Spin passes them on.
fn error(error: rusqlite::Error) -> SqlError {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => SqlError(text),
        other => SqlError(other.to_string()),
    }
}
