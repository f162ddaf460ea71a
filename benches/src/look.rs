//! Looks into the database, past the API.
//!
//! This is the one place that knows the names of tables and columns.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// The service's SQLite file, opened read only.
#[derive(Debug)]
pub struct Look(Connection);

impl Look {
    /// Opens the file.
    pub fn at(file: &Path) -> Self {
        let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        database.busy_timeout(Duration::from_secs(10)).unwrap();
        Self(database)
    }

    /// Alarms that wait for their time.
    pub fn armed(&self) -> usize {
        self.number("SELECT count(*) FROM alarm WHERE state = 'armed'")
    }

    /// Notifications made so far.
    pub fn notifications(&self) -> usize {
        self.number("SELECT count(*) FROM notification_v2")
    }

    /// Alarms that have at least one notification.
    pub fn alarms_notified(&self) -> usize {
        self.number(
            "SELECT count(*) FROM (SELECT DISTINCT task_id, recurrence_id, reminder_id FROM notification_v2)",
        )
    }

    /// Notifications made before their alarm's time, or without an alarm that has fired.
    pub fn early_or_unfounded(&self) -> usize {
        self.number(
            "SELECT count(*) FROM notification_v2 AS n LEFT JOIN alarm AS a USING (task_id, recurrence_id, reminder_id) \
             WHERE a.state IS NOT 'fired' OR n.created_at < a.fire_at",
        )
    }

    fn number(&self, query: &str) -> usize {
        let count = self.0.query_row(query, [], |row| row.get::<_, i64>(0));
        count.unwrap_or_else(|error| panic!("{query}: {error}")).try_into().unwrap()
    }
}
