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
CREATE INDEX IF NOT EXISTS dead_letter_to_replay ON dead_letter (stream_id, sequence, place) WHERE status = 'replaying'
--;
CREATE INDEX IF NOT EXISTS dead_letter_old ON dead_letter (status_at)
--;
-- One that is open is parked work of its owner, of kind event: one item for an event and a consumer, on however many topics.
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
    DELETE FROM work WHERE task_id = OLD.subject AND kind = 'event' AND recurrence_id = OLD.consumer AND item = OLD.event_id
        AND NOT EXISTS (
            SELECT 1 FROM dead_letter
            WHERE event_id = OLD.event_id AND consumer = OLD.consumer AND +subject = OLD.subject AND +status = 'open');
END
--;
CREATE TRIGGER IF NOT EXISTS dead_letter_gone_v6 AFTER DELETE ON dead_letter WHEN OLD.status = 'open' BEGIN
    DELETE FROM work WHERE task_id = OLD.subject AND kind = 'event' AND recurrence_id = OLD.consumer AND item = OLD.event_id
        AND NOT EXISTS (
            SELECT 1 FROM dead_letter
            WHERE event_id = OLD.event_id AND consumer = OLD.consumer AND +subject = OLD.subject AND +status = 'open');
END
--;
-- What a build that knows no letters gives up to publish, as work alone, is a letter too.
CREATE TRIGGER IF NOT EXISTS work_is_a_letter_v6 AFTER INSERT ON work
WHEN NEW.kind = 'event' AND NEW.parked_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE event_id = NEW.item AND consumer = NEW.recurrence_id) BEGIN
    INSERT INTO dead_letter (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class,
        tries, first_at, last_at, instance, status, status_at, event)
    SELECT lower(printf('%08x-%04x-7', NEW.parked_at >> 16, NEW.parked_at & 65535) || substr(hex(randomblob(2)), 2) || '-'
            || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
        NEW.user_id, coalesce((SELECT topic FROM outbox WHERE event_id = NEW.item), 'task-events'), NEW.item, NEW.recurrence_id,
        NEW.lane, coalesce((SELECT sequence FROM outbox WHERE event_id = NEW.item), 0),
        coalesce((SELECT type FROM outbox WHERE event_id = NEW.item), ''), NEW.task_id, coalesce(NEW.reason, ''), 'permanent',
        1, NEW.parked_at, NEW.parked_at, '', 'open', NEW.parked_at,
        coalesce((SELECT data FROM outbox WHERE event_id = NEW.item), '');
END
--;
-- Streams with letters that are to be sent again, in turn: an old letter of one comes before a new one of it, and a long list
-- of one keeps no other back.
CREATE TABLE IF NOT EXISTS replay_stream (
    stream_id TEXT PRIMARY KEY,
    -- When it has its turn: whoever had one comes after the others, and one whose letter was not taken pauses.
    turn_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;
CREATE INDEX IF NOT EXISTS replay_stream_in_turn ON replay_stream (turn_at, stream_id)
--;
CREATE TRIGGER IF NOT EXISTS dead_letter_asked_v6 AFTER UPDATE OF status ON dead_letter
WHEN NEW.status = 'replaying' AND OLD.status <> 'replaying' BEGIN
    INSERT INTO replay_stream (stream_id, turn_at) VALUES (NEW.stream_id, NEW.status_at) ON CONFLICT DO NOTHING;
END
--;
CREATE TRIGGER IF NOT EXISTS dead_letter_sent_v6 AFTER UPDATE OF status ON dead_letter
WHEN OLD.status = 'replaying' AND NEW.status <> 'replaying' BEGIN
    DELETE FROM replay_stream WHERE stream_id = OLD.stream_id
        AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE status = 'replaying' AND stream_id = OLD.stream_id);
END
--;
CREATE TRIGGER IF NOT EXISTS dead_letter_unsent_v6 AFTER DELETE ON dead_letter WHEN OLD.status = 'replaying' BEGIN
    DELETE FROM replay_stream WHERE stream_id = OLD.stream_id
        AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE status = 'replaying' AND stream_id = OLD.stream_id);
END
--;
-- After which place of it the outbox is looked through for what is past its retention, and since when: what waits to be published is
-- stepped over, and looked at again an hour later.
CREATE TABLE IF NOT EXISTS stepped (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    place INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT
--;
INSERT INTO stepped (only, place, since) VALUES (1, 0, 0) ON CONFLICT DO NOTHING
--;
-- How often in a row whoever takes a stream's events has failed at one of them: the one that comes after this place.
ALTER TABLE stream ADD COLUMN refused_after INTEGER
--;
ALTER TABLE stream ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0
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
