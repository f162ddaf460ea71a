-- A commit arrives as one JSON document in one INSERT; the trigger takes it apart. Whatever raises here undoes the whole
-- statement, and with it the whole commit. Members of the document are named like the columns they go to.

CREATE VIEW IF NOT EXISTS "write" AS SELECT NULL AS body
--;
CREATE TRIGGER IF NOT EXISTS write_commit INSTEAD OF INSERT ON "write" BEGIN
    -- What was read must still be so.
    SELECT RAISE(ABORT, 'expect:task') FROM json_each(NEW.body, '$.expect.tasks') AS e
    WHERE (SELECT version FROM task WHERE id = e.value ->> 'id' AND user_id = NEW.body ->> 'user')
        IS NOT nullif(e.value ->> 'version', 0);
    SELECT RAISE(ABORT, 'expect:occurrence') FROM json_each(NEW.body, '$.expect.occurrences') AS e
    WHERE NOT EXISTS (
        SELECT 1 FROM occurrence
        WHERE task_id = e.value ->> 'task_id' AND recurrence_id = e.value ->> 'recurrence_id'
            AND user_id = NEW.body ->> 'user' AND status = e.value ->> 'status'
            AND succession = e.value ->> 'succession');
    SELECT RAISE(ABORT, 'expect:alarm') FROM json_each(NEW.body, '$.expect.alarms') AS e
    WHERE NOT EXISTS (
        SELECT 1 FROM alarm
        WHERE task_id = e.value ->> 'task_id' AND recurrence_id = e.value ->> 'recurrence_id'
            AND reminder_id = e.value ->> 'reminder_id' AND user_id = NEW.body ->> 'user'
            AND state = e.value ->> 'state');

    -- A repeated request or event stops here.
    INSERT INTO idempotency (user_id, key, fingerprint, status, etag, location, body, created_at)
    SELECT NEW.body ->> '$.user', i.value ->> 'key', i.value ->> 'fingerprint', i.value ->> 'status',
        i.value ->> 'etag', i.value ->> 'location', i.value ->> 'body', NEW.body ->> '$.at'
    FROM json_each(json_array(json(NEW.body -> '$.idempotency'))) AS i WHERE i.type = 'object';
    INSERT INTO inbox (consumer, event_id, at)
    SELECT i.value ->> 'consumer', i.value ->> 'event_id', NEW.body ->> '$.at'
    FROM json_each(json_array(json(NEW.body -> '$.inbox'))) AS i WHERE i.type = 'object';

    INSERT INTO user (id, name, role, tz, created_at)
    SELECT e.value ->> 'id', e.value ->> 'name', e.value ->> 'role', e.value ->> 'tz', e.value ->> 'created_at'
    FROM json_each(NEW.body, '$.users') AS e;
    INSERT INTO token (id, user_id, name, hash, scopes, created_at, expires_at, revoked_at)
    SELECT e.value ->> 'id', e.value ->> 'user_id', e.value ->> 'name', e.value ->> 'hash', e.value -> 'scopes',
        e.value ->> 'created_at', e.value ->> 'expires_at', e.value ->> 'revoked_at'
    FROM json_each(NEW.body, '$.tokens') AS e WHERE true
    ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at;
    INSERT INTO channel (id, user_id, kind, url, secret, created_at, deleted_at)
    SELECT e.value ->> 'id', NEW.body ->> '$.user', e.value ->> 'kind', e.value ->> 'url', e.value ->> 'secret',
        e.value ->> 'created_at', e.value ->> 'deleted_at'
    FROM json_each(NEW.body, '$.channels') AS e WHERE true
    ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at WHERE channel.user_id = excluded.user_id;

    INSERT INTO task (id, user_id, version, title, description, priority, tags, due_local, due_tz, recurrence, reminders,
        status, created_at, updated_at, completed_at, deleted_at)
    SELECT e.value ->> 'id', NEW.body ->> '$.user', e.value ->> 'version', e.value ->> 'title', e.value ->> 'description',
        e.value ->> 'priority', e.value -> 'tags', e.value ->> 'due_local', e.value ->> 'due_tz', e.value ->> 'recurrence',
        e.value -> 'reminders', e.value ->> 'status', e.value ->> 'created_at', e.value ->> 'updated_at',
        e.value ->> 'completed_at', e.value ->> 'deleted_at'
    FROM json_each(NEW.body, '$.tasks') AS e WHERE true
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, title = excluded.title, description = excluded.description,
        priority = excluded.priority, tags = excluded.tags, due_local = excluded.due_local, due_tz = excluded.due_tz,
        recurrence = excluded.recurrence, reminders = excluded.reminders, status = excluded.status,
        updated_at = excluded.updated_at, completed_at = excluded.completed_at, deleted_at = excluded.deleted_at
    WHERE task.user_id = excluded.user_id;

    -- What is done stays done; only its succession moves on.
    INSERT INTO occurrence (task_id, recurrence_id, user_id, predecessor, ordinal, status, succession, title,
        due_local, due_tz, tzdata, due_at, completed_at)
    SELECT e.value ->> 'task_id', e.value ->> 'recurrence_id', NEW.body ->> '$.user', e.value ->> 'predecessor',
        e.value ->> 'ordinal', e.value ->> 'status', e.value ->> 'succession', e.value ->> 'title',
        e.value ->> 'due_local', e.value ->> 'due_tz', e.value ->> 'tzdata', e.value ->> 'due_at', e.value ->> 'completed_at'
    FROM json_each(NEW.body, '$.occurrences') AS e WHERE true
    ON CONFLICT (task_id, recurrence_id) DO UPDATE SET predecessor = excluded.predecessor, ordinal = excluded.ordinal,
        status = excluded.status, succession = excluded.succession, title = excluded.title,
        due_local = excluded.due_local, due_tz = excluded.due_tz, tzdata = excluded.tzdata, due_at = excluded.due_at, completed_at = excluded.completed_at
    WHERE occurrence.user_id = excluded.user_id AND (occurrence.status <> 'done' OR excluded.status = 'done');
    INSERT INTO occurrence (task_id, recurrence_id, user_id, predecessor, ordinal, status, succession, title,
        due_local, due_tz, tzdata, due_at, completed_at)
    SELECT e.value ->> 'task_id', e.value ->> 'recurrence_id', NEW.body ->> '$.user', e.value ->> 'predecessor',
        e.value ->> 'ordinal', e.value ->> 'status', e.value ->> 'succession', e.value ->> 'title',
        e.value ->> 'due_local', e.value ->> 'due_tz', e.value ->> 'tzdata', e.value ->> 'due_at', e.value ->> 'completed_at'
    FROM json_each(NEW.body, '$.opened') AS e;

    INSERT INTO override (task_id, recurrence_id, user_id, title, due_local, due_tz, cancelled)
    SELECT e.value ->> 'task_id', e.value ->> 'recurrence_id', NEW.body ->> '$.user', e.value ->> 'title',
        e.value ->> 'due_local', e.value ->> 'due_tz', e.value ->> 'cancelled'
    FROM json_each(NEW.body, '$.overrides') AS e WHERE true
    ON CONFLICT (task_id, recurrence_id) DO UPDATE SET title = excluded.title, due_local = excluded.due_local,
        due_tz = excluded.due_tz, cancelled = excluded.cancelled
    WHERE override.user_id = excluded.user_id;

    -- What has fired stays fired.
    INSERT INTO alarm (task_id, recurrence_id, reminder_id, user_id, fire_at, state)
    SELECT e.value ->> 'task_id', e.value ->> 'recurrence_id', e.value ->> 'reminder_id', NEW.body ->> '$.user',
        e.value ->> 'fire_at', e.value ->> 'state'
    FROM json_each(NEW.body, '$.alarms') AS e WHERE true
    ON CONFLICT (task_id, recurrence_id, reminder_id) DO UPDATE SET fire_at = excluded.fire_at, state = excluded.state
    WHERE alarm.user_id = excluded.user_id AND alarm.state <> 'fired';
    INSERT INTO notification (id, user_id, task_id, recurrence_id, reminder_id, channel_id, state, payload,
        next_attempt_at, delivered_at, created_at)
    SELECT e.value ->> 'id', NEW.body ->> '$.user', e.value ->> 'task_id', e.value ->> 'recurrence_id',
        e.value ->> 'reminder_id', e.value ->> 'channel_id', e.value ->> 'state', e.value -> 'payload',
        e.value ->> 'next_attempt_at', e.value ->> 'delivered_at', NEW.body ->> '$.at'
    FROM json_each(NEW.body, '$.notifications') AS e;
    -- Only the last attempt made may say what became of the notification.
    SELECT RAISE(ABORT, 'expect:attempt') FROM json_each(NEW.body, '$.deliveries') AS e
    WHERE NOT EXISTS (
        SELECT 1 FROM notification
        WHERE id = e.value ->> 'id' AND user_id = NEW.body ->> 'user' AND state = 'pending'
            AND attempts = e.value ->> 'attempt');
    UPDATE notification SET (state, next_attempt_at, delivered_at, last_error) = (
        SELECT e.value ->> 'state', e.value ->> 'next_attempt_at', e.value ->> 'delivered_at', e.value ->> 'last_error'
        FROM json_each(NEW.body, '$.deliveries') AS e WHERE e.value ->> 'id' = notification.id)
    WHERE id IN (SELECT e.value ->> 'id' FROM json_each(NEW.body, '$.deliveries') AS e)
        AND user_id = NEW.body ->> '$.user';

    -- The sequence is advanced under the write lock that this statement holds: it is the order of commits.
    INSERT INTO stream (id) SELECT NEW.body ->> '$.stream' WHERE json_array_length(NEW.body, '$.events') > 0
    ON CONFLICT DO NOTHING;
    UPDATE stream SET sequence = sequence + json_array_length(NEW.body, '$.events')
    WHERE id = NEW.body ->> '$.stream' AND json_array_length(NEW.body, '$.events') > 0;
    INSERT INTO outbox (stream_id, sequence, topic, previous, event_id, type, subject, user_id, data, at, correlation_id,
        causation_id, traceparent, idempotency_key)
    SELECT s.id, s.sequence - json_array_length(NEW.body, '$.events') + e.key + 1, e.value ->> 'topic',
        coalesce(
            (SELECT s.sequence - json_array_length(NEW.body, '$.events') + max(b.key) + 1
             FROM json_each(NEW.body, '$.events') AS b
             WHERE b.key < e.key AND b.value ->> 'topic' = e.value ->> 'topic'),
            (SELECT last FROM stream_topic WHERE stream_id = s.id AND topic = e.value ->> 'topic')),
        e.value ->> 'id', e.value ->> 'type', e.value ->> 'subject', NEW.body ->> '$.user', e.value -> 'data',
        NEW.body ->> '$.at', e.value ->> 'correlation_id', e.value ->> 'causation_id', e.value ->> 'traceparent',
        e.value ->> 'idempotency_key'
    FROM json_each(NEW.body, '$.events') AS e, stream AS s WHERE s.id = NEW.body ->> '$.stream';
    INSERT INTO stream_topic (stream_id, topic, last)
    SELECT s.id, e.value ->> 'topic', s.sequence - json_array_length(NEW.body, '$.events') + max(e.key) + 1
    FROM json_each(NEW.body, '$.events') AS e, stream AS s WHERE s.id = NEW.body ->> '$.stream'
    GROUP BY e.value ->> 'topic'
    ON CONFLICT (stream_id, topic) DO UPDATE SET last = excluded.last;

    INSERT INTO audit (user_id, at, actor, action, subject, correlation_id, tzdata)
    VALUES (NEW.body ->> '$.user', NEW.body ->> '$.at', NEW.body ->> '$.audit.actor', NEW.body ->> '$.audit.action',
        NEW.body ->> '$.audit.subject', NEW.body ->> '$.audit.correlation_id', NEW.body ->> '$.audit.tzdata');
END
--;
-- The relay gives a stream back: its events up to a sequence are published. Only for the holder of the lease.
CREATE VIEW IF NOT EXISTS relay AS SELECT NULL AS stream_id, NULL AS fence, NULL AS up_to, NULL AS at
--;
CREATE TRIGGER IF NOT EXISTS relay_published INSTEAD OF INSERT ON relay BEGIN
    UPDATE outbox SET published_at = NEW.at
    WHERE stream_id = NEW.stream_id AND sequence <= NEW.up_to AND published_at IS NULL
        AND EXISTS (SELECT 1 FROM stream WHERE id = NEW.stream_id AND fence = NEW.fence);
    UPDATE stream SET relay_until = 0 WHERE id = NEW.stream_id AND fence = NEW.fence;
END
