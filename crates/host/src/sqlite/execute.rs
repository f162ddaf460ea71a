//! Running a prepared statement and reading what it gives.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::failure::Failure;
use crate::bindings::spin::sqlite::sqlite::{Error, QueryResult, RowResult, Value};

/// The bound on what one statement may answer, as in Spin.
const RESULT_BYTES: usize = 128 * 1024 * 1024;

/// A statement and its parameters.
pub(super) struct Statement {
    pub text: String,
    pub parameters: Vec<Value>,
}

impl Statement {
    /// How much the guest sent.
    pub fn bytes(&self) -> usize {
        self.parameters.iter().map(size).fold(self.text.len(), usize::saturating_add)
    }
}

/// Binds the parameters and runs the statement to its end. `begun` is set before its first step.
pub(super) fn collect(
    statement: &mut rusqlite::Statement<'_>,
    parameters: &[Value],
    begun: &mut bool,
) -> Result<QueryResult, Failure> {
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
    *begun = true;
    let mut bytes = size_of::<QueryResult>();
    let mut results = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..columns.len()).map(|n| value(row.get_ref(n)?));
        let values = values.collect::<Result<Vec<_>, Failure>>()?;
        bytes = values.iter().fold(bytes, |bytes, value| bytes.saturating_add(size(value)));
        if bytes > RESULT_BYTES {
            return Err(Error::Io(format!("query result exceeds limit of {RESULT_BYTES} bytes")).into());
        }
        results.push(RowResult { values });
    }
    Ok(QueryResult { columns, rows: results })
}

fn size(value: &Value) -> usize {
    let content = match value {
        Value::Text(text) => text.len(),
        Value::Blob(blob) => blob.len(),
        Value::Integer(_) | Value::Real(_) | Value::Null => 0,
    };
    content.saturating_add(size_of::<Value>())
}

fn value(value: ValueRef<'_>) -> Result<Value, Failure> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(
            String::from_utf8(text.to_vec())
                .map_err(|_| Error::Io("a text value is not valid UTF-8".into()))?,
        ),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}
