//! Changes of the lists, told from one instance to another by a table.

use std::convert::Infallible;

use perennial_mcp::model::SubscriptionFilter;
use perennial_mcp::{Change, Feed};
use spin_sdk::sqlite3::{Connection, Value};

/// The changes after a place in the table.
pub struct Changes {
    after: i64,
}

impl Changes {
    /// Those from now on.
    pub fn from_now() -> Self {
        let last = rows("SELECT 'tools', coalesce(max(id), 0) FROM changes", &[]);
        Self { after: last.first().map_or(0, |(_, id)| *id) }
    }
}

/// Leaves a change for those who listen.
pub fn note(list: &str) {
    if let Some(table) = open() {
        let _ = table.execute("INSERT INTO changes (list) VALUES (?)", &[Value::Text(list.to_owned())]);
    }
}

impl Feed for Changes {
    type Error = Infallible;

    fn look(&mut self, _: &SubscriptionFilter) -> Result<(Vec<Change>, bool), Infallible> {
        let found =
            rows("SELECT list, id FROM changes WHERE id > ? ORDER BY id", &[Value::Integer(self.after)]);
        self.after = found.last().map_or(self.after, |(_, id)| *id);
        let changes = found.into_iter().map(|(list, _)| match list.as_str() {
            "tools" => Change::Tools,
            _ => Change::Prompts,
        });
        Ok((changes.collect(), false))
    }
}

fn open() -> Option<Connection> {
    let connection = Connection::open_default().ok()?;
    connection.execute("CREATE TABLE IF NOT EXISTS changes (id INTEGER PRIMARY KEY, list TEXT)", &[]).ok()?;
    Some(connection)
}

fn rows(statement: &str, parameters: &[Value]) -> Vec<(String, i64)> {
    let found = open().and_then(|table| table.execute(statement, parameters).ok());
    let rows = found.map(|found| found.rows).unwrap_or_default();
    rows.into_iter()
        .filter_map(|row| match row.values.as_slice() {
            [Value::Text(list), Value::Integer(id)] => Some((list.clone(), *id)),
            _ => None,
        })
        .collect()
}
