//! Rows that are only shown. They come as arrays: names cost more than what they name, to make and to read. Arrays are made of JSON
//! values one by one, for those of `json_build_array` have spaces in them.

/// An occurrence `o` as its user sees it: an [`OccurrenceRecord`](crate::OccurrenceRecord).
macro_rules! occurrence {
    () => {
        "array_to_json(ARRAY[to_json(o.id), to_json(o.recurrence_id), to_json(o.predecessor), to_json(o.ordinal), to_json(o.status), \
         to_json(o.title), CASE WHEN o.due_local IS NOT NULL THEN to_json(ARRAY[o.due_local, o.due_tz]) END, to_json(o.due_at), \
         CASE WHEN o.start_local IS NOT NULL THEN to_json(ARRAY[o.start_local, o.start_tz]) END, to_json(o.start_at), \
         to_json(o.completed_at)])"
    };
}

/// A date and time of a zone as JSON.
macro_rules! zoned {
    ($local:literal, $tz:literal) => {
        concat!(
            "CASE WHEN ",
            $local,
            " IS NOT NULL THEN format('{\"local\":%s,\"tz\":%s}', to_json(",
            $local,
            "), coalesce(to_json(",
            $tz,
            ")::text, 'null'))::json END"
        )
    };
}

pub(super) const OCCURRENCE: &str = occurrence!();

/// A task `t` of the user `$1` as that user sees it: the text of a [`TaskRecord`](crate::TaskRecord), with its earliest open
/// occurrence. What is kept as JSON comes as text. Whether anything of the user's is parked is asked once, not for each task.
pub(super) const TASK: &str = concat!(
    "array_to_json(ARRAY[to_json(t.id), to_json(t.version), to_json(t.title), to_json(t.description), to_json(t.priority), \
     to_json(t.tags::text), ",
    zoned!("t.due_local", "t.due_tz"),
    ", ",
    zoned!("t.start_local", "t.start_tz"),
    ", to_json(t.duration), to_json(t.project_id), to_json(t.parent_id), to_json(coalesce(t.position, t.id)), \
     to_json(t.metadata::text), to_json(t.recurrence::text), to_json(t.reminders::text), to_json(t.status), to_json(t.created_at), \
     to_json(t.updated_at), to_json(t.completed_at), to_json(t.deleted_at), to_json(t.next_due_at), to_json(t.rank), \
     (SELECT ",
    occurrence!(),
    " FROM occurrence AS o WHERE o.task_id = t.id AND o.status = 'open' ORDER BY o.ordinal LIMIT 1), \
     CASE WHEN EXISTS (SELECT 1 FROM work WHERE user_id = $1::text AND parked_at IS NOT NULL) \
     THEN (SELECT json_build_array(w.id, w.reason, w.parked_at) FROM work AS w \
      WHERE w.task_id = t.id AND w.kind = 'successor' AND w.parked_at IS NOT NULL LIMIT 1) END])::text"
);

/// The task `$2` of the user `$1`, as a list of one or none, and 0.
pub(super) fn task() -> String {
    format!(
        "SELECT '[' || {TASK} || ']', 0::bigint, NULL::text FROM task AS t \
         WHERE t.user_id = $1::text AND t.id = $2::text AND t.deleted_at IS NULL"
    )
}

/// Occurrences of the task `$2` of the user `$1`, in an order that there is an index for, and in that of their making.
pub(super) fn occurrences(order: &str, condition: &str, limit: &str) -> String {
    format!(
        "SELECT {OCCURRENCE}::text FROM occurrence AS o \
         WHERE o.task_id = $2::text AND o.user_id = $1::text AND {condition} ORDER BY {order}o.id LIMIT {limit}"
    )
}
