//! Looks into the database, past the API.
//!
//! This is the one place that knows the names of tables and columns.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use perennial_domain::UserId;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

/// The service's SQLite file, opened read only.
#[derive(Debug)]
pub struct Look(Connection);

/// The same of what lies in either store, where it is but a number.
pub(crate) mod counts {
    /// Alarms that wait for their time.
    pub const ARMED: &str = "SELECT count(*) FROM alarm WHERE state = 'armed'";
    /// Entries of the audit that no seal covers yet.
    pub const UNSEALED: &str =
        "SELECT CAST(coalesce(sum(audited - sealed), 0) AS bigint) FROM stream WHERE seal_at IS NOT NULL";
    /// Notifications made so far.
    pub const NOTIFICATIONS: &str = "SELECT count(*) FROM notification_v2";
    /// Alarms that have at least one notification.
    pub const NOTIFIED: &str = "SELECT count(*) FROM (SELECT DISTINCT task_id, recurrence_id, reminder_id FROM notification_v2) AS n";
    /// Notifications made before their alarm's time, or without an alarm that has fired.
    pub const EARLY: &str = "SELECT count(*) FROM notification_v2 AS n \
         LEFT JOIN alarm AS a USING (task_id, recurrence_id, reminder_id) \
         WHERE coalesce(a.state, '') <> 'fired' OR n.created_at < a.fire_at";
}

impl Look {
    /// Opens the file.
    pub fn at(file: &Path) -> Self {
        let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        database.busy_timeout(Duration::from_secs(10)).unwrap();
        Self(database)
    }

    /// Alarms that wait for their time.
    pub fn armed(&self) -> usize {
        self.number(counts::ARMED)
    }

    /// Entries of the audit that no seal covers yet.
    pub fn unsealed(&self) -> usize {
        self.number(counts::UNSEALED)
    }

    /// Notifications made so far.
    pub fn notifications(&self) -> usize {
        self.number(counts::NOTIFICATIONS)
    }

    /// Alarms that have at least one notification.
    pub fn alarms_notified(&self) -> usize {
        self.number(counts::NOTIFIED)
    }

    /// Notifications made before their alarm's time, or without an alarm that has fired.
    pub fn early_or_unfounded(&self) -> usize {
        self.number(counts::EARLY)
    }

    /// Changes whenever somebody else has written.
    pub fn version(&self) -> i64 {
        self.0.prepare_cached("PRAGMA data_version").unwrap().query_row([], |row| row.get(0)).unwrap()
    }

    /// The occurrence that follows another of the same task, by its recurrence id.
    pub fn successor(&self, task: &str, predecessor: &str) -> Option<String> {
        let query = "SELECT recurrence_id FROM occurrence WHERE task_id = ?1 AND predecessor = ?2";
        let mut query = self.0.prepare_cached(query).unwrap();
        query.query_row([task, predecessor], |row| row.get(0)).optional().unwrap()
    }

    /// The occurrences of a task: how many there are, the last one's number, how many follow another, and how many are open.
    pub fn occurrences(&self, task: &str) -> [usize; 4] {
        let query = "SELECT count(*), max(ordinal), count(predecessor), sum(status = 'open') FROM occurrence WHERE task_id = ?1";
        let mut query = self.0.prepare_cached(query).unwrap();
        let counts = query.query_row([task], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]));
        counts.unwrap().map(|count: i64| count.try_into().unwrap())
    }

    /// How often it was told of each task that an occurrence was opened.
    pub fn openings(&self) -> BTreeMap<String, usize> {
        let query = "SELECT subject, count(*) FROM outbox WHERE type = 'occurrence.opened' GROUP BY subject";
        let mut query = self.0.prepare(query).unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).unwrap();
        rows.map(Result::unwrap).map(|(task, count)| (task, count.try_into().unwrap())).collect()
    }

    /// Events that were not published yet.
    pub fn unpublished(&self) -> usize {
        self.number("SELECT coalesce(sum(sequence - published), 0) FROM stream")
    }

    /// Events that somebody has given up on.
    pub fn dead_letters(&self) -> usize {
        self.number("SELECT count(*) FROM dead_letter")
    }

    /// Ids of the users that were made.
    pub fn members(&self) -> Vec<UserId> {
        let mut query = self.0.prepare("SELECT id FROM user WHERE role = 'member' ORDER BY id").unwrap();
        let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|id| UserId::new(id.unwrap())).collect()
    }

    fn number(&self, query: &str) -> usize {
        let count = self.0.query_row(query, [], |row| row.get::<_, i64>(0));
        count.unwrap_or_else(|error| panic!("{query}: {error}")).try_into().unwrap()
    }
}
