-- How rows of work follow the state of what they stand for.

CREATE TRIGGER IF NOT EXISTS alarm_new_v2 AFTER INSERT ON alarm WHEN NEW.state = 'armed' BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at)
    VALUES ('reminder', NEW.user_id, NEW.user_id, NEW.task_id, NEW.recurrence_id, NEW.reminder_id, NEW.fire_at)
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET wake_at = excluded.wake_at, tries = 0, unsettled = 0,
        reason = NULL, parked_at = NULL;
END
--;
CREATE TRIGGER IF NOT EXISTS alarm_set_v2 AFTER UPDATE OF state, fire_at ON alarm
WHEN NEW.state = 'armed' AND (OLD.state <> 'armed' OR OLD.fire_at <> NEW.fire_at) BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at)
    VALUES ('reminder', NEW.user_id, NEW.user_id, NEW.task_id, NEW.recurrence_id, NEW.reminder_id, NEW.fire_at)
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET wake_at = excluded.wake_at, tries = 0, unsettled = 0,
        reason = NULL, parked_at = NULL;
END
--;
CREATE TRIGGER IF NOT EXISTS alarm_off_v2 AFTER UPDATE OF state ON alarm
WHEN OLD.state = 'armed' AND NEW.state <> 'armed' BEGIN
    DELETE FROM work WHERE task_id = NEW.task_id AND kind = 'reminder' AND recurrence_id = NEW.recurrence_id
        AND item = NEW.reminder_id;
END
--;
CREATE TRIGGER IF NOT EXISTS occurrence_new_v2 AFTER INSERT ON occurrence WHEN NEW.succession IN ('pending', 'due') BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at)
    VALUES ('successor', NEW.user_id, NEW.user_id, NEW.task_id, NEW.recurrence_id,
        CASE NEW.succession WHEN 'due' THEN NEW.due_at ELSE coalesce(NEW.completed_at, NEW.due_at, 0) END)
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET wake_at = excluded.wake_at, tries = 0, unsettled = 0,
        reason = NULL, parked_at = NULL;
END
--;
CREATE TRIGGER IF NOT EXISTS occurrence_owes_v2 AFTER UPDATE OF succession, due_at ON occurrence
WHEN NEW.succession IN ('pending', 'due') AND (OLD.succession <> NEW.succession OR OLD.due_at IS NOT NEW.due_at) BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at)
    VALUES ('successor', NEW.user_id, NEW.user_id, NEW.task_id, NEW.recurrence_id,
        CASE NEW.succession WHEN 'due' THEN NEW.due_at ELSE coalesce(NEW.completed_at, 0) END)
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET wake_at = excluded.wake_at, tries = 0, unsettled = 0,
        reason = NULL, parked_at = NULL;
END
--;
CREATE TRIGGER IF NOT EXISTS occurrence_owes_nothing_v2 AFTER UPDATE OF succession ON occurrence
WHEN OLD.succession IN ('pending', 'due') AND NEW.succession NOT IN ('pending', 'due') BEGIN
    DELETE FROM work WHERE task_id = NEW.task_id AND kind = 'successor' AND recurrence_id = NEW.recurrence_id
        AND item = '';
END
--;
CREATE TRIGGER IF NOT EXISTS occurrence_offered_v2 AFTER UPDATE OF zone_offered ON occurrence
WHEN NEW.zone_offered > NEW.tzdata BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at)
    VALUES ('zone', NEW.user_id, NEW.user_id, NEW.task_id, NEW.recurrence_id, 0)
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET wake_at = excluded.wake_at, tries = 0, unsettled = 0,
        reason = NULL, parked_at = NULL;
END
--;
CREATE TRIGGER IF NOT EXISTS occurrence_zoned_v2 AFTER UPDATE OF tzdata, status ON occurrence
WHEN OLD.zone_offered IS NOT NULL AND (NEW.tzdata >= OLD.zone_offered OR NEW.status <> 'open') BEGIN
    DELETE FROM work WHERE task_id = NEW.task_id AND kind = 'zone' AND recurrence_id = NEW.recurrence_id AND item = '';
END
--;
-- One that was laid on newer zone data and now lies on older ones, or is open again, is taken up once more.
CREATE TRIGGER IF NOT EXISTS occurrence_behind_v2 AFTER UPDATE OF tzdata, status ON occurrence
WHEN NEW.status = 'open' AND NEW.tzdata < NEW.zone_offered AND (NEW.tzdata < OLD.tzdata OR OLD.status <> 'open') BEGIN
    UPDATE occurrence SET zone_offered = NULL WHERE id = NEW.id;
END
--;
CREATE TRIGGER IF NOT EXISTS notification_waits_v2 AFTER INSERT ON notification_v2 WHEN NEW.state = 'pending' BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at, tries)
    VALUES ('notification', NEW.user_id, NEW.channel_id, NEW.task_id, NEW.recurrence_id, NEW.id,
        coalesce(NEW.next_attempt_at, 0), NEW.attempts)
    ON CONFLICT DO NOTHING;
END
--;
CREATE TRIGGER IF NOT EXISTS notification_waits_on_v2 AFTER UPDATE OF next_attempt_at ON notification_v2
WHEN NEW.state = 'pending' BEGIN
    -- What a claim has told the build before comes back as it was.
    UPDATE work SET wake_at = NEW.next_attempt_at, unsettled = 0
    WHERE task_id = NEW.task_id AND kind = 'notification' AND recurrence_id = NEW.recurrence_id AND item = NEW.id
        AND wake_at IS NOT NEW.next_attempt_at;
END
--;
CREATE TRIGGER IF NOT EXISTS notification_ends_v2 AFTER UPDATE OF state ON notification_v2
WHEN OLD.state = 'pending' AND NEW.state <> 'pending' BEGIN
    DELETE FROM work WHERE task_id = NEW.task_id AND kind = 'notification' AND recurrence_id = NEW.recurrence_id
        AND item = NEW.id;
END
--;
-- Nothing is done any more for a task that is gone, nor sent over a channel that is.
CREATE TRIGGER IF NOT EXISTS task_gone_v2 AFTER UPDATE OF deleted_at ON task
WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL BEGIN
    UPDATE notification_v2 SET state = 'cancelled', next_attempt_at = NULL, last_error = 'the task was deleted'
    WHERE task_id = NEW.id AND state = 'pending';
    DELETE FROM work WHERE task_id = NEW.id AND kind <> 'event';
END
--;
CREATE TRIGGER IF NOT EXISTS channel_gone_v2 AFTER UPDATE OF deleted_at ON channel_v2
WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL BEGIN
    UPDATE notification_v2 SET state = 'cancelled', next_attempt_at = NULL, last_error = 'the channel was deleted'
    WHERE channel_id = NEW.id AND state = 'pending';
END
--;
-- What was owed before there was a list of it: repeated until nothing is left to take over.
INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at)
SELECT 'reminder', a.user_id, a.user_id, a.task_id, a.recurrence_id, a.reminder_id, a.fire_at
FROM alarm AS a JOIN task AS t ON t.id = a.task_id AND t.deleted_at IS NULL
WHERE a.state = 'armed' AND NOT EXISTS (
    SELECT 1 FROM work WHERE task_id = a.task_id AND kind = 'reminder' AND recurrence_id = a.recurrence_id
        AND item = a.reminder_id)
LIMIT 50000 RETURNING 1
--;
INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at)
SELECT 'successor', o.user_id, o.user_id, o.task_id, o.recurrence_id,
    CASE o.succession WHEN 'due' THEN o.due_at ELSE coalesce(o.completed_at, 0) END
FROM occurrence AS o JOIN task AS t ON t.id = o.task_id AND t.deleted_at IS NULL
WHERE o.succession IN ('pending', 'due') AND NOT EXISTS (
    SELECT 1 FROM work WHERE task_id = o.task_id AND kind = 'successor' AND recurrence_id = o.recurrence_id
        AND item = '')
LIMIT 50000 RETURNING 1
--;
INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at, tries)
SELECT 'notification', n.user_id, n.channel_id, n.task_id, n.recurrence_id, n.id, coalesce(n.next_attempt_at, 0), n.attempts
FROM notification_v2 AS n JOIN task AS t ON t.id = n.task_id AND t.deleted_at IS NULL
WHERE n.state = 'pending' AND NOT EXISTS (
    SELECT 1 FROM work WHERE task_id = n.task_id AND kind = 'notification' AND recurrence_id = n.recurrence_id
        AND item = n.id)
LIMIT 50000 RETURNING 1
--;
-- Work is claimed in sets: the lanes that have waited longest, a few items of each. Who claims has `lease_for`
-- milliseconds; then another may. A lane is held for `hold_for`, so that it is served in turn.
CREATE VIEW IF NOT EXISTS claim_v2 AS SELECT NULL AS id, NULL AS kind, NULL AS again, NULL AS now, NULL AS lease_for,
    NULL AS hold_for, NULL AS lanes, NULL AS per_lane
--;
CREATE TRIGGER IF NOT EXISTS claim_work_v2 INSTEAD OF INSERT ON claim_v2 BEGIN
    UPDATE lane SET claim = NEW.id, served_at = NEW.now, hold_until = max(hold_until, NEW.now + NEW.hold_for)
    WHERE (kind, again, lane) IN (
        SELECT kind, again, lane FROM lane
        WHERE kind = NEW.kind AND again = NEW.again AND ready_at <= NEW.now ORDER BY ready_at LIMIT NEW.lanes);
    UPDATE work SET claim = NEW.id, wake_at = NEW.now + NEW.lease_for, tries = tries + 1, unsettled = unsettled + 1
    WHERE id IN (
        SELECT w.id FROM lane AS l JOIN work AS w ON w.id IN (
            SELECT id FROM work
            WHERE kind = NEW.kind AND again = NEW.again AND lane = l.lane AND wake_at <= NEW.now
            ORDER BY wake_at LIMIT NEW.per_lane)
        WHERE l.claim = NEW.id);
END
