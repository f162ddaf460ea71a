//! Forgetting tasks and projects that were deleted long ago.
//!
//! A task is marked first: from then on it is there for nobody, and does not come back. What hangs on it goes in pieces, however
//! much it is, and the task last. At most as many tasks are marked as there are rows in a piece, and these share each piece: one
//! with a hundred thousand occurrences holds up no other. All of it may be cut off anywhere, and is gone on with; and several may be at
//! it at once: each takes the rows that are free.

use perennial_domain::Timestamp;

use super::outbox::MAY_BE_LOST;
use super::prune::{Kind, by, none, taken};
use crate::StoreError;
use crate::postgres::{Pg, Postgres};

/// How long what was deleted can be restored, in milliseconds: 30 days.
const KEEP: i64 = 2_592_000_000;

/// Tasks that were deleted so long ago, and projects.
const TASKS: Kind =
    Kind { name: "task", at: "deleted_at", those: "deleted_at IS NOT NULL AND NOT forgotten", kept: KEEP };
const PROJECTS: Kind =
    Kind { name: "project", at: "deleted_at", those: "deleted_at IS NOT NULL", kept: KEEP };

/// What hangs on a task, in the order in which it goes. Each has an index that begins with the task.
const CHILDREN: [&str; 6] = ["work", "notification", "alarm", "override", "task_word", "occurrence"];

/// The tasks that are being forgotten, as they were marked: no more than a piece has rows. Before that place none is left but what was passed
/// over (prune.rs).
const MARKED: &str = "task AS t WHERE t.forgotten \
     AND t.updated_at >= (SELECT e.place FROM expired AS e WHERE e.name = 'marked')";
const IN_ORDER: &str = "ORDER BY t.updated_at";

/// Whether there is any of it: what was deleted long ago, or has been begun with.
pub(super) fn look() -> String {
    format!(
        "({} OR {} OR (SELECT t.id FROM {MARKED} {IN_ORDER} LIMIT 1) IS NOT NULL)",
        TASKS.look(),
        PROJECTS.look()
    )
}

/// Marks tasks `w`, with the time of the database's own clock: with their users' streams locked, so that no commit that has looked at one is
/// under way. One of a user who writes right now is left for another time.
pub(super) fn marked(those: &str) -> String {
    format!(
        "w AS MATERIALIZED ({those}), {LOCKED}, \
         marked AS (UPDATE task SET forgotten = true, version = task.version + 1, updated_at = perennial_now(NULL) FROM w \
          WHERE task.id = w.id AND NOT task.forgotten AND {MAY} AND {MAY_BE_LOST} RETURNING 1)"
    )
}

/// Locks the streams of the users of tasks `w`, but those to which somebody is writing.
const LOCKED: &str = "l AS MATERIALIZED (SELECT s.id FROM stream AS s WHERE s.id IN (SELECT w.user_id FROM w) ORDER BY s.id \
     FOR NO KEY UPDATE SKIP LOCKED)";

/// Whether the task `w` may be changed with that.
const MAY: &str =
    "(w.user_id IN (SELECT l.id FROM l) OR NOT EXISTS (SELECT 1 FROM stream AS s WHERE s.id = w.user_id))";

/// Marks what was deleted long ago: half of the room that there is, for the tasks of deleted users need the other.
pub(super) fn mark<S: Pg>(
    store: &Postgres<S>,
    now: Timestamp,
    limit: u32,
    anew: &[String],
) -> Result<(), StoreError> {
    let room = u32::try_from(room(store, limit)?.saturating_add(1) / 2).unwrap_or(limit);
    if room > 0 {
        let tasks = TASKS.walked("t.id, t.user_id", &marked("SELECT g.id, g.user_id FROM gone AS g"));
        TASKS.forget(store, &tasks, now, room, anew)?;
    }
    PROJECTS.forget(store, &PROJECTS.deleted(), now, limit, anew)
}

/// How many tasks may be marked beside those that are.
pub(super) fn room<S: Pg>(store: &Postgres<S>, limit: u32) -> Result<i64, StoreError> {
    Ok(i64::from(limit).saturating_sub(count(store)?).max(0))
}

fn count<S: Pg>(store: &Postgres<S>) -> Result<i64, StoreError> {
    let count = format!("SELECT count(*) FROM {MARKED}");
    Ok(store.query_one(&count, &[], |row| row.integer())?.unwrap_or_default())
}

/// Goes a piece further with the tasks that are marked: of each table about `limit` rows.
pub(super) fn forget<S: Pg>(store: &Postgres<S>, limit: u32) -> Result<(), StoreError> {
    let count = count(store)?;
    if let Some(each) = i64::from(limit).checked_div(count) {
        pieces(store, each.max(1))?;
    }
    // The rest goes on from the first that is left. One that another marks right now is still seen, a moment later.
    store.execute(
        &format!(
            "UPDATE expired AS p SET place = coalesce((SELECT t.updated_at FROM {MARKED} {IN_ORDER} LIMIT 1), \
              perennial_now(NULL) - 100) \
             WHERE p.name = 'marked' AND ($1::bigint > 0 OR p.place = 0) AND {MAY_BE_LOST}"
        ),
        &[count.into()],
    )?;
    Ok(())
}

/// Of each of the tasks that are marked, `each` rows of each table; and the tasks of which nothing is left.
fn pieces<S: Pg>(store: &Postgres<S>, each: i64) -> Result<(), StoreError> {
    let marked = format!("(SELECT t.id FROM {MARKED} {IN_ORDER}) AS t");
    for table in CHILDREN {
        let piece = taken(table, &marked, (&by("task_id", "t.id"), "r.task_id"), "$1::bigint");
        store.execute(&piece, &[each.into()])?;
    }
    // A part of a task that is forgotten is a part of nothing. Marked or not, it is its user's.
    store.execute(
        &format!(
            "WITH w AS MATERIALIZED (SELECT p.id, p.user_id FROM {marked} CROSS JOIN LATERAL ( \
              SELECT p.id, p.user_id FROM task AS p WHERE p.parent_id = t.id ORDER BY p.id LIMIT $1::bigint) AS p), {LOCKED} \
             UPDATE task SET parent_id = NULL, version = task.version + 1 FROM w \
             WHERE task.id = w.id AND coalesce(task.parent_id, '') <> '' AND {MAY} AND {MAY_BE_LOST}"
        ),
        &[each.into()],
    )?;
    let left: Vec<String> = CHILDREN
        .iter()
        .map(|table| none(table, &by("task_id", "t.id"), "task_id"))
        .chain([none("task", &by("parent_id", "t.id"), "parent_id")])
        .collect();
    let done = format!(
        "DELETE FROM task WHERE {MAY_BE_LOST} AND ctid = ANY (ARRAY(SELECT t.ctid FROM {MARKED} AND {} {IN_ORDER} \
         FOR UPDATE SKIP LOCKED))",
        left.join(" AND ")
    );
    store.execute(&done, &[])?;
    Ok(())
}
