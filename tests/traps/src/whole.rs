//! What must be so after every single trap, whatever was under way.

use crate::House;

/// What may never be found, and how to look for it.
const BROKEN: &[(&str, &str)] = &[
    (
        "a task without an occurrence",
        "task AS t WHERE NOT EXISTS (SELECT 1 FROM occurrence WHERE task_id = t.id)",
    ),
    (
        "a task without its event",
        "task AS t WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE subject = t.id AND type = 'task.created')",
    ),
    (
        "a completion without its event",
        "occurrence AS o WHERE status = 'done' AND NOT EXISTS (SELECT 1 FROM outbox WHERE subject = o.task_id \
         AND type = 'task.completed' AND data ->> 'recurrence_id' = o.recurrence_id)",
    ),
    (
        "a fired alarm without its notification",
        "alarm AS a WHERE state = 'fired' AND NOT EXISTS (SELECT 1 FROM notification_v2 AS n WHERE \
         (n.task_id, n.recurrence_id, n.reminder_id) = (a.task_id, a.recurrence_id, a.reminder_id))",
    ),
    (
        "a notification without its fired alarm",
        "notification_v2 AS n WHERE NOT EXISTS (SELECT 1 FROM alarm AS a WHERE state = 'fired' AND \
         (n.task_id, n.recurrence_id, n.reminder_id) = (a.task_id, a.recurrence_id, a.reminder_id))",
    ),
    (
        "a fired alarm without its event",
        "alarm AS a WHERE state = 'fired' AND 1 <> (SELECT count(*) FROM outbox WHERE subject = a.task_id \
         AND type = 'reminder.fired' AND data ->> 'recurrence_id' = a.recurrence_id \
         AND data ->> 'reminder_id' = a.reminder_id)",
    ),
    (
        "an end of a delivery without its event",
        "notification_v2 AS n WHERE state IN ('delivered', 'failed') AND n.channel_id <> 'inbox' \
         AND 1 <> (SELECT count(*) FROM outbox WHERE type = 'notification.' || n.state \
         AND data ->> 'notification_id' = n.id)",
    ),
    (
        "an open occurrence with a reminder to come that has no alarm",
        "occurrence AS o JOIN task AS t ON t.id = o.task_id WHERE o.status = 'open' AND t.deleted_at IS NULL \
         AND t.reminders <> '[]' AND o.due_at > {NOW} + 3600000 \
         AND NOT EXISTS (SELECT 1 FROM alarm AS a WHERE a.task_id = o.task_id \
          AND a.recurrence_id = o.recurrence_id AND a.state = 'armed' AND a.fire_at <= o.due_at)",
    ),
    (
        "an alarm armed for what is not open",
        "alarm AS a WHERE a.state = 'armed' AND NOT EXISTS (SELECT 1 FROM occurrence AS o JOIN task AS t \
         ON t.id = o.task_id AND t.deleted_at IS NULL WHERE o.task_id = a.task_id \
         AND o.recurrence_id = a.recurrence_id AND o.status = 'open')",
    ),
    (
        "an armed alarm that nobody will find",
        "alarm AS a WHERE state = 'armed' AND NOT EXISTS (SELECT 1 FROM work WHERE kind = 'reminder' \
         AND task_id = a.task_id AND recurrence_id = a.recurrence_id AND item = a.reminder_id \
         AND (parked_at IS NOT NULL OR wake_at >= a.fire_at))",
    ),
    (
        "work for an alarm that is not armed",
        "work AS w WHERE kind = 'reminder' AND NOT EXISTS (SELECT 1 FROM alarm AS a WHERE state = 'armed' \
         AND task_id = w.task_id AND recurrence_id = w.recurrence_id AND reminder_id = w.item)",
    ),
    (
        "a successor owed that nobody will find",
        "occurrence AS o JOIN task AS t ON t.id = o.task_id WHERE o.succession = 'pending' \
         AND t.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM work WHERE kind = 'successor' \
         AND task_id = o.task_id AND recurrence_id = o.recurrence_id)",
    ),
    (
        "a planned successor that is not there",
        "occurrence AS o WHERE succession = 'planned' AND NOT EXISTS (SELECT 1 FROM occurrence AS s \
         WHERE s.task_id = o.task_id AND s.predecessor = o.recurrence_id)",
    ),
    (
        "an occurrence with two successors",
        "(SELECT 1 FROM occurrence WHERE predecessor IS NOT NULL \
         GROUP BY task_id, predecessor HAVING count(*) > 1) AS twice",
    ),
    (
        "a gap in a stream",
        "stream AS s WHERE sequence <> (SELECT count(*) FROM outbox WHERE stream_id = s.id)",
    ),
    ("events that no relay will find", "stream WHERE sequence > published AND relay_at IS NULL"),
    (
        "an event without its audit entry",
        "(SELECT 1 WHERE (SELECT count(*) FROM audit_v4) < (SELECT count(DISTINCT correlation_id) FROM outbox)) AS less",
    ),
];

impl House {
    /// Nothing is there by half.
    pub fn assert_whole(&self, at: &str) {
        for (broken, query) in BROKEN {
            let query = query.replace("{NOW}", &self.now().to_string());
            let found = self.number(&format!("SELECT count(*) FROM {query}"));
            assert_eq!(found, 0, "{broken}, after a trap {at}");
        }
    }

    /// Nothing is left to do, but for what is parked.
    pub fn assert_done(&self, at: &str) {
        let left = self.left();
        assert!(left.is_empty(), "{left:?}, settled after {at}");
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.left().is_empty()
    }

    /// What is left to do.
    fn left(&self) -> Vec<&'static str> {
        let looks = [
            ("work is due", format!("work WHERE wake_at <= {}", self.now())),
            ("a claim is held", "work WHERE unsettled > 0 AND parked_at IS NULL".to_owned()),
            ("events wait", "stream WHERE sequence > published OR relay_at IS NOT NULL".to_owned()),
        ];
        let is_left = |query: &str| self.number(&format!("SELECT count(*) FROM {query}")) > 0;
        looks.into_iter().filter(|(_, query)| is_left(query)).map(|(left, _)| left).collect()
    }
}
