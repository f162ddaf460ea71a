-- What write_v5 does with a commit that makes tasks and touches nothing that is there (`makes_tasks` in view.rs says which):
-- a host that prepares each statement anew compiles everything that a trigger might do, and most of write_v5 is for what a
-- create never does. What is said there of checks and their words holds here.

CREATE VIEW IF NOT EXISTS write_new_v5 AS SELECT NULL AS ix, NULL AS mode, NULL AS relay_for, NULL AS doc
--;
CREATE TRIGGER IF NOT EXISTS write_new_commit_v5 INSTEAD OF INSERT ON write_new_v5
WHEN NOT EXISTS (
    SELECT 1 FROM idempotency WHERE user_id = NEW.doc ->> 'user' AND key = NEW.doc ->> '$.idempotency.key')
BEGIN
    -- Every check, before the first write of the row. Lists that are empty are not there.
    SELECT CASE NEW.mode WHEN 'each' THEN RAISE(IGNORE) ELSE RAISE(ABORT, why || '#' || NEW.ix) END
    FROM (SELECT CASE
        WHEN EXISTS (SELECT 1 FROM user WHERE id = NEW.doc ->> 'user' AND deleted_at IS NOT NULL)
        THEN 'rule:user'
        -- Windows are fixed: one begins with the first write after the one before. A clock a little behind, as another
        -- replica's may be, counts in the window that is there; one that has gone back further begins another.
        WHEN json_type(NEW.doc, '$.rate') = 'object' AND EXISTS (
            SELECT 1 FROM rate
            WHERE token = NEW.doc ->> '$.rate.token' AND count >= NEW.doc ->> '$.rate.limit'
                AND NEW.doc ->> 'at' - began BETWEEN 0 - (NEW.doc ->> '$.rate.window') AND (NEW.doc ->> '$.rate.window') - 1)
        THEN 'rule:rate:' || (
            SELECT began + (NEW.doc ->> '$.rate.window') - (NEW.doc ->> 'at') FROM rate WHERE token = NEW.doc ->> '$.rate.token')
        WHEN EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.tasks') AS e CROSS JOIN task AS t ON t.id = e.value ->> 'id')
        THEN 'expect:task'
        WHEN NEW.doc ->> '$.expect.zone' <> (SELECT tz FROM user WHERE id = NEW.doc ->> 'user')
        THEN 'expect:zone'
        WHEN json_type(NEW.doc, '$.expect.in_projects') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.in_projects') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM project
                WHERE id = e.value AND user_id = NEW.doc ->> 'user' AND deleted_at IS NULL))
        THEN 'rule:project'
        WHEN json_type(NEW.doc, '$.expect.parents') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.parents') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM task
                WHERE id = e.value ->> 'id' AND user_id = NEW.doc ->> 'user' AND deleted_at IS NULL
                    AND id <> e.value ->> 'part'))
        THEN 'rule:parent'
        WHEN json_type(NEW.doc, '$.expect.parents') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.parents') AS e
            WHERE EXISTS (SELECT 1 FROM task WHERE id = e.value ->> 'id' AND parent_id IS NOT NULL)
                OR EXISTS (
                    SELECT 1 FROM task INDEXED BY task_part_kept WHERE parent_id = e.value ->> 'part' AND deleted_at IS NULL))
        THEN 'rule:depth'
        WHEN json_type(NEW.doc, '$.expect.parents') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.parents') AS e
            WHERE (SELECT count(*) FROM task INDEXED BY task_part_kept
                   WHERE parent_id = e.value ->> 'id' AND id <> e.value ->> 'part' AND deleted_at IS NULL) >= 100)
        THEN 'rule:parts'
        WHEN json_type(NEW.doc, '$.quota.tasks') = 'integer'
            AND json_array_length(NEW.doc, '$.tasks') + coalesce((SELECT tasks FROM usage WHERE user_id = NEW.doc ->> 'user'), 0)
                > NEW.doc ->> '$.quota.tasks'
        THEN 'rule:quota:tasks:' || (NEW.doc ->> '$.quota.tasks')
        WHEN json_type(NEW.doc, '$.events') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.events') AS e CROSS JOIN outbox AS o ON o.event_id = e.value ->> 'id')
        THEN 'exists:event'
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
    INSERT INTO task (id, user_id, version, title, description, priority, tags, due_local, due_tz, recurrence, reminders,
        status, created_at, updated_at, completed_at, deleted_at, start_local, start_tz, duration, duration_s, project_id,
        parent_id, metadata, title_lower, position, change_id, has_words, next_due_at)
    SELECT e.value ->> 'id', NEW.doc ->> 'user', e.value ->> 'version', e.value ->> 'title', e.value ->> 'description',
        e.value ->> 'priority', e.value -> 'tags', e.value ->> 'due_local', e.value ->> 'due_tz', e.value ->> 'recurrence',
        e.value -> 'reminders', e.value ->> 'status', e.value ->> 'created_at', e.value ->> 'updated_at',
        e.value ->> 'completed_at', e.value ->> 'deleted_at', e.value ->> 'start_local', e.value ->> 'start_tz',
        e.value ->> 'duration', e.value ->> 'duration_s', e.value ->> 'project_id', e.value ->> 'parent_id',
        e.value -> 'metadata', e.value ->> 'title_lower', e.value ->> 'position', NEW.doc ->> 'id', 1,
        (SELECT o.value ->> 'due_at' FROM json_each(NEW.doc, '$.opened') AS o
         WHERE o.value ->> 'task_id' = e.value ->> 'id')
    FROM json_each(NEW.doc, '$.tasks') AS e WHERE json_type(NEW.doc, '$.tasks') = 'array';
    INSERT INTO task_word (task_id, word, user_id, places)
    SELECT e.value ->> 'id', w.value ->> 0, NEW.doc ->> 'user', w.value ->> 1
    FROM json_each(NEW.doc, '$.tasks') AS e CROSS JOIN json_each(e.value, '$.words') AS w
    WHERE json_type(NEW.doc, '$.tasks') = 'array';

    INSERT INTO occurrence (task_id, recurrence_id, user_id, predecessor, ordinal, status, succession, title,
        due_local, due_tz, tzdata, due_at, completed_at, start_local, start_tz, start_at)
    SELECT e.value ->> 'task_id', e.value ->> 'recurrence_id', NEW.doc ->> 'user', e.value ->> 'predecessor',
        e.value ->> 'ordinal', e.value ->> 'status', e.value ->> 'succession', e.value ->> 'title',
        e.value ->> 'due_local', e.value ->> 'due_tz', e.value ->> 'tzdata', e.value ->> 'due_at', e.value ->> 'completed_at',
        e.value ->> 'start_local', e.value ->> 'start_tz', e.value ->> 'start_at'
    FROM json_each(NEW.doc, '$.opened') AS e WHERE json_type(NEW.doc, '$.opened') = 'array';
    INSERT INTO alarm (task_id, recurrence_id, reminder_id, user_id, fire_at, state)
    SELECT e.value ->> 'task_id', e.value ->> 'recurrence_id', e.value ->> 'reminder_id', NEW.doc ->> 'user',
        e.value ->> 'fire_at', e.value ->> 'state'
    FROM json_each(NEW.doc, '$.alarms') AS e WHERE json_type(NEW.doc, '$.alarms') = 'array';
    -- The sequence is advanced under the write lock that this statement holds: it is the order of commits. A commit that
    -- finds nothing waiting may take the relay's lease at once.
    INSERT INTO stream (id) SELECT NEW.doc ->> 'stream' WHERE json_type(NEW.doc, '$.events') = 'array'
    ON CONFLICT DO NOTHING;
    UPDATE stream SET sequence = sequence + json_array_length(NEW.doc, '$.events'),
        fence = fence + (relay_at IS NULL AND NEW.relay_for > 0),
        relay_by = CASE WHEN relay_at IS NULL AND NEW.relay_for > 0 THEN NEW.doc ->> 'id' ELSE relay_by END,
        relay_at = coalesce(relay_at, NEW.doc ->> 'at' + coalesce(NEW.relay_for, 0))
    WHERE id = NEW.doc ->> 'stream' AND json_type(NEW.doc, '$.events') = 'array';
    INSERT INTO outbox (stream_id, sequence, topic, previous, event_id, type, subject, user_id, data, at, correlation_id,
        causation_id, traceparent, idempotency_key)
    SELECT s.id, s.sequence - json_array_length(NEW.doc, '$.events') + e.key + 1, e.value ->> 'topic',
        coalesce(
            (SELECT s.sequence - json_array_length(NEW.doc, '$.events') + max(b.key) + 1
             FROM json_each(NEW.doc, '$.events') AS b
             WHERE b.key < e.key AND b.value ->> 'topic' = e.value ->> 'topic'),
            (SELECT last FROM stream_topic WHERE stream_id = s.id AND topic = e.value ->> 'topic')),
        e.value ->> 'id', e.value ->> 'type', e.value ->> 'subject', NEW.doc ->> 'user', e.value -> 'data',
        NEW.doc ->> 'at', e.value ->> 'correlation_id', e.value ->> 'causation_id', e.value ->> 'traceparent',
        e.value ->> 'idempotency_key'
    FROM json_each(NEW.doc, '$.events') AS e CROSS JOIN stream AS s
    WHERE json_type(NEW.doc, '$.events') = 'array' AND s.id = NEW.doc ->> 'stream';
    -- Each event becomes a notice for each of the user's channels that takes its type. Its id is a UUID of version 7 (RFC 9562 §5.7).
    INSERT INTO notice (id, user_id, channel_id, type, event_id, subject, payload, state, next_attempt_at, created_at)
    SELECT lower(printf('%08x-%04x-7', (NEW.doc ->> 'at') >> 16, (NEW.doc ->> 'at') & 65535) || substr(hex(randomblob(2)), 2) || '-'
            || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
        c.user_id, c.channel_id, c.type, e.value ->> 'id', e.value ->> 'subject',
        json_object('type', c.type,
            'timestamp', strftime('%Y-%m-%dT%H:%M:%S', (NEW.doc ->> 'at') / 1000, 'unixepoch')
                || CASE (NEW.doc ->> 'at') % 1000 WHEN 0 THEN 'Z' ELSE printf('.%03dZ', (NEW.doc ->> 'at') % 1000) END,
            'data', json_set(e.value -> 'data', '$.event_id', e.value ->> 'id', '$.subject', e.value ->> 'subject')),
        'pending', NEW.doc ->> 'at', NEW.doc ->> 'at'
    FROM json_each(NEW.doc, '$.events') AS e CROSS JOIN channel_type AS c
        ON c.user_id = NEW.doc ->> 'user' AND c.type = e.value ->> 'type'
    WHERE json_type(NEW.doc, '$.events') = 'array';
    INSERT INTO stream_topic (stream_id, topic, last)
    SELECT s.id, e.value ->> 'topic', s.sequence - json_array_length(NEW.doc, '$.events') + max(e.key) + 1
    FROM json_each(NEW.doc, '$.events') AS e CROSS JOIN stream AS s
    WHERE json_type(NEW.doc, '$.events') = 'array' AND s.id = NEW.doc ->> 'stream'
    GROUP BY e.value ->> 'topic'
    ON CONFLICT (stream_id, topic) DO UPDATE SET last = excluded.last;

    INSERT INTO audit_v4 (user_id, told, id, at, actor, action, subject, correlation_id, tzdata, before, after, previous)
    VALUES (NEW.doc ->> 'user', NEW.doc -> '$.audit.after' IS NOT NULL OR NEW.doc -> '$.audit.before' IS NOT NULL,
        NEW.doc ->> 'id', NEW.doc ->> 'at', NEW.doc ->> '$.audit.actor', NEW.doc ->> '$.audit.action',
        NEW.doc ->> '$.audit.subject', NEW.doc ->> '$.audit.correlation_id', NEW.doc ->> '$.audit.tzdata',
        NEW.doc -> '$.audit.before', NEW.doc -> '$.audit.after', NULL);
END
