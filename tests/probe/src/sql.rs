//! Statements told by JSON: `{"database": "default", "statements": [["INSERT …", 1, "text", null]]}`.

use serde_json::{Value as Json, json};
use spin_sdk::sqlite3::{Connection, Error, Value};

/// Runs a script on one connection and tells the result of each statement.
pub fn run(script: &Json) -> Json {
    match open_and_run(script) {
        Ok((_, results)) => results,
        Err(error) => json!({ "error": describe(&error) }),
    }
}

/// The same, keeping the connection.
pub fn open_and_run(script: &Json) -> Result<(Connection, Json), Error> {
    let connection = Connection::open(script["database"].as_str().unwrap_or("default"))?;
    let statements = script["statements"].as_array().cloned().unwrap_or_default();
    let results: Vec<Json> = statements.iter().map(|statement| execute(&connection, statement)).collect();
    let tail = json!({ "rowid": connection.last_insert_rowid(), "changes": connection.changes() });
    Ok((connection, json!({ "results": results, "connection": tail })))
}

/// Leaves a row in `notes`.
pub fn note(kind: &str, text: &str) -> anyhow::Result<()> {
    let connection = Connection::open_default()?;
    connection.execute("CREATE TABLE IF NOT EXISTS notes (kind TEXT, text TEXT)", &[])?;
    connection
        .execute("INSERT INTO notes VALUES (?, ?)", &[Value::Text(kind.into()), Value::Text(text.into())])?;
    Ok(())
}

fn execute(connection: &Connection, statement: &Json) -> Json {
    let parts = statement.as_array().cloned().unwrap_or_default();
    let mut parts = parts.into_iter();
    let text = parts.next().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
    let parameters: Vec<Value> = parts.map(parameter).collect();
    match connection.execute(&text, &parameters) {
        Ok(result) => {
            let rows: Vec<Vec<Json>> =
                result.rows.into_iter().map(|row| row.values.into_iter().map(told).collect()).collect();
            json!({ "columns": result.columns, "rows": rows })
        }
        Err(error) => json!({ "error": describe(&error) }),
    }
}

fn parameter(value: Json) -> Value {
    match value {
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Real(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(bytes) => Value::Blob(
            bytes.iter().map(|byte| byte.as_u64().unwrap_or_default().try_into().unwrap_or(0)).collect(),
        ),
        _ => Value::Null,
    }
}

fn told(value: Value) -> Json {
    match value {
        Value::Integer(integer) => json!(integer),
        Value::Real(real) => json!(real),
        Value::Text(text) => json!(text),
        Value::Blob(bytes) => json!(bytes),
        Value::Null => Json::Null,
    }
}

fn describe(error: &Error) -> String {
    match error {
        Error::NoSuchDatabase => "no-such-database".into(),
        Error::AccessDenied => "access-denied".into(),
        Error::InvalidConnection => "invalid-connection".into(),
        Error::DatabaseFull => "database-full".into(),
        Error::Io(text) => format!("io: {text}"),
    }
}
