-- The second schema: one list of work for everything that is owed or due, and reads that scan nothing.
-- How schemas change: ../schema/README.md. Instants are milliseconds since 1970-01-01T00:00:00Z.

-- One row for each thing that a clock or an event must see to: who takes it, when it is to be taken, how often it was
-- tried. Rows come and go by the triggers below, with the state of what they stand for.
CREATE TABLE IF NOT EXISTS work (
    id INTEGER PRIMARY KEY,
    -- successor, reminder, zone, notification; event: a dead letter.
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- Whom it is taken round by: the user, or the channel that a notification goes to.
    lane TEXT NOT NULL,
    task_id TEXT NOT NULL,
    recurrence_id TEXT NOT NULL,
    -- The reminder, the notification or the event; empty where the occurrence says it all.
    item TEXT NOT NULL DEFAULT '',
    -- When it is to be taken next; NULL: parked.
    wake_at INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    -- Claims that were never settled: whoever took it was cut off, or it brought them down.
    unsettled INTEGER NOT NULL DEFAULT 0,
    again INTEGER GENERATED ALWAYS AS (unsettled > 0) VIRTUAL,
    claim TEXT,
    reason TEXT,
    parked_at INTEGER,
    UNIQUE (task_id, kind, recurrence_id, item)
) STRICT
--;
CREATE INDEX IF NOT EXISTS work_due ON work (kind, again, lane, wake_at) WHERE wake_at IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS work_parked ON work (user_id, id) WHERE parked_at IS NOT NULL
--;
-- What waits in each lane, and until when the lane is held. Lanes are taken in the order of `ready_at`: one that has just been
-- served stands behind those that wait, whatever its backlog.
CREATE TABLE IF NOT EXISTS lane (
    kind TEXT NOT NULL,
    again INTEGER NOT NULL,
    lane TEXT NOT NULL,
    next_at INTEGER,
    hold_until INTEGER NOT NULL DEFAULT 0,
    -- Attempts in a row that hung.
    failures INTEGER NOT NULL DEFAULT 0,
    claim TEXT,
    served_at INTEGER NOT NULL DEFAULT 0,
    ready_at INTEGER GENERATED ALWAYS AS (max(next_at, hold_until)) VIRTUAL,
    PRIMARY KEY (kind, again, lane)
) STRICT, WITHOUT ROWID
--;
CREATE INDEX IF NOT EXISTS lane_ready ON lane (kind, again, ready_at) WHERE ready_at IS NOT NULL
--;
-- Holds that lie further ahead than any is made: the clock has gone back.
CREATE INDEX IF NOT EXISTS lane_held ON lane (hold_until)
--;
CREATE INDEX IF NOT EXISTS lane_claimed ON lane (claim) WHERE claim IS NOT NULL
--;
CREATE TRIGGER IF NOT EXISTS work_new_v2 AFTER INSERT ON work BEGIN
    INSERT INTO lane (kind, again, lane, next_at) VALUES (NEW.kind, NEW.again, NEW.lane,
        (SELECT min(wake_at) FROM work
         WHERE kind = NEW.kind AND again = NEW.again AND lane = NEW.lane AND wake_at IS NOT NULL))
    ON CONFLICT (kind, again, lane) DO UPDATE SET next_at = excluded.next_at WHERE next_at IS NOT excluded.next_at;
END
--;
CREATE TRIGGER IF NOT EXISTS work_moved_v2 AFTER UPDATE OF wake_at, unsettled ON work BEGIN
    INSERT INTO lane (kind, again, lane, next_at) VALUES (NEW.kind, NEW.again, NEW.lane,
        (SELECT min(wake_at) FROM work
         WHERE kind = NEW.kind AND again = NEW.again AND lane = NEW.lane AND wake_at IS NOT NULL))
    ON CONFLICT (kind, again, lane) DO UPDATE SET next_at = excluded.next_at WHERE next_at IS NOT excluded.next_at;
    UPDATE lane SET next_at = (
        SELECT min(wake_at) FROM work
        WHERE kind = OLD.kind AND again = OLD.again AND lane = OLD.lane AND wake_at IS NOT NULL)
    WHERE kind = OLD.kind AND again = OLD.again AND lane = OLD.lane AND OLD.again <> NEW.again;
END
--;
-- Neither to be taken nor parked: nobody needs it any more.
CREATE TRIGGER IF NOT EXISTS work_dropped_v2 AFTER UPDATE OF wake_at ON work
WHEN NEW.wake_at IS NULL AND NEW.parked_at IS NULL BEGIN
    DELETE FROM work WHERE id = NEW.id;
END
--;
CREATE TRIGGER IF NOT EXISTS work_gone_v2 AFTER DELETE ON work BEGIN
    UPDATE lane SET next_at = (
        SELECT min(wake_at) FROM work
        WHERE kind = OLD.kind AND again = OLD.again AND lane = OLD.lane AND wake_at IS NOT NULL)
    WHERE kind = OLD.kind AND again = OLD.again AND lane = OLD.lane;
END
--;
-- A lane that is held for as long as a claim lasts is free as soon as nothing of that claim is under way.
CREATE TRIGGER IF NOT EXISTS work_settled_v2 AFTER UPDATE OF unsettled ON work
WHEN OLD.unsettled > 0 AND NEW.unsettled = 0 BEGIN
    UPDATE lane SET hold_until = served_at
    WHERE kind = OLD.kind AND again IN (0, 1) AND lane = OLD.lane AND hold_until = OLD.wake_at AND NOT EXISTS (
        SELECT 1 FROM work WHERE kind = OLD.kind AND again = 1 AND lane = OLD.lane AND wake_at = OLD.wake_at);
END
--;
CREATE TRIGGER IF NOT EXISTS work_ended_v2 AFTER DELETE ON work WHEN OLD.unsettled > 0 BEGIN
    UPDATE lane SET hold_until = served_at
    WHERE kind = OLD.kind AND again IN (0, 1) AND lane = OLD.lane AND hold_until = OLD.wake_at AND NOT EXISTS (
        SELECT 1 FROM work WHERE kind = OLD.kind AND again = 1 AND lane = OLD.lane AND wake_at = OLD.wake_at);
END
--;
-- What /readyz writes to find out whether anything can be written.
CREATE TABLE IF NOT EXISTS probe (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    filler BLOB NOT NULL
) STRICT
--;
-- A channel is a kind and its configuration, a JSON document; which kinds there are is the domain's to say.
CREATE TABLE IF NOT EXISTS channel_v2 (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id),
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT
--;
CREATE INDEX IF NOT EXISTS channel_v2_of_user ON channel_v2 (user_id, id) WHERE deleted_at IS NULL
--;
-- What the build before still writes goes to both.
CREATE TRIGGER IF NOT EXISTS channel_new_v2 AFTER INSERT ON channel BEGIN
    INSERT INTO channel_v2 (id, user_id, kind, config, created_at, deleted_at)
    VALUES (NEW.id, NEW.user_id, NEW.kind, json_object('url', NEW.url, 'secret', NEW.secret), NEW.created_at, NEW.deleted_at)
    ON CONFLICT DO NOTHING;
END
--;
CREATE TRIGGER IF NOT EXISTS channel_deleted_v2 AFTER UPDATE OF deleted_at ON channel BEGIN
    UPDATE channel_v2 SET deleted_at = NEW.deleted_at WHERE id = NEW.id;
END
--;
INSERT INTO channel_v2 (id, user_id, kind, config, created_at, deleted_at)
SELECT id, user_id, kind, json_object('url', url, 'secret', secret), created_at, deleted_at FROM channel WHERE true
ON CONFLICT DO NOTHING
--;
-- One per (task, occurrence, reminder, channel) and time: an occurrence that is rescheduled reminds again.
CREATE TABLE IF NOT EXISTS notification_v2 (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    recurrence_id TEXT NOT NULL,
    reminder_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    fire_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    payload TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    delivered_at INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (task_id, recurrence_id, reminder_id, channel_id, fire_at)
) STRICT
--;
CREATE INDEX IF NOT EXISTS notification_v2_of_user ON notification_v2 (user_id, id)
--;
CREATE INDEX IF NOT EXISTS notification_v2_of_task ON notification_v2 (task_id, id)
--;
CREATE INDEX IF NOT EXISTS notification_v2_waiting ON notification_v2 (channel_id) WHERE state = 'pending'
--;
CREATE TRIGGER IF NOT EXISTS notification_new_v2 AFTER INSERT ON notification BEGIN
    INSERT INTO notification_v2 (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload,
        attempts, next_attempt_at, delivered_at, last_error, created_at)
    SELECT NEW.id, NEW.user_id, NEW.task_id, NEW.recurrence_id, NEW.reminder_id, NEW.channel_id,
        coalesce((SELECT fire_at FROM alarm WHERE task_id = NEW.task_id AND recurrence_id = NEW.recurrence_id
            AND reminder_id = NEW.reminder_id), NEW.created_at),
        NEW.state, NEW.payload, NEW.attempts, NEW.next_attempt_at, NEW.delivered_at, NEW.last_error, NEW.created_at
    WHERE true ON CONFLICT DO NOTHING;
END
--;
CREATE TRIGGER IF NOT EXISTS notification_changed_v2 AFTER UPDATE ON notification BEGIN
    UPDATE notification_v2 SET state = NEW.state, attempts = NEW.attempts, next_attempt_at = NEW.next_attempt_at,
        delivered_at = NEW.delivered_at, last_error = NEW.last_error
    WHERE id = NEW.id AND state = 'pending';
END
--;
INSERT INTO notification_v2 (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload,
    attempts, next_attempt_at, delivered_at, last_error, created_at)
SELECT n.id, n.user_id, n.task_id, n.recurrence_id, n.reminder_id, n.channel_id, coalesce(a.fire_at, n.created_at),
    n.state, n.payload, n.attempts, n.next_attempt_at, n.delivered_at, n.last_error, n.created_at
FROM notification AS n LEFT JOIN alarm AS a
    ON a.task_id = n.task_id AND a.recurrence_id = n.recurrence_id AND a.reminder_id = n.reminder_id
WHERE NOT EXISTS (SELECT 1 FROM notification_v2 WHERE id = n.id)
LIMIT 50000 RETURNING 1
--;
-- What the build before would still deliver is told what has become of it here.
CREATE TRIGGER IF NOT EXISTS notification_told_v2
AFTER UPDATE OF state, attempts, next_attempt_at, delivered_at, last_error ON notification_v2 BEGIN
    UPDATE notification SET state = iif(NEW.state = 'cancelled', 'failed', NEW.state), attempts = NEW.attempts,
        next_attempt_at = NEW.next_attempt_at, delivered_at = NEW.delivered_at, last_error = NEW.last_error
    WHERE id = NEW.id AND state = 'pending' AND (state <> NEW.state OR next_attempt_at IS NOT NEW.next_attempt_at);
END
--;
CREATE TRIGGER IF NOT EXISTS work_claimed_v2 AFTER UPDATE OF wake_at ON work
WHEN NEW.kind = 'notification' AND NEW.unsettled > OLD.unsettled BEGIN
    UPDATE notification SET next_attempt_at = NEW.wake_at WHERE id = NEW.item AND state = 'pending';
END
--;
-- A stream remembers up to where it is published, when its relay is due (NULL: nothing waits) and who is at it.
ALTER TABLE stream ADD COLUMN published INTEGER NOT NULL DEFAULT 0
--;
ALTER TABLE stream ADD COLUMN relay_at INTEGER
--;
ALTER TABLE stream ADD COLUMN relay_by TEXT
--;
ALTER TABLE stream ADD COLUMN relay_tries INTEGER NOT NULL DEFAULT 0
--;
CREATE INDEX IF NOT EXISTS stream_due ON stream (relay_at) WHERE relay_at IS NOT NULL
--;
CREATE TRIGGER IF NOT EXISTS outbox_new_v2 AFTER INSERT ON outbox
WHEN (SELECT relay_at FROM stream WHERE id = NEW.stream_id) IS NULL BEGIN
    UPDATE stream SET relay_at = NEW.at WHERE id = NEW.stream_id;
END
--;
-- In one statement, so that what is written between two is not taken for unpublished together with all before it.
UPDATE stream SET
    published = coalesce(
        (SELECT min(sequence) - 1 FROM outbox WHERE stream_id = stream.id AND published_at IS NULL), sequence),
    relay_at = CASE
        WHEN EXISTS (SELECT 1 FROM outbox WHERE stream_id = stream.id AND published_at IS NULL)
        THEN coalesce(relay_at, 0) END
WHERE published = 0
--;
-- Which commit gave the answer that is stored under a key.
ALTER TABLE idempotency ADD COLUMN commit_id TEXT
--;
-- The version of the zone data that an open occurrence was last offered for: what is behind is taken up once a version.
ALTER TABLE occurrence ADD COLUMN zone_offered TEXT
--;
ALTER TABLE occurrence ADD COLUMN zone_seen TEXT GENERATED ALWAYS AS (max(tzdata, coalesce(zone_offered, ''))) VIRTUAL
--;
CREATE INDEX IF NOT EXISTS occurrence_zone_seen ON occurrence (zone_seen) WHERE status = 'open'
--;
CREATE INDEX IF NOT EXISTS occurrence_in_order ON occurrence (task_id, id)
--;
CREATE INDEX IF NOT EXISTS occurrence_by_due_at ON occurrence (task_id, due_at)
--;
CREATE INDEX IF NOT EXISTS occurrence_by_due_local ON occurrence (task_id, substr(due_local || 'T00:00:00', 1, 19))
--;
CREATE INDEX IF NOT EXISTS occurrence_closed ON occurrence (task_id, ordinal)
WHERE status <> 'open' AND (status = 'done' OR succession <> 'none')
--;
CREATE INDEX IF NOT EXISTS occurrence_given_out ON occurrence (task_id, ordinal)
WHERE status <> 'cancelled' OR succession <> 'none'
--;
CREATE INDEX IF NOT EXISTS task_by_status ON task (user_id, status, id) WHERE deleted_at IS NULL
--;
DROP INDEX IF EXISTS occurrence_owed
--;
DROP INDEX IF EXISTS occurrence_stacking
--;
DROP INDEX IF EXISTS occurrence_zone_data
--;
DROP INDEX IF EXISTS alarm_armed
