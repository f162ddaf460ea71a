-- What an event backbone needs beside its outbox and its inbox.

-- Names this history of the store. A store that was restored has another: sequences that are given out again are then told from
-- those that readers have seen.
CREATE TABLE IF NOT EXISTS epoch (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL
) STRICT
--;
INSERT INTO epoch (only, id) SELECT 1, lower(hex(randomblob(8))) WHERE true ON CONFLICT DO NOTHING
--;
-- Events that someone has given up on, with their reasons. One is kept for each consumer that gave up; '' stands for one that is
-- not known, as where a broker did.
CREATE TABLE IF NOT EXISTS dead_letter (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    -- Whose event it is; '' where it says no user that there is.
    user_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    -- A message that is no event has a digest of its text in place of an id.
    event_id TEXT NOT NULL,
    consumer TEXT NOT NULL,
    -- Its stream and its place there, where it says them.
    stream_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    -- '' of a message that is no event.
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    error TEXT NOT NULL,
    -- transient, permanent
    error_class TEXT NOT NULL,
    tries INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    instance TEXT NOT NULL,
    -- open, replaying, replayed, discarded
    status TEXT NOT NULL,
    status_at INTEGER NOT NULL,
    -- How often it was asked to be sent again, and how often that met a bus that was away, this time.
    replays INTEGER NOT NULL DEFAULT 0,
    replay_tries INTEGER NOT NULL DEFAULT 0,
    -- The event as it was received, its end cut off where it is longer than an event may be. Last: a list does not read it.
    event TEXT NOT NULL,
    UNIQUE (event_id, consumer, topic)
) STRICT
--;
CREATE INDEX IF NOT EXISTS dead_letter_by_status ON dead_letter (status, place)
--;
CREATE INDEX IF NOT EXISTS dead_letter_of_user ON dead_letter (user_id, place)
--;
CREATE INDEX IF NOT EXISTS dead_letter_of_nobody ON dead_letter (place) WHERE user_id = '' AND status = 'open'
--;
-- Those that meet a bus that is away come after the others.
CREATE INDEX IF NOT EXISTS dead_letter_to_replay ON dead_letter (replay_tries, stream_id, sequence) WHERE status = 'replaying'
--;
CREATE INDEX IF NOT EXISTS dead_letter_old ON dead_letter (status_at)
--;
-- One that is open is parked work of its owner, of kind event.
CREATE TRIGGER IF NOT EXISTS dead_letter_parked_v6 AFTER INSERT ON dead_letter WHEN NEW.status = 'open' BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at, tries, reason, parked_at)
    VALUES ('event', NEW.user_id, NEW.stream_id, NEW.subject, NEW.consumer, NEW.event_id, NULL, NEW.tries, NEW.error, NEW.last_at)
    ON CONFLICT DO NOTHING;
END
--;
CREATE TRIGGER IF NOT EXISTS dead_letter_again_v6 AFTER UPDATE OF status, tries ON dead_letter WHEN NEW.status = 'open' BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at, tries, reason, parked_at)
    VALUES ('event', NEW.user_id, NEW.stream_id, NEW.subject, NEW.consumer, NEW.event_id, NULL, NEW.tries, NEW.error, NEW.last_at)
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET tries = excluded.tries, reason = excluded.reason,
        parked_at = excluded.parked_at;
END
--;
CREATE TRIGGER IF NOT EXISTS dead_letter_done_v6 AFTER UPDATE OF status ON dead_letter
WHEN OLD.status = 'open' AND NEW.status <> 'open' BEGIN
    DELETE FROM work WHERE task_id = OLD.subject AND kind = 'event' AND recurrence_id = OLD.consumer AND item = OLD.event_id;
END
--;
CREATE TRIGGER IF NOT EXISTS dead_letter_gone_v6 AFTER DELETE ON dead_letter WHEN OLD.status = 'open' BEGIN
    DELETE FROM work WHERE task_id = OLD.subject AND kind = 'event' AND recurrence_id = OLD.consumer AND item = OLD.event_id;
END
--;
-- What has happened so often since the store was made. A name is that of a metric, with its labels.
CREATE TABLE IF NOT EXISTS tally (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;
CREATE TRIGGER IF NOT EXISTS dead_letter_counted_v6 AFTER INSERT ON dead_letter BEGIN
    INSERT INTO tally (name, value) VALUES ('dlq_events_total{topic="' || NEW.topic || '"}', 1)
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
END
--;
CREATE TRIGGER IF NOT EXISTS dead_letter_counted_again_v6 AFTER UPDATE OF status ON dead_letter
WHEN NEW.status = 'open' AND OLD.status <> 'open' BEGIN
    INSERT INTO tally (name, value) VALUES ('dlq_events_total{topic="' || NEW.topic || '"}', 1)
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
END
--;
CREATE TRIGGER IF NOT EXISTS notification_counted_v6 AFTER UPDATE OF state ON notification_v2
WHEN OLD.state = 'pending' AND NEW.state <> 'pending' BEGIN
    INSERT INTO tally (name, value) VALUES ('notifications_total{state="' || NEW.state || '"}', 1)
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
END
--;
CREATE TRIGGER IF NOT EXISTS notice_counted_v6 AFTER UPDATE OF state ON notice
WHEN OLD.state = 'pending' AND NEW.state <> 'pending' BEGIN
    INSERT INTO tally (name, value) VALUES ('notifications_total{state="' || NEW.state || '"}', 1)
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
END
--;
-- Who follows a user's events as they come, and until when at most.
CREATE TABLE IF NOT EXISTS listener (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;
CREATE INDEX IF NOT EXISTS listener_of_user ON listener (user_id, until)
--;
CREATE INDEX IF NOT EXISTS listener_gone ON listener (until)
--;
-- A clock that many share sweeps by sixteen shards of users. Who sweeps one has it until then.
CREATE TABLE IF NOT EXISTS shard (
    shard INTEGER PRIMARY KEY CHECK (shard BETWEEN 0 AND 15),
    until INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    -- For when a clock was last asked to wake it (NULL: no time before its next tick).
    wake_at INTEGER
) STRICT
--;
INSERT INTO shard (shard) SELECT value FROM json_each('[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]') WHERE true ON CONFLICT DO NOTHING
--;
-- The last digit of an id: ids are UUIDs, whose last digits are random. What is none is of the first shard.
ALTER TABLE lane ADD COLUMN shard INTEGER GENERATED ALWAYS AS (
    max(instr('0123456789abcdef', substr(lane, -1)) - 1, 0)) VIRTUAL
--;
ALTER TABLE stream ADD COLUMN shard INTEGER GENERATED ALWAYS AS (
    max(instr('0123456789abcdef', substr(id, -1)) - 1, 0)) VIRTUAL
--;
-- A channel that is deleted keeps no secret.
CREATE TRIGGER IF NOT EXISTS channel_wiped_v6 AFTER UPDATE OF deleted_at ON channel_v2
WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL AND json_valid(NEW.config) BEGIN
    UPDATE channel_v2 SET config = json_remove(json_set(NEW.config, '$.secret', ''), '$.previous') WHERE id = NEW.id;
    UPDATE channel SET secret = '' WHERE id = NEW.id;
END
--;
UPDATE channel_v2 SET config = json_remove(json_set(config, '$.secret', ''), '$.previous') WHERE rowid IN (
    SELECT rowid FROM channel_v2
    WHERE deleted_at IS NOT NULL AND json_valid(config) AND (config ->> 'secret' <> '' OR config -> 'previous' IS NOT NULL) LIMIT 50000)
RETURNING 1
--;
UPDATE channel SET secret = '' WHERE rowid IN (
    SELECT rowid FROM channel WHERE deleted_at IS NOT NULL AND secret <> '' LIMIT 50000)
RETURNING 1
