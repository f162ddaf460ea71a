//! Rows that are only shown. They come as arrays: names cost more than what they name, to make and to read.

/// An occurrence `o` as its user sees it: an [`OccurrenceRecord`](crate::OccurrenceRecord).
macro_rules! occurrence {
    () => {
        "json_array(o.id, o.recurrence_id, o.predecessor, o.ordinal, o.status, o.title, \
         CASE WHEN o.due_local IS NOT NULL THEN json_array(o.due_local, o.due_tz) END, o.due_at, \
         CASE WHEN o.start_local IS NOT NULL THEN json_array(o.start_local, o.start_tz) END, o.start_at, o.completed_at)"
    };
}

pub(super) const OCCURRENCE: &str = occurrence!();

/// A task `t` of the user `?1` as that user sees it: a [`TaskRecord`](crate::TaskRecord), with its earliest open occurrence.
/// What is kept as JSON text comes as text. Whether anything of the user's is parked is asked once, not for each task.
pub(super) const TASK: &str = concat!(
    "json_array(t.id, t.version, t.title, t.description, t.priority, t.tags, \
     CASE WHEN t.due_local IS NOT NULL THEN json_object('local', t.due_local, 'tz', t.due_tz) END, \
     CASE WHEN t.start_local IS NOT NULL THEN json_object('local', t.start_local, 'tz', t.start_tz) END, \
     t.duration, t.project_id, t.parent_id, coalesce(t.position, t.id), t.metadata, t.recurrence, t.reminders, t.status, \
     t.created_at, t.updated_at, t.completed_at, t.deleted_at, t.next_due_at, t.rank, \
     json((SELECT ",
    occurrence!(),
    " FROM occurrence AS o WHERE o.task_id = t.id AND o.status = 'open' ORDER BY o.ordinal LIMIT 1)), \
     CASE WHEN EXISTS (SELECT 1 FROM work WHERE user_id = ?1 AND parked_at IS NOT NULL) \
     THEN json((SELECT json_array(w.id, w.reason, w.parked_at) FROM work AS w \
      WHERE w.task_id = t.id AND w.kind = 'successor' AND w.parked_at IS NOT NULL LIMIT 1)) END)"
);

/// The task `?2` of the user `?1`, as a list of one or none, and 0.
pub(super) fn task() -> String {
    format!(
        "SELECT '[' || {TASK} || ']', 0, NULL FROM task AS t WHERE t.user_id = ?1 AND t.id = ?2 AND t.deleted_at IS NULL"
    )
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
