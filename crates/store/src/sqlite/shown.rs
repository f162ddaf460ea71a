//! Rows that are only shown. They come as arrays: names cost more than what they name, to make and to read.

/// An occurrence `o` as its user sees it: an [`OccurrenceRecord`](crate::OccurrenceRecord).
const OCCURRENCE: &str = "json_array(o.id, o.recurrence_id, o.predecessor, o.ordinal, o.status, o.title, \
     CASE WHEN o.due_local IS NOT NULL THEN json_array(o.due_local, o.due_tz) END, o.due_at, o.completed_at)";

/// What a list of tasks may take before it is cut, in bytes: fifty tasks have 20 KB, two hundred of the largest 13 MB.
const LIST: u32 = 1024 * 1024;

/// The task `t` that the condition names, as a list of one or none.
pub(super) fn task(condition: &str) -> String {
    format!(
        "SELECT '[' || group_concat(task, ',') || ']' AS tasks, 0 AS cut FROM ({} LIMIT 1)",
        rows(&[condition])
    )
}

/// The tasks `t` that any one of the conditions names, by id, as one list; NULL where there is none, and where they are too
/// large for one, which is told.
pub(super) fn tasks(conditions: &[&str], limit: &str) -> String {
    format!(
        "SELECT CASE WHEN total(octet_length(task)) < {LIST} THEN '[' || group_concat(task, ',') || ']' END AS tasks, \
         total(octet_length(task)) >= {LIST} AS cut FROM ({} ORDER BY 2 LIMIT {limit})",
        rows(conditions)
    )
}

/// The same of tasks that are too large for one list. It is cut after the task with which it has its bytes.
pub(super) fn some_tasks(conditions: &[&str], limit: &str) -> String {
    let sized = format!(
        "SELECT task, coalesce(sum(octet_length(task)) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) \
         AS before FROM ({} ORDER BY 2 LIMIT {limit})",
        rows(conditions)
    );
    format!(
        "SELECT '[' || group_concat(task, ',') FILTER (WHERE before < {LIST}) || ']' AS tasks, \
         max(before) >= {LIST} AS cut FROM ({sized})"
    )
}

/// Tasks as their user sees them. What is kept as JSON text comes as text. Whether anything of the user's is parked is asked
/// once, not for each task.
fn rows(conditions: &[&str]) -> String {
    let those = |condition: &&str| {
        format!(
            "SELECT json_array(t.id, t.version, t.title, t.description, t.priority, t.tags, \
             CASE WHEN t.due_local IS NOT NULL THEN json_object('local', t.due_local, 'tz', t.due_tz) END, \
             t.recurrence, t.reminders, t.status, t.created_at, t.updated_at, t.completed_at, \
             CASE WHEN o.id IS NOT NULL THEN {OCCURRENCE} END, \
             CASE WHEN EXISTS (SELECT 1 FROM work WHERE user_id = ?1 AND parked_at IS NOT NULL) \
             THEN json((SELECT json_array(w.id, w.reason, w.parked_at) FROM work AS w \
              WHERE w.task_id = t.id AND w.kind = 'successor' AND w.parked_at IS NOT NULL LIMIT 1)) END) AS task, t.id AS id \
             FROM task AS t LEFT JOIN occurrence AS o ON o.id = (SELECT id FROM occurrence \
              WHERE task_id = t.id AND status = 'open' ORDER BY ordinal LIMIT 1) \
             WHERE t.user_id = ?1 AND t.deleted_at IS NULL AND {condition}"
        )
    };
    conditions.iter().map(those).collect::<Vec<_>>().join(" UNION ALL ")
}

/// Occurrences of the task `?2` of the user `?1`, in an order. Those that follow another have indexes for it; the others are
/// the first of a task, and few.
pub(super) fn occurrences(order: &str, condition: &str, limit: &str) -> String {
    let those = |predecessor: &str| {
        format!(
            "SELECT {OCCURRENCE} AS shown, {order} FROM occurrence AS o \
             WHERE o.task_id = ?2 AND o.user_id = ?1 AND o.predecessor {predecessor} AND {condition}"
        )
    };
    format!("{} UNION ALL {} ORDER BY 2 LIMIT {limit}", those("IS NULL"), those("IS NOT NULL"))
}
