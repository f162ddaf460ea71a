-- What a channel takes beside reminders: events of its user become notices in the statement that writes them, and a test is one.
-- Reminders become rows of notification_v2, as ever.

-- Which channels take events of a type. Not `reminder.fired`: of that the domain makes the notifications itself.
CREATE TABLE IF NOT EXISTS channel_type (
    user_id TEXT NOT NULL,
    type TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    PRIMARY KEY (user_id, type, channel_id)
) STRICT, WITHOUT ROWID
--;
CREATE TRIGGER IF NOT EXISTS channel_typed_v5 AFTER INSERT ON channel_v2 WHEN NEW.deleted_at IS NULL BEGIN
    INSERT INTO channel_type (user_id, type, channel_id)
    SELECT NEW.user_id, t.value, NEW.id FROM json_each(iif(json_valid(NEW.config), NEW.config, '{}'), '$.types') AS t
    WHERE t.value <> 'reminder.fired'
    ON CONFLICT DO NOTHING;
END
--;
CREATE TRIGGER IF NOT EXISTS channel_retyped_v5 AFTER UPDATE OF config, deleted_at ON channel_v2
WHEN OLD.config <> NEW.config OR OLD.deleted_at IS NOT NEW.deleted_at BEGIN
    DELETE FROM channel_type WHERE user_id = NEW.user_id AND channel_id = NEW.id;
    INSERT INTO channel_type (user_id, type, channel_id)
    SELECT NEW.user_id, t.value, NEW.id FROM json_each(iif(json_valid(NEW.config), NEW.config, '{}'), '$.types') AS t
    WHERE NEW.deleted_at IS NULL AND t.value <> 'reminder.fired'
    ON CONFLICT DO NOTHING;
END
--;
CREATE TRIGGER IF NOT EXISTS channel_untyped_v5 AFTER DELETE ON channel_v2 BEGIN
    DELETE FROM channel_type WHERE user_id = OLD.user_id AND channel_id = OLD.id;
END
--;
-- A notification of something else than a reminder: one of each event to each channel that takes its type, and tests, which are of
-- no event. `subject` is what it is about: a task, a project, or of a test the channel.
CREATE TABLE IF NOT EXISTS notice (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    type TEXT NOT NULL,
    event_id TEXT,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    delivered_at INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (event_id, channel_id)
) STRICT
--;
CREATE INDEX IF NOT EXISTS notice_of_user ON notice (user_id, id)
--;
CREATE INDEX IF NOT EXISTS notice_of_subject ON notice (subject, id)
--;
CREATE INDEX IF NOT EXISTS notice_of_channel ON notice (channel_id, id)
--;
CREATE INDEX IF NOT EXISTS notice_waiting ON notice (channel_id, type) WHERE state = 'pending'
--;
-- Those that have ended, by their age: they are forgotten in the end.
CREATE INDEX IF NOT EXISTS notice_ended ON notice (created_at) WHERE state <> 'pending'
--;
-- Reminders of one channel are listed; the inbox is everyone's, and no channel.
CREATE INDEX IF NOT EXISTS notification_v2_of_channel ON notification_v2 (channel_id, id) WHERE channel_id <> 'inbox'
--;
-- The work of a notice stands beside that of reminders, in the lane of its channel. It belongs to no task, whose end would take it
-- along: its own id stands in that place.
CREATE TRIGGER IF NOT EXISTS notice_waits_v5 AFTER INSERT ON notice WHEN NEW.state = 'pending' BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at)
    VALUES ('notification', NEW.user_id, NEW.channel_id, NEW.id, '', NEW.id, coalesce(NEW.next_attempt_at, 0))
    ON CONFLICT DO NOTHING;
END
--;
CREATE TRIGGER IF NOT EXISTS notice_waits_on_v5 AFTER UPDATE OF next_attempt_at ON notice WHEN NEW.state = 'pending' BEGIN
    UPDATE work SET wake_at = NEW.next_attempt_at, unsettled = 0
    WHERE task_id = NEW.id AND kind = 'notification' AND recurrence_id = '' AND item = NEW.id
        AND wake_at IS NOT NEW.next_attempt_at;
END
--;
CREATE TRIGGER IF NOT EXISTS notice_ends_v5 AFTER UPDATE OF state ON notice
WHEN OLD.state = 'pending' AND NEW.state <> 'pending' BEGIN
    DELETE FROM work WHERE task_id = NEW.id AND kind = 'notification' AND recurrence_id = '' AND item = NEW.id;
END
--;
CREATE TRIGGER IF NOT EXISTS notice_gone_v5 AFTER DELETE ON notice WHEN OLD.state = 'pending' BEGIN
    DELETE FROM work WHERE task_id = OLD.id AND kind = 'notification' AND recurrence_id = '' AND item = OLD.id;
END
--;
CREATE TRIGGER IF NOT EXISTS channel_gone_v5 AFTER UPDATE OF deleted_at ON channel_v2
WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL BEGIN
    -- As many as a write may take along; the others end when their turn comes.
    UPDATE notice SET state = 'cancelled', next_attempt_at = NULL, last_error = 'the channel was deleted'
    WHERE id IN (SELECT id FROM notice WHERE channel_id = NEW.id AND state = 'pending' LIMIT 1000);
END
--;
-- What is dropped of a channel that was deleted has ended. Anything else was dropped by the build before, which finds nothing to send
-- behind the work of a notice: it comes back in a while, for those who know.
CREATE TRIGGER IF NOT EXISTS notice_dropped_v5 AFTER DELETE ON work
WHEN OLD.kind = 'notification' AND OLD.wake_at IS NULL AND OLD.parked_at IS NULL AND EXISTS (
    SELECT 1 FROM notice WHERE id = OLD.item AND state = 'pending') BEGIN
    UPDATE notice SET state = 'cancelled', next_attempt_at = NULL, last_error = 'the channel was deleted'
    WHERE id = OLD.item AND EXISTS (SELECT 1 FROM channel_v2 WHERE id = notice.channel_id AND deleted_at IS NOT NULL);
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at, tries)
    SELECT OLD.kind, OLD.user_id, OLD.lane, OLD.task_id, OLD.recurrence_id, OLD.item, unixepoch() * 1000 + 10000, OLD.tries
    WHERE EXISTS (SELECT 1 FROM notice WHERE id = OLD.item AND state = 'pending');
END
