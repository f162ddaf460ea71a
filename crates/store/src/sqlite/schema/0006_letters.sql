-- How dead letters are kept, sent again and discarded (system/letters.rs).

-- A letter is kept: { topic, event_id, consumer | consumers, user, stream, sequence, type, subject, error, error_class, instance,
-- event }. Given up by who is not known, as where a broker did, it is nothing where all of these consumers have applied it, which is
-- counted; or else another copy of the letter that there is of the event on its topic, whosoever; or else that of the first of
-- these who has not applied it. One that is there already has been given up once more: it is open again if it had been sent again
-- meanwhile; but a copy says nothing of a letter that is yet to be sent. Of those that nobody owns, which
-- whoever reaches a broker can make, 10,000 are kept at once. Nothing is kept for who was deleted.
CREATE VIEW IF NOT EXISTS letter_v6 AS SELECT NULL AS now, NULL AS doc
--;
CREATE TRIGGER IF NOT EXISTS letter_repeated_v6 INSTEAD OF INSERT ON letter_v6
WHEN NEW.doc ->> '$.consumers[0]' IS NOT NULL AND NEW.doc ->> 'consumer' IS NULL AND NOT EXISTS (
    SELECT 1 FROM json_each(NEW.doc, '$.consumers') AS c
    WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE consumer = c.value AND event_id = NEW.doc ->> 'event_id')) BEGIN
    INSERT INTO tally (name, value)
    SELECT 'duplicate_events_total{consumer="' || c.value || '"}', 1 FROM json_each(NEW.doc, '$.consumers') AS c WHERE true
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
END
--;
CREATE TRIGGER IF NOT EXISTS letter_kept_v6 INSTEAD OF INSERT ON letter_v6
WHEN NOT EXISTS (SELECT 1 FROM user WHERE id = NEW.doc ->> 'user' AND deleted_at IS NOT NULL)
    AND (NEW.doc ->> '$.consumers[0]' IS NULL OR NEW.doc ->> 'consumer' IS NOT NULL OR EXISTS (
        SELECT 1 FROM json_each(NEW.doc, '$.consumers') AS c
        WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE consumer = c.value AND event_id = NEW.doc ->> 'event_id'))) BEGIN
    INSERT INTO tally (name, value)
    SELECT 'dlq_dropped_total{topic="' || (NEW.doc ->> 'topic') || '"}', 1
    WHERE NOT EXISTS (SELECT 1 FROM user WHERE id = NEW.doc ->> 'user')
        AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE event_id = NEW.doc ->> 'event_id')
        AND (SELECT count(*) FROM (SELECT 1 FROM dead_letter WHERE user_id = '' AND status = 'open' LIMIT 10000)) >= 10000
    ON CONFLICT (name) DO UPDATE SET value = value + 1;
    -- Its id is a UUID of version 7 (RFC 9562 §5.7).
    INSERT INTO dead_letter (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class,
        tries, first_at, last_at, instance, status, status_at, event)
    SELECT lower(printf('%08x-%04x-7', NEW.now >> 16, NEW.now & 65535) || substr(hex(randomblob(2)), 2) || '-'
            || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
        coalesce((SELECT id FROM user WHERE id = NEW.doc ->> 'user'), ''), NEW.doc ->> 'topic', NEW.doc ->> 'event_id',
        coalesce(NEW.doc ->> 'consumer', (
            SELECT consumer FROM dead_letter WHERE event_id = NEW.doc ->> 'event_id' AND +topic = NEW.doc ->> 'topic' LIMIT 1), (
            SELECT c.value FROM json_each(NEW.doc, '$.consumers') AS c
            WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE consumer = c.value AND event_id = NEW.doc ->> 'event_id') LIMIT 1), ''),
        NEW.doc ->> 'stream', NEW.doc ->> 'sequence', NEW.doc ->> 'type', NEW.doc ->> 'subject', NEW.doc ->> 'error',
        NEW.doc ->> 'error_class', 1, NEW.now, NEW.now, NEW.doc ->> 'instance', 'open', NEW.now, NEW.doc ->> 'event'
    WHERE EXISTS (SELECT 1 FROM user WHERE id = NEW.doc ->> 'user')
        OR EXISTS (SELECT 1 FROM dead_letter WHERE event_id = NEW.doc ->> 'event_id')
        OR (SELECT count(*) FROM (SELECT 1 FROM dead_letter WHERE user_id = '' AND status = 'open' LIMIT 10000)) < 10000
    ON CONFLICT (event_id, consumer, topic) DO UPDATE SET tries = tries + 1, last_at = max(last_at, excluded.last_at),
        error = excluded.error, error_class = excluded.error_class, instance = excluded.instance,
        status = iif(status = 'replayed' OR status = 'replaying' AND NEW.doc ->> 'consumer' IS NOT NULL, 'open', status),
        status_at = excluded.status_at;
END
--;
-- What the build before has given up to publish, as work alone. What it gives up from now on: work_is_a_letter_v6.
INSERT INTO dead_letter (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class,
    tries, first_at, last_at, instance, status, status_at, event)
SELECT lower(printf('%08x-%04x-7', w.parked_at >> 16, w.parked_at & 65535) || substr(hex(randomblob(2)), 2) || '-'
        || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    w.user_id, coalesce(o.topic, 'task-events'), w.item, '', w.lane, coalesce(o.sequence, 0), coalesce(o.type, ''), w.task_id,
    coalesce(w.reason, ''), 'permanent', 1, w.parked_at, w.parked_at, '', 'open', w.parked_at, coalesce(o.data, '')
FROM work AS w LEFT JOIN outbox AS o ON o.event_id = w.item
WHERE w.kind = 'event' AND w.parked_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE event_id = w.item)
LIMIT 50000 RETURNING 1
--;
-- Who sends dead letters again, and until when nobody else may: one at a time, so that they go out in the order of their streams
-- and no faster than they are meant to. Streams have turns (replay_stream).
CREATE TABLE IF NOT EXISTS replay (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    until INTEGER NOT NULL,
    fence INTEGER NOT NULL
) STRICT
--;
INSERT INTO replay (only, until, fence) VALUES (1, 0, 0) ON CONFLICT DO NOTHING
--;
-- What became of those that were sent again: { fence, until, now, letters: [[place, status, tries, error]],
-- turns: [[stream, when it has its next]] }. Who was overtaken says nothing, and nothing is said of one that was given up again
-- meanwhile.
CREATE VIEW IF NOT EXISTS replayed_v6 AS SELECT NULL AS doc
--;
CREATE TRIGGER IF NOT EXISTS letters_replayed_v6 INSTEAD OF INSERT ON replayed_v6
WHEN (SELECT fence FROM replay WHERE only = 1) = NEW.doc ->> 'fence' BEGIN
    UPDATE replay SET until = NEW.doc ->> 'until' WHERE only = 1;
    UPDATE dead_letter SET status = e.value ->> 1, status_at = NEW.doc ->> 'now', replay_tries = e.value ->> 2,
        error = coalesce(e.value ->> 3, error), last_at = iif(e.value ->> 3 IS NULL, last_at, max(last_at, NEW.doc ->> 'now'))
    FROM json_each(NEW.doc, '$.letters') AS e
    WHERE dead_letter.place = e.value ->> 0 AND dead_letter.status = 'replaying'
        AND dead_letter.place IN (SELECT l.value ->> 0 FROM json_each(NEW.doc, '$.letters') AS l);
    UPDATE replay_stream SET turn_at = e.value ->> 1 FROM json_each(NEW.doc, '$.turns') AS e
    WHERE replay_stream.stream_id = e.value ->> 0
        AND replay_stream.stream_id IN (SELECT t.value ->> 0 FROM json_each(NEW.doc, '$.turns') AS t);
END
--;
-- A commit that changes dead letters and nothing else: checked, counted, kept under its key and audited as any other
-- (0005_write.sql). `letters` says which, as they were read, and what becomes of them.
CREATE VIEW IF NOT EXISTS write_letters_v6 AS SELECT NULL AS ix, NULL AS mode, NULL AS relay_for, NULL AS doc
--;
CREATE TRIGGER IF NOT EXISTS write_letters_commit_v6 INSTEAD OF INSERT ON write_letters_v6
WHEN NOT EXISTS (
    SELECT 1 FROM idempotency WHERE user_id = NEW.doc ->> 'user' AND key = NEW.doc ->> '$.idempotency.key')
BEGIN
    SELECT CASE NEW.mode WHEN 'each' THEN RAISE(IGNORE) ELSE RAISE(ABORT, why || '#' || NEW.ix) END
    FROM (SELECT CASE
        WHEN EXISTS (SELECT 1 FROM user WHERE id = NEW.doc ->> 'user' AND deleted_at IS NOT NULL)
        THEN 'rule:user'
        WHEN json_type(NEW.doc, '$.rate') = 'object' AND EXISTS (
            SELECT 1 FROM rate
            WHERE token = NEW.doc ->> '$.rate.token' AND count >= NEW.doc ->> '$.rate.limit'
                AND NEW.doc ->> 'at' - began BETWEEN 0 - (NEW.doc ->> '$.rate.window') AND (NEW.doc ->> '$.rate.window') - 1)
        THEN 'rule:rate:' || (
            SELECT began + (NEW.doc ->> '$.rate.window') - (NEW.doc ->> 'at') FROM rate WHERE token = NEW.doc ->> '$.rate.token')
        WHEN EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.letters.of') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM dead_letter
                WHERE place = e.value ->> 'place' AND user_id = e.value ->> 'user_id' AND status = e.value ->> 'status'))
        THEN 'expect:letter'
    END AS why) WHERE why IS NOT NULL;

    INSERT INTO rate (token, began, count)
    SELECT NEW.doc ->> '$.rate.token', NEW.doc ->> 'at', 1 WHERE json_type(NEW.doc, '$.rate') = 'object'
    ON CONFLICT (token) DO UPDATE SET
        began = iif(excluded.began - rate.began BETWEEN 0 - (NEW.doc ->> '$.rate.window')
            AND (NEW.doc ->> '$.rate.window') - 1, rate.began, excluded.began),
        count = 1 + iif(excluded.began - rate.began BETWEEN 0 - (NEW.doc ->> '$.rate.window')
            AND (NEW.doc ->> '$.rate.window') - 1, rate.count, 0);
    INSERT INTO idempotency (user_id, key, fingerprint, status, etag, location, body, created_at, commit_id, change_id)
    SELECT NEW.doc ->> 'user', NEW.doc ->> '$.idempotency.key', NEW.doc ->> '$.idempotency.fingerprint',
        NEW.doc ->> '$.idempotency.status', NEW.doc ->> '$.idempotency.etag', NEW.doc ->> '$.idempotency.location',
        NEW.doc ->> '$.idempotency.body', NEW.doc ->> 'at', NEW.doc ->> 'id', NEW.doc ->> '$.idempotency.change_id'
    WHERE json_type(NEW.doc, '$.idempotency') = 'object';
    INSERT INTO audit_v4 (user_id, told, id, at, actor, action, subject, correlation_id, tzdata, before, after)
    VALUES (NEW.doc ->> 'user', NEW.doc -> '$.audit.after' IS NOT NULL OR NEW.doc -> '$.audit.before' IS NOT NULL,
        NEW.doc ->> 'id', NEW.doc ->> 'at', NEW.doc ->> '$.audit.actor', NEW.doc ->> '$.audit.action',
        NEW.doc ->> '$.audit.subject', NEW.doc ->> '$.audit.correlation_id', NEW.doc ->> '$.audit.tzdata',
        NEW.doc -> '$.audit.before', NEW.doc -> '$.audit.after');
    UPDATE dead_letter SET status = NEW.doc ->> '$.letters.to', status_at = NEW.doc ->> 'at', replay_tries = 0,
        replays = replays + (NEW.doc ->> '$.letters.to' = 'replaying')
    WHERE place IN (SELECT e.value ->> 'place' FROM json_each(NEW.doc, '$.letters.of') AS e);
END
