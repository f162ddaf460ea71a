//! The connection that Spin gives a guest (`spin:sqlite@3.0.0`).

use spin_sdk::sqlite3::{Connection, Error, Value as SpinValue};

use super::{Sql, SqlError, Value};

/// A connection of the host.
pub struct SpinSql(Connection);

impl SpinSql {
    /// Opens the database with the label `default`.
    pub fn open() -> Result<Self, SqlError> {
        Connection::open_default().map(Self).map_err(error)
    }
}

impl Sql for SpinSql {
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, SqlError> {
        let parameters: Vec<SpinValue> = parameters
            .iter()
            .map(|value| match value {
                Value::Null => SpinValue::Null,
                Value::Integer(number) => SpinValue::Integer(*number),
                Value::Text(text) => SpinValue::Text(text.clone()),
            })
            .collect();
        let result = self.0.execute(statement, &parameters).map_err(error)?;
        result
            .rows
            .into_iter()
            .map(|row| {
                row.values
                    .into_iter()
                    .map(|value| match value {
                        SpinValue::Null => Ok(Value::Null),
                        SpinValue::Integer(number) => Ok(Value::Integer(number)),
                        SpinValue::Text(text) => Ok(Value::Text(text)),
                        SpinValue::Real(_) | SpinValue::Blob(_) => {
                            Err(SqlError("a column of a type that is not used here".to_owned()))
                        }
                    })
                    .collect()
            })
            .collect()
    }
}

fn error(error: Error) -> SqlError {
    match error {
        Error::Io(text) => SqlError(text),
        other => SqlError(other.to_string()),
    }
}
