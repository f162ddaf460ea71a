-- What write_fired_v4 does, and refuses besides what is a deleted user's.
CREATE VIEW IF NOT EXISTS write_fired_v5 AS SELECT NULL AS ix, NULL AS mode, NULL AS relay_for, NULL AS doc
--;
CREATE TRIGGER IF NOT EXISTS write_fired_commit_v5 INSTEAD OF INSERT ON write_fired_v5 BEGIN
    -- Every check, before the first write of the row. Whose an alarm is, is expected with it.
    SELECT CASE NEW.mode WHEN 'each' THEN RAISE(IGNORE) ELSE RAISE(ABORT, why || '#' || NEW.ix) END
    FROM (SELECT CASE
        WHEN EXISTS (SELECT 1 FROM user WHERE id = NEW.doc ->> 'user' AND deleted_at IS NOT NULL)
        THEN 'rule:user'
        WHEN EXISTS (
            SELECT 1 FROM (SELECT value FROM json_each(NEW.doc, '$.expect.alarms') LIMIT -1) AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM alarm
                WHERE task_id = e.value ->> 'task_id' AND recurrence_id = e.value ->> 'recurrence_id'
                    AND reminder_id = e.value ->> 'reminder_id' AND user_id = NEW.doc ->> 'user'
                    AND state = e.value ->> 'state' AND fire_at = e.value ->> 'fire_at'))
        THEN 'expect:alarm'
        WHEN EXISTS (
            SELECT 1 FROM (SELECT value FROM json_each(NEW.doc, '$.notifications') LIMIT -1) AS e
            CROSS JOIN notification_v2 AS n
                ON n.task_id = e.value ->> 'task_id' AND n.recurrence_id = e.value ->> 'recurrence_id'
                    AND n.reminder_id = e.value ->> 'reminder_id' AND n.channel_id = e.value ->> 'channel_id'
                    AND n.fire_at = e.value ->> 'fire_at')
        THEN 'exists:notification'
        WHEN EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.notifications') AS e CROSS JOIN channel_v2 AS c
                ON c.id = e.value ->> 'channel_id'
            WHERE c.deleted_at IS NOT NULL)
        THEN 'expect:channel'
        WHEN EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.events') AS e CROSS JOIN outbox AS o ON o.event_id = e.value ->> 'id')
        THEN 'exists:event'
    END AS why) WHERE why IS NOT NULL;

    UPDATE alarm SET state = e.value ->> 'state'
    FROM (SELECT value FROM json_each(NEW.doc, '$.alarms') LIMIT -1) AS e
    WHERE alarm.task_id = e.value ->> 'task_id' AND alarm.recurrence_id = e.value ->> 'recurrence_id'
        AND alarm.reminder_id = e.value ->> 'reminder_id';
    INSERT INTO notification_v2 (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload,
        next_attempt_at, delivered_at, created_at)
    SELECT e.value ->> 'id', NEW.doc ->> 'user', e.value ->> 'task_id', e.value ->> 'recurrence_id',
        e.value ->> 'reminder_id', e.value ->> 'channel_id', e.value ->> 'fire_at', e.value ->> 'state', e.value -> 'payload',
        e.value ->> 'next_attempt_at', e.value ->> 'delivered_at', NEW.doc ->> 'at'
    FROM (SELECT value FROM json_each(NEW.doc, '$.notifications') LIMIT -1) AS e;

    -- As for any commit: the sequence is advanced under the write lock, and the relay's lease may be taken.
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
        CASE e.key WHEN 0 THEN (SELECT last FROM stream_topic WHERE stream_id = s.id AND topic = e.value ->> 'topic')
            ELSE s.sequence - json_array_length(NEW.doc, '$.events') + e.key END,
        e.value ->> 'id', e.value ->> 'type', e.value ->> 'subject', NEW.doc ->> 'user', e.value -> 'data',
        NEW.doc ->> 'at', e.value ->> 'correlation_id', e.value ->> 'causation_id', e.value ->> 'traceparent',
        e.value ->> 'idempotency_key'
    FROM (SELECT key, value FROM json_each(NEW.doc, '$.events') LIMIT -1) AS e CROSS JOIN stream AS s
    WHERE s.id = NEW.doc ->> 'stream';
    INSERT INTO stream_topic (stream_id, topic, last)
    SELECT s.id, NEW.doc ->> '$.events[0].topic', s.sequence FROM stream AS s
    WHERE json_type(NEW.doc, '$.events') = 'array' AND s.id = NEW.doc ->> 'stream'
    ON CONFLICT (stream_id, topic) DO UPDATE SET last = excluded.last;

    INSERT INTO audit_v4 (user_id, told, id, at, actor, action, subject, correlation_id, tzdata)
    VALUES (NEW.doc ->> 'user', 0, NEW.doc ->> 'id', NEW.doc ->> 'at', NEW.doc ->> '$.audit.actor',
        NEW.doc ->> '$.audit.action', NEW.doc ->> '$.audit.subject', NEW.doc ->> '$.audit.correlation_id',
        NEW.doc ->> '$.audit.tzdata');
END
