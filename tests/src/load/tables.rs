//! What must be so in the end, as the tables have it, in words that SQLite and PostgreSQL have in common. `{now}` stands for the time in
//! milliseconds by the database's clock, `{notification}` for the table of notifications.

/// What is left to do: a table, a column that it needs for the question, and the question. Nothing once every successor is planned, every
/// due reminder fired, every notification delivered and every event published. A build whose schema has no such table or column has
/// no such work.
pub const LEFT: [(&str, &str, &str); 4] = [
    ("work", "wake_at", "SELECT count(*) FROM work WHERE wake_at <= {now}"),
    ("alarm", "fire_at", "SELECT count(*) FROM alarm WHERE state = 'armed' AND fire_at <= {now}"),
    ("{notification}", "state", "SELECT count(*) FROM {notification} WHERE state = 'pending'"),
    ("stream", "published", "SELECT count(*) FROM stream WHERE sequence > published"),
];

/// What may not be: nothing is there twice, nothing is missing that follows from what is there, and no stream's sequence has a gap.
pub const WRONG: [(&str, &str); 10] = [
    (
        "a completed occurrence without exactly one successor",
        "SELECT count(*) FROM occurrence AS closed
         JOIN task ON task.id = closed.task_id AND task.deleted_at IS NULL AND task.status = 'open'
         WHERE closed.status = 'done' AND closed.recurrence_id <> '' AND 1 <> (
             SELECT count(*) FROM occurrence AS next
             WHERE next.task_id = closed.task_id AND next.predecessor = closed.recurrence_id)",
    ),
    (
        "an occurrence twice",
        "SELECT count(*) FROM (
             SELECT 1 FROM occurrence GROUP BY task_id, recurrence_id HAVING count(*) > 1) AS found",
    ),
    (
        "a fired alarm without exactly one notification",
        "SELECT count(*) FROM alarm WHERE state = 'fired' AND 1 <> (
             SELECT count(*) FROM {notification} AS n
             WHERE n.task_id = alarm.task_id AND n.recurrence_id = alarm.recurrence_id
               AND n.reminder_id = alarm.reminder_id AND n.fire_at = alarm.fire_at)",
    ),
    (
        "a notification without a fired alarm",
        "SELECT count(*) FROM {notification} AS n WHERE NOT EXISTS (
             SELECT 1 FROM alarm
             WHERE n.task_id = alarm.task_id AND n.recurrence_id = alarm.recurrence_id
               AND n.reminder_id = alarm.reminder_id
               AND (alarm.state = 'fired' OR alarm.fire_at <> n.fire_at))",
    ),
    (
        "a deleted task with an armed alarm",
        "SELECT count(*) FROM alarm JOIN task ON task.id = alarm.task_id
         WHERE alarm.state = 'armed' AND task.deleted_at IS NOT NULL",
    ),
    (
        "a deleted task that owes an occurrence",
        "SELECT count(*) FROM occurrence JOIN task ON task.id = occurrence.task_id
         WHERE occurrence.succession IN ('pending', 'due') AND task.deleted_at IS NOT NULL",
    ),
    (
        "a task without exactly one event of its creation",
        "SELECT count(*) FROM (
             SELECT id FROM task EXCEPT SELECT subject FROM outbox
             WHERE type = 'task.created' GROUP BY subject HAVING count(*) = 1) AS found",
    ),
    (
        "a completion without exactly one event",
        "SELECT count(*) FROM (
             SELECT task_id, recurrence_id FROM occurrence WHERE status = 'done' AND recurrence_id <> ''
             EXCEPT SELECT subject, data ->> 'recurrence_id' FROM outbox
             WHERE type = 'task.completed' GROUP BY 1, 2 HAVING count(*) = 1) AS found",
    ),
    (
        "a delivered notification without exactly one event",
        "SELECT count(*) FROM (
             SELECT id FROM {notification} WHERE state = 'delivered'
             EXCEPT SELECT data ->> 'notification_id' FROM outbox
             WHERE type = 'notification.delivered' GROUP BY 1 HAVING count(*) = 1) AS found",
    ),
    (
        "a stream whose sequence has a gap",
        "SELECT count(*) FROM (
             SELECT 1 FROM outbox GROUP BY stream_id
             HAVING min(sequence) <> 1 OR max(sequence) <> count(*) OR count(DISTINCT sequence) <> count(*)) AS found",
    ),
];

/// One of these, as PostgreSQL has it.
pub fn of_postgres(query: &str) -> String {
    let now = "(extract(epoch from clock_timestamp()) * 1000)::bigint";
    query.replace("{now}", now).replace("{notification}", "notification")
}
