-- The third schema: a create touches fewer trees, the usual commit compiles only what it needs, and the lists of work lose and
-- hold nothing that they should not.

-- A successor that is owed is owed at once, whatever the clock of whoever completed the occurrence said; and one that is owed
-- at a time that nobody knows is given up where its owner sees it.
CREATE TRIGGER IF NOT EXISTS occurrence_new_v3 AFTER INSERT ON occurrence WHEN NEW.succession IN ('pending', 'due') BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at, reason, parked_at)
    VALUES ('successor', NEW.user_id, NEW.user_id, NEW.task_id, NEW.recurrence_id,
        CASE NEW.succession WHEN 'due' THEN NEW.due_at ELSE 0 END,
        iif(NEW.succession = 'due' AND NEW.due_at IS NULL, 'its next occurrence comes when it is due, and it has no due date', NULL),
        iif(NEW.succession = 'due' AND NEW.due_at IS NULL, unixepoch() * 1000, NULL))
    ON CONFLICT DO NOTHING;
END
--;
DROP TRIGGER IF EXISTS occurrence_new_v2
--;
CREATE TRIGGER IF NOT EXISTS occurrence_owes_v3 AFTER UPDATE OF succession, due_at ON occurrence
WHEN NEW.succession IN ('pending', 'due') AND (OLD.succession <> NEW.succession OR OLD.due_at IS NOT NEW.due_at) BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at, reason, parked_at)
    VALUES ('successor', NEW.user_id, NEW.user_id, NEW.task_id, NEW.recurrence_id,
        CASE NEW.succession WHEN 'due' THEN NEW.due_at ELSE 0 END,
        iif(NEW.succession = 'due' AND NEW.due_at IS NULL, 'its next occurrence comes when it is due, and it has no due date', NULL),
        iif(NEW.succession = 'due' AND NEW.due_at IS NULL, unixepoch() * 1000, NULL))
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET wake_at = excluded.wake_at, tries = 0, unsettled = 0,
        reason = excluded.reason, parked_at = excluded.parked_at;
END
--;
DROP TRIGGER IF EXISTS occurrence_owes_v2
--;
-- What the triggers before these have left.
UPDATE work SET wake_at = 0 WHERE id IN (
    SELECT w.id FROM work AS w CROSS JOIN occurrence AS o ON o.task_id = w.task_id AND o.recurrence_id = w.recurrence_id
    WHERE w.kind = 'successor' AND w.again = 0 AND w.wake_at > 0 AND w.tries = 0 AND o.succession = 'pending'
    LIMIT 50000)
RETURNING 1
--;
UPDATE work SET reason = 'its next occurrence comes when it is due, and it has no due date', parked_at = unixepoch() * 1000
WHERE kind = 'successor' AND wake_at IS NULL AND parked_at IS NULL
--;
-- A new alarm has no work that waits, so that nothing of what an update leads to is compiled with it.
CREATE TRIGGER IF NOT EXISTS alarm_new_v3 AFTER INSERT ON alarm WHEN NEW.state = 'armed' BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at)
    VALUES ('reminder', NEW.user_id, NEW.user_id, NEW.task_id, NEW.recurrence_id, NEW.reminder_id, NEW.fire_at)
    ON CONFLICT DO NOTHING;
END
--;
DROP TRIGGER IF EXISTS alarm_new_v2
--;
-- A reminder that was sent for an instant is not sent for it again: an alarm that is set back to it has fired.
CREATE TRIGGER IF NOT EXISTS alarm_set_v3 AFTER UPDATE OF state, fire_at ON alarm
WHEN NEW.state = 'armed' AND (OLD.state <> 'armed' OR OLD.fire_at <> NEW.fire_at) BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at)
    VALUES ('reminder', NEW.user_id, NEW.user_id, NEW.task_id, NEW.recurrence_id, NEW.reminder_id, NEW.fire_at)
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET wake_at = excluded.wake_at, tries = 0, unsettled = 0,
        reason = NULL, parked_at = NULL;
    UPDATE alarm SET state = 'fired'
    WHERE task_id = NEW.task_id AND recurrence_id = NEW.recurrence_id AND reminder_id = NEW.reminder_id AND EXISTS (
        SELECT 1 FROM notification_v2 AS n
        WHERE n.task_id = NEW.task_id AND n.recurrence_id = NEW.recurrence_id AND n.reminder_id = NEW.reminder_id
            AND n.fire_at = NEW.fire_at);
END
--;
DROP TRIGGER IF EXISTS alarm_set_v2
--;
-- Claims in sets, as before; what was claimed `most` times and never settled brings down whoever takes it: it is given up
-- here, where nobody needs to survive it.
CREATE VIEW IF NOT EXISTS claim_v3 AS SELECT NULL AS id, NULL AS kind, NULL AS again, NULL AS now, NULL AS lease_for,
    NULL AS hold_for, NULL AS lanes, NULL AS per_lane, NULL AS most
--;
CREATE TRIGGER IF NOT EXISTS claim_work_v3 INSTEAD OF INSERT ON claim_v3 BEGIN
    UPDATE lane SET claim = NEW.id, served_at = NEW.now, hold_until = max(hold_until, NEW.now + NEW.hold_for)
    WHERE (kind, again, lane) IN (
        SELECT kind, again, lane FROM lane
        WHERE kind = NEW.kind AND again = NEW.again AND ready_at <= NEW.now ORDER BY ready_at LIMIT NEW.lanes);
    UPDATE work SET wake_at = NULL, parked_at = NEW.now, reason = 'it was begun again and again and never finished'
    WHERE unsettled >= NEW.most AND id IN (
        SELECT w.id FROM lane AS l JOIN work AS w ON w.id IN (
            SELECT id FROM work
            WHERE kind = NEW.kind AND again = NEW.again AND lane = l.lane AND wake_at <= NEW.now
            ORDER BY wake_at LIMIT NEW.per_lane)
        WHERE l.claim = NEW.id);
    UPDATE work SET claim = NEW.id, wake_at = NEW.now + NEW.lease_for, tries = tries + 1, unsettled = unsettled + 1
    WHERE id IN (
        SELECT w.id FROM lane AS l JOIN work AS w ON w.id IN (
            SELECT id FROM work
            WHERE kind = NEW.kind AND again = NEW.again AND lane = l.lane AND wake_at <= NEW.now
            ORDER BY wake_at LIMIT NEW.per_lane)
        WHERE l.claim = NEW.id);
END
--;
-- What is claimed is told to the build before the last; no other change of work is compiled with that.
CREATE TRIGGER IF NOT EXISTS work_claimed_v3 AFTER UPDATE OF claim ON work
WHEN NEW.kind = 'notification' AND NEW.unsettled > OLD.unsettled BEGIN
    UPDATE notification SET next_attempt_at = NEW.wake_at WHERE id = NEW.item AND state = 'pending';
END
--;
DROP TRIGGER IF EXISTS work_claimed_v2
--;
-- Holds that lie too far ahead are found by the furthest of each sort: those of an endpoint that hangs may lie further.
CREATE INDEX IF NOT EXISTS lane_held_by_claim ON lane (hold_until) WHERE failures <= 0
--;
CREATE INDEX IF NOT EXISTS lane_held_by_failure ON lane (hold_until) WHERE failures > 0
--;
DROP INDEX IF EXISTS lane_held
--;
-- Lanes where nothing waits: they go when nothing remembers anything in them either.
CREATE INDEX IF NOT EXISTS lane_idle ON lane (hold_until) WHERE next_at IS NULL
--;
-- Fewer trees for each row. What is read in the order of making or by date is mostly one row per task: the first occurrence,
-- which needs no index but that of its (missing) predecessor.
CREATE INDEX IF NOT EXISTS occurrence_later_in_order ON occurrence (task_id, id) WHERE predecessor IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS occurrence_later_by_due_at ON occurrence (task_id, due_at) WHERE predecessor IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS occurrence_later_by_due_local ON occurrence (task_id, substr(due_local || 'T00:00:00', 1, 19))
WHERE predecessor IS NOT NULL
--;
DROP INDEX IF EXISTS occurrence_in_order
--;
DROP INDEX IF EXISTS occurrence_by_due_at
--;
DROP INDEX IF EXISTS occurrence_by_due_local
--;
-- What was given out is what is open and what was closed, which have an index each.
DROP INDEX IF EXISTS occurrence_given_out
--;
-- All of a user's tasks are the open and the done ones.
DROP INDEX IF EXISTS task_of_user
--;
-- Answers are made in the order of their rows.
DROP INDEX IF EXISTS idempotency_by_age
--;
-- A stream knows up to where it is published.
DROP INDEX IF EXISTS outbox_waiting
