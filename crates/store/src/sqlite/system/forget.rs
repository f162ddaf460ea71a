//! Forgetting tasks and projects that were deleted long ago.
//!
//! A task is marked first: from then on it is there for nobody, and does not come back. What hangs on it goes in pieces, however
//! much it is, and the task last. At most as many tasks are marked as there are rows in a piece, and these share each piece: one
//! with a hundred thousand occurrences holds up no other. All of it may be cut off anywhere, and is gone on with.

use perennial_domain::Timestamp;

use crate::StoreError;
use crate::sqlite::{Sql, Sqlite};

/// How long what was deleted can be restored, in milliseconds: 30 days.
pub(super) const KEEP: i64 = 2_592_000_000;

/// What hangs on a task, in the order in which it goes: the table, and what tells its rows of one task apart. Each has an index
/// that begins with the task.
const CHILDREN: &[(&str, &str)] = &[
    ("work", "rowid"),
    ("notification_v2", "rowid"),
    ("notification", "rowid"),
    ("alarm", "rowid"),
    ("override", "recurrence_id"),
    ("task_word", "word"),
    ("occurrence", "rowid"),
];

/// The tasks that are being forgotten.
const MARKED: &str = "task AS t INDEXED BY task_forgotten";

/// How many they are: no more than a piece has rows.
const COUNT: &str = "SELECT count(*) FROM task INDEXED BY task_forgotten WHERE forgotten = 1";

/// Whether there is any of it: what was deleted before `?6`, or has been begun with.
pub(super) const LOOK: &str = "(EXISTS (SELECT 1 FROM task INDEXED BY task_old WHERE deleted_at < ?6) \
     OR EXISTS (SELECT 1 FROM project INDEXED BY project_old WHERE deleted_at < ?6) \
     OR EXISTS (SELECT 1 FROM task INDEXED BY task_forgotten WHERE forgotten = 1))";

/// Marks what was deleted before a time: half of the room that there is, for the tasks of deleted users need the other.
pub(super) fn mark<S: Sql>(store: &Sqlite<S>, before: Timestamp, limit: u32) -> Result<(), StoreError> {
    let room = room(store, limit)?.saturating_add(1) / 2;
    store.execute(
        "UPDATE task SET forgotten = 1, version = version + 1 WHERE id IN ( \
         SELECT id FROM task INDEXED BY task_old WHERE deleted_at < ?1 AND forgotten IS NULL ORDER BY deleted_at LIMIT ?2)",
        &[before.into(), room.into()],
    )?;
    store.execute(
        "DELETE FROM project WHERE id IN ( \
         SELECT id FROM project INDEXED BY project_old WHERE deleted_at < ?1 ORDER BY deleted_at LIMIT ?2)",
        &[before.into(), limit.into()],
    )?;
    Ok(())
}

/// How many tasks may be marked beside those that are.
pub(super) fn room<S: Sql>(store: &Sqlite<S>, limit: u32) -> Result<i64, StoreError> {
    Ok(i64::from(limit).saturating_sub(marked(store)?).max(0))
}

fn marked<S: Sql>(store: &Sqlite<S>) -> Result<i64, StoreError> {
    Ok(store.query_one(COUNT, &[], |row| row.integer())?.unwrap_or_default())
}

/// Goes a piece further with the tasks that are marked: of each table about `limit` rows.
pub(super) fn forget<S: Sql>(store: &Sqlite<S>, limit: u32) -> Result<(), StoreError> {
    let Some(each) = i64::from(limit).checked_div(marked(store)?) else { return Ok(()) };
    for (table, key) in CHILDREN {
        store.execute(&piece(table, key), &[each.max(1).into()])?;
    }
    // A part of a task that is forgotten is a part of nothing.
    store.execute(
        &format!(
            "UPDATE task SET parent_id = NULL, version = version + 1 WHERE id IN ( \
             SELECT p.id FROM {MARKED} CROSS JOIN task AS p ON p.id IN ( \
             SELECT id FROM task INDEXED BY task_part WHERE parent_id = t.id LIMIT ?1) WHERE t.forgotten = 1)"
        ),
        &[each.max(1).into()],
    )?;
    let left: String = CHILDREN
        .iter()
        .map(|(table, _)| format!(" AND NOT EXISTS (SELECT 1 FROM {table} WHERE task_id = t.id)"))
        .collect();
    store.execute(
        &format!(
            "DELETE FROM task WHERE id IN (SELECT t.id FROM {MARKED} WHERE t.forgotten = 1{left} \
             AND NOT EXISTS (SELECT 1 FROM task INDEXED BY task_part WHERE parent_id = t.id))"
        ),
        &[],
    )?;
    Ok(())
}

/// Takes away up to `?1` rows of each marked task.
fn piece(table: &str, key: &str) -> String {
    let rows = format!(
        "FROM {MARKED} CROSS JOIN {table} AS c ON c.task_id = t.id AND c.{key} IN ( \
         SELECT {key} FROM {table} WHERE task_id = t.id LIMIT ?1) WHERE t.forgotten = 1"
    );
    match key {
        "rowid" => format!("DELETE FROM {table} WHERE rowid IN (SELECT c.rowid {rows})"),
        _ => format!("DELETE FROM {table} WHERE (task_id, {key}) IN (SELECT c.task_id, c.{key} {rows})"),
    }
}
