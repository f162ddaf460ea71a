-- Commits arrive as JSON documents, one a row, in one INSERT … SELECT over an array. A member of a document is named like the
-- column it goes to. Every check comes before the first write of a row; what a check finds undoes the whole statement where
-- `mode` is all, and skips that row alone where it is each. A row whose idempotency key is known is not touched at all:
-- the statement's RETURNING gives the stored answer.
--
-- What is more than in write_v4 is in the table of versions in README.md.
--
-- A check says `rule:` of what must not be, whoever asks and however often; `expect:` of what has changed since it was read,
-- `exists:` of what is there already, `applied:` of the event whose effect this is; then `#` and the index of the row.

CREATE VIEW IF NOT EXISTS write_v5 AS SELECT NULL AS ix, NULL AS mode, NULL AS relay_for, NULL AS doc
--;
CREATE TRIGGER IF NOT EXISTS write_commit_v5 INSTEAD OF INSERT ON write_v5
WHEN NOT EXISTS (
    SELECT 1 FROM idempotency WHERE user_id = NEW.doc ->> 'user' AND key = NEW.doc ->> '$.idempotency.key')
BEGIN
    -- Every check, before the first write of the row. Lists that are empty are not there.
    SELECT CASE NEW.mode WHEN 'each' THEN RAISE(IGNORE) ELSE RAISE(ABORT, why || '#' || NEW.ix) END
    FROM (SELECT CASE
        WHEN json_type(NEW.doc, '$.inbox') = 'object' AND EXISTS (
            SELECT 1 FROM inbox WHERE consumer = NEW.doc ->> '$.inbox.consumer' AND event_id = NEW.doc ->> '$.inbox.event_id')
        THEN 'applied:inbox'
        -- Whoever was deleted meanwhile writes nothing more, and nothing is written for them.
        WHEN EXISTS (SELECT 1 FROM user WHERE id = NEW.doc ->> 'user' AND deleted_at IS NOT NULL)
        THEN 'rule:user'
        -- Of a request of many commits, all are carried out under its key, or none.
        WHEN json_type(NEW.doc, '$.expect.answer') = 'object' AND NOT EXISTS (
            SELECT 1 FROM idempotency
            WHERE user_id = NEW.doc ->> 'user' AND key = NEW.doc ->> '$.expect.answer.key'
                AND fingerprint = NEW.doc ->> '$.expect.answer.fingerprint'
                AND commit_id = coalesce(NEW.doc ->> '$.expect.answer.commit_id', commit_id))
        THEN 'expect:answer'
        -- Windows are fixed: one begins with the first write after the one before. A clock a little behind, as another
        -- replica's may be, counts in the window that is there; one that has gone back further begins another.
        WHEN json_type(NEW.doc, '$.rate') = 'object' AND EXISTS (
            SELECT 1 FROM rate
            WHERE token = NEW.doc ->> '$.rate.token' AND count >= NEW.doc ->> '$.rate.limit'
                AND NEW.doc ->> 'at' - began BETWEEN 0 - (NEW.doc ->> '$.rate.window') AND (NEW.doc ->> '$.rate.window') - 1)
        THEN 'rule:rate:' || (
            SELECT began + (NEW.doc ->> '$.rate.window') - (NEW.doc ->> 'at') FROM rate WHERE token = NEW.doc ->> '$.rate.token')

        -- What was read must still be so.
        WHEN json_type(NEW.doc, '$.expect.tasks') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.tasks') AS e
            WHERE (SELECT version FROM task WHERE id = e.value ->> 'id' AND user_id = NEW.doc ->> 'user')
                IS NOT nullif(e.value ->> 'version', 0))
        THEN 'expect:task'
        -- What is taken back is the last that was done.
        WHEN json_type(NEW.doc, '$.expect.changes') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.changes') AS e
            WHERE (SELECT change_id FROM task WHERE id = e.value ->> 'task_id' AND user_id = NEW.doc ->> 'user')
                IS NOT e.value ->> 'change_id')
        THEN 'expect:change'
        WHEN json_type(NEW.doc, '$.expect.places') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.places') AS e CROSS JOIN task AS t
                ON t.user_id = NEW.doc ->> 'user' AND t.position = e.value ->> 'place'
            WHERE t.id <> e.value ->> 'task_id')
        THEN 'expect:place'
        WHEN json_type(NEW.doc, '$.expect.settings') = 'integer' AND NEW.doc ->> '$.expect.settings' IS NOT (
            SELECT version FROM user WHERE id = NEW.doc ->> 'user')
        THEN 'expect:settings'
        -- Occurrences and alarms are computed in their user's zone: who read another must read again.
        WHEN coalesce(json_type(NEW.doc, '$.opened'), json_type(NEW.doc, '$.occurrences'), json_type(NEW.doc, '$.reopened'),
                json_type(NEW.doc, '$.alarms')) = 'array'
            AND NEW.doc ->> '$.expect.zone' <> (SELECT tz FROM user WHERE id = NEW.doc ->> 'user')
        THEN 'expect:zone'
        WHEN json_type(NEW.doc, '$.expect.projects') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.projects') AS e
            WHERE (SELECT version FROM project
                   WHERE id = e.value ->> 'id' AND user_id = NEW.doc ->> 'user' AND deleted_at IS NULL)
                IS NOT nullif(e.value ->> 'version', 0))
        THEN 'expect:project'
        WHEN json_type(NEW.doc, '$.projects') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.projects') AS e CROSS JOIN project AS p ON p.id = e.value ->> 'id'
            WHERE p.user_id <> NEW.doc ->> 'user')
        THEN 'expect:owner'
        WHEN json_type(NEW.doc, '$.projects') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.projects') AS e CROSS JOIN project AS p
                ON p.user_id = NEW.doc ->> 'user' AND p.name = e.value ->> 'name' AND p.deleted_at IS NULL
            WHERE p.id <> e.value ->> 'id' AND e.value ->> 'deleted_at' IS NULL)
        THEN 'rule:name'
        WHEN json_type(NEW.doc, '$.projects') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.projects') AS e WHERE e.value ->> 'version' = 1)
            AND (SELECT count(*) FROM project WHERE user_id = NEW.doc ->> 'user' AND deleted_at IS NULL) >= 500
        THEN 'rule:projects'
        WHEN json_type(NEW.doc, '$.expect.empty_projects') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.empty_projects') AS e CROSS JOIN task AS t
                ON t.user_id = NEW.doc ->> 'user' AND t.project_id = e.value AND t.deleted_at IS NULL
                    AND t.status IN ('open', 'done'))
        THEN 'rule:empty'
        WHEN json_type(NEW.doc, '$.expect.occurrences') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.occurrences') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM occurrence
                WHERE task_id = e.value ->> 'task_id' AND recurrence_id = e.value ->> 'recurrence_id'
                    AND user_id = NEW.doc ->> 'user' AND status = e.value ->> 'status'
                    AND succession = e.value ->> 'succession'))
        THEN 'expect:occurrence'
        WHEN json_type(NEW.doc, '$.expect.alarms') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.alarms') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM alarm
                WHERE task_id = e.value ->> 'task_id' AND recurrence_id = e.value ->> 'recurrence_id'
                    AND reminder_id = e.value ->> 'reminder_id' AND user_id = NEW.doc ->> 'user'
                    AND state = e.value ->> 'state' AND fire_at = e.value ->> 'fire_at'))
        THEN 'expect:alarm'
        WHEN json_type(NEW.doc, '$.expect.channels') = 'integer' AND NEW.doc ->> '$.expect.channels' <> (
            SELECT count(*) FROM channel_v2 WHERE user_id = NEW.doc ->> 'user' AND deleted_at IS NULL)
        THEN 'expect:channels'
        WHEN json_type(NEW.doc, '$.expect.secrets') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.expect.secrets') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM channel_v2
                WHERE id = e.value ->> 'id' AND user_id = NEW.doc ->> 'user' AND deleted_at IS NULL
                    AND config ->> 'secret' = e.value ->> 'secret'
                    AND coalesce(e.value -> 'types', config -> 'types', '["reminder.fired"]') = coalesce(config -> 'types', '["reminder.fired"]')))
        THEN 'expect:secret'
        -- Only the last attempt made may say what became of a notification.
        WHEN json_type(NEW.doc, '$.deliveries') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.deliveries') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM notification_v2 AS n CROSS JOIN work AS w
                    ON w.task_id = n.task_id AND w.kind = 'notification' AND w.recurrence_id = n.recurrence_id
                        AND w.item = n.id
                WHERE n.id = e.value ->> 'id' AND n.user_id = NEW.doc ->> 'user' AND n.state = 'pending'
                    AND w.tries = e.value ->> 'attempt')
            AND NOT EXISTS (
                SELECT 1 FROM notice AS n CROSS JOIN work AS w
                    ON w.task_id = n.id AND w.kind = 'notification' AND w.recurrence_id = '' AND w.item = n.id
                WHERE n.id = e.value ->> 'id' AND n.user_id = NEW.doc ->> 'user' AND n.state = 'pending'
                    AND w.tries = e.value ->> 'attempt'))
        THEN 'expect:attempt'

        WHEN json_type(NEW.doc, '$.retried') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.retried') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM work
                WHERE id = e.value ->> 'id' AND user_id = e.value ->> 'user_id' AND parked_at IS NOT NULL
                    AND kind <> 'event'))
        THEN 'expect:parked'

        -- What a task is put under, and what its owner may have of each kind. These are told to whoever asked, not tried again.
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

        WHEN json_type(NEW.doc, '$.tokens') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.tokens') AS e CROSS JOIN user AS u ON u.id = e.value ->> 'user_id'
            WHERE u.deleted_at IS NOT NULL)
        THEN 'expect:user'
        WHEN json_type(NEW.doc, '$.deleted_users') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.deleted_users') AS e
            WHERE NOT EXISTS (SELECT 1 FROM user WHERE id = e.value ->> 'id' AND deleted_at IS NULL))
        THEN 'expect:user'
        WHEN json_type(NEW.doc, '$.deleted_users') = 'array' AND NOT EXISTS (
            SELECT 1 FROM user INDEXED BY user_admin WHERE role = 'admin' AND deleted_at IS NULL AND id NOT IN (
                SELECT e.value ->> 'id' FROM json_each(NEW.doc, '$.deleted_users') AS e))
        THEN 'rule:last-admin'
        -- Tasks that are there again, or for the first time.
        WHEN json_type(NEW.doc, '$.quota.tasks') = 'integer' AND EXISTS (
            SELECT 1 FROM (
                SELECT count(*) AS more FROM json_each(NEW.doc, '$.tasks') AS e
                WHERE e.value ->> 'deleted_at' IS NULL AND NOT EXISTS (
                    SELECT 1 FROM task WHERE id = e.value ->> 'id' AND deleted_at IS NULL))
            WHERE more > 0 AND more + coalesce((SELECT tasks FROM usage WHERE user_id = NEW.doc ->> 'user'), 0)
                > NEW.doc ->> '$.quota.tasks')
        THEN 'rule:quota:tasks:' || (NEW.doc ->> '$.quota.tasks')
        WHEN json_type(NEW.doc, '$.quota.tokens') = 'integer' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.tokens') AS e
            WHERE NOT EXISTS (SELECT 1 FROM token WHERE id = e.value ->> 'id')
                AND (SELECT count(*) FROM token WHERE user_id = e.value ->> 'user_id' AND revoked_at IS NULL)
                    >= NEW.doc ->> '$.quota.tokens')
        THEN 'rule:quota:tokens:' || (NEW.doc ->> '$.quota.tokens')
        WHEN json_type(NEW.doc, '$.identities') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.identities') AS e CROSS JOIN identity AS i
                ON i.issuer = e.value ->> 'issuer' AND i.subject = e.value ->> 'subject')
        THEN 'rule:identity'

        -- Rows are their user's; what is done stays done; zone data only move forward.
        WHEN json_type(NEW.doc, '$.tasks') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.tasks') AS e CROSS JOIN task AS t ON t.id = e.value ->> 'id'
            WHERE t.user_id <> NEW.doc ->> 'user')
        THEN 'expect:owner'
        WHEN json_type(NEW.doc, '$.occurrences') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.occurrences') AS e CROSS JOIN occurrence AS o
                ON o.task_id = e.value ->> 'task_id' AND o.recurrence_id = e.value ->> 'recurrence_id'
            WHERE o.user_id <> NEW.doc ->> 'user'
                OR (o.tzdata > e.value ->> 'tzdata' AND NEW.doc ->> '$.audit.action' = 'zone.refresh')
                OR (o.status = 'done' AND e.value ->> 'status' <> 'done'))
        THEN 'expect:occurrence'
        WHEN json_type(NEW.doc, '$.reopened') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.reopened') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM occurrence
                WHERE task_id = e.value ->> 'task_id' AND recurrence_id = e.value ->> 'recurrence_id'
                    AND user_id = NEW.doc ->> 'user' AND status = 'done'))
        THEN 'expect:reopened'
        WHEN json_type(NEW.doc, '$.alarms') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.alarms') AS e CROSS JOIN alarm AS a
                ON a.task_id = e.value ->> 'task_id' AND a.recurrence_id = e.value ->> 'recurrence_id'
                    AND a.reminder_id = e.value ->> 'reminder_id'
            WHERE a.user_id <> NEW.doc ->> 'user')
        THEN 'expect:owner'
        WHEN json_type(NEW.doc, '$.overrides') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.overrides') AS e CROSS JOIN override AS o
                ON o.task_id = e.value ->> 'task_id' AND o.recurrence_id = e.value ->> 'recurrence_id'
            WHERE o.user_id <> NEW.doc ->> 'user')
        THEN 'expect:owner'
        WHEN json_type(NEW.doc, '$.channels') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.channels') AS e CROSS JOIN channel_v2 AS c ON c.id = e.value ->> 'id'
            WHERE c.user_id <> NEW.doc ->> 'user')
        THEN 'expect:owner'

        -- What must be new is new.
        WHEN json_type(NEW.doc, '$.users') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.users') AS e CROSS JOIN user AS u ON u.id = e.value ->> 'id')
        THEN 'exists:user'
        WHEN json_type(NEW.doc, '$.tokens') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.tokens') AS e CROSS JOIN token AS t ON t.hash = e.value ->> 'hash'
            WHERE t.id <> e.value ->> 'id')
        THEN 'exists:token'
        WHEN json_type(NEW.doc, '$.opened') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.opened') AS e CROSS JOIN occurrence AS o
                ON o.task_id = e.value ->> 'task_id' AND o.recurrence_id = e.value ->> 'recurrence_id')
        THEN 'exists:occurrence.recurrence_id'
        WHEN coalesce(json_type(NEW.doc, '$.opened'), json_type(NEW.doc, '$.occurrences')) = 'array' AND EXISTS (
            SELECT 1 FROM (
                SELECT value FROM json_each(NEW.doc, '$.opened')
                UNION ALL SELECT value FROM json_each(NEW.doc, '$.occurrences')) AS e
            CROSS JOIN occurrence AS o ON o.task_id = e.value ->> 'task_id' AND o.predecessor = e.value ->> 'predecessor'
            WHERE o.recurrence_id <> e.value ->> 'recurrence_id' AND NOT EXISTS (
                SELECT 1 FROM json_each(NEW.doc, '$.occurrences') AS other
                WHERE other.value ->> 'task_id' = o.task_id AND other.value ->> 'recurrence_id' = o.recurrence_id
                    AND other.value ->> 'predecessor' IS NOT o.predecessor))
        THEN 'exists:occurrence.predecessor'
        WHEN json_type(NEW.doc, '$.notifications') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.notifications') AS e CROSS JOIN notification_v2 AS n
                ON n.task_id = e.value ->> 'task_id' AND n.recurrence_id = e.value ->> 'recurrence_id'
                    AND n.reminder_id = e.value ->> 'reminder_id' AND n.channel_id = e.value ->> 'channel_id'
                    AND n.fire_at = e.value ->> 'fire_at')
        THEN 'exists:notification'
        -- A channel may be deleted between the look at the user's channels and this.
        WHEN json_type(NEW.doc, '$.notifications') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.notifications') AS e CROSS JOIN channel_v2 AS c
                ON c.id = e.value ->> 'channel_id'
            WHERE c.deleted_at IS NOT NULL)
        THEN 'expect:channel'
        WHEN json_type(NEW.doc, '$.notices') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.notices') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM channel_v2
                WHERE id = e.value ->> 'channel_id' AND user_id = NEW.doc ->> 'user' AND deleted_at IS NULL))
        THEN 'expect:channel'
        WHEN json_type(NEW.doc, '$.notices') = 'array' AND EXISTS (
            SELECT 1 FROM json_each(NEW.doc, '$.notices') AS e
            WHERE (SELECT count(*) FROM notice
                   WHERE channel_id = e.value ->> 'channel_id' AND state = 'pending' AND type = 'test') >= 10)
        THEN 'rule:tests'
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
    INSERT INTO inbox (consumer, event_id, at)
    SELECT NEW.doc ->> '$.inbox.consumer', NEW.doc ->> '$.inbox.event_id', NEW.doc ->> 'at'
    WHERE json_type(NEW.doc, '$.inbox') = 'object';

    INSERT INTO user (id, name, role, tz, created_at)
    SELECT e.value ->> 'id', e.value ->> 'name', e.value ->> 'role', e.value ->> 'tz', e.value ->> 'created_at'
    FROM json_each(NEW.doc, '$.users') AS e WHERE json_type(NEW.doc, '$.users') = 'array';
    UPDATE user SET tz = NEW.doc ->> '$.settings.tz', settings = NEW.doc -> '$.settings.settings',
        version = NEW.doc ->> '$.settings.version'
    WHERE json_type(NEW.doc, '$.settings') = 'object' AND id = NEW.doc ->> 'user';
    -- A deleted user's tokens, channels and tasks are theirs no more with this; the sweep takes them away.
    UPDATE user SET deleted_at = NEW.doc ->> 'at', forget_at = NEW.doc ->> 'at', name = '', settings = NULL,
        version = version + 1
    WHERE json_type(NEW.doc, '$.deleted_users') = 'array'
        AND id IN (SELECT e.value ->> 'id' FROM json_each(NEW.doc, '$.deleted_users') AS e);
    DELETE FROM identity WHERE json_type(NEW.doc, '$.deleted_users') = 'array'
        AND user_id IN (SELECT e.value ->> 'id' FROM json_each(NEW.doc, '$.deleted_users') AS e);
    INSERT INTO identity (issuer, subject, user_id, created_at)
    SELECT e.value ->> 'issuer', e.value ->> 'subject', e.value ->> 'user_id', e.value ->> 'created_at'
    FROM json_each(NEW.doc, '$.identities') AS e WHERE json_type(NEW.doc, '$.identities') = 'array';
    INSERT INTO token (id, user_id, name, hash, scopes, created_at, expires_at, revoked_at)
    SELECT e.value ->> 'id', e.value ->> 'user_id', e.value ->> 'name', e.value ->> 'hash', e.value -> 'scopes',
        e.value ->> 'created_at', e.value ->> 'expires_at', e.value ->> 'revoked_at'
    FROM json_each(NEW.doc, '$.tokens') AS e WHERE json_type(NEW.doc, '$.tokens') = 'array'
    ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at;
    INSERT INTO channel_v2 (id, user_id, kind, config, created_at, deleted_at)
    SELECT e.value ->> 'id', NEW.doc ->> 'user', e.value ->> 'kind',
        e.value -> 'config', e.value ->> 'created_at', e.value ->> 'deleted_at'
    FROM json_each(NEW.doc, '$.channels') AS e WHERE json_type(NEW.doc, '$.channels') = 'array'
    ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at,
        config = CASE WHEN excluded.deleted_at IS NULL THEN excluded.config ELSE channel_v2.config END;

    -- While the change before it is still known.
    INSERT INTO audit_v4 (user_id, told, id, at, actor, action, subject, correlation_id, tzdata, before, after, previous)
    VALUES (NEW.doc ->> 'user', NEW.doc -> '$.audit.after' IS NOT NULL OR NEW.doc -> '$.audit.before' IS NOT NULL,
        NEW.doc ->> 'id', NEW.doc ->> 'at', NEW.doc ->> '$.audit.actor', NEW.doc ->> '$.audit.action',
        NEW.doc ->> '$.audit.subject', NEW.doc ->> '$.audit.correlation_id', NEW.doc ->> '$.audit.tzdata',
        NEW.doc -> '$.audit.before', NEW.doc -> '$.audit.after', CASE WHEN NEW.doc -> '$.audit.after' IS NOT NULL OR NEW.doc -> '$.audit.before' IS NOT NULL THEN coalesce(
            (SELECT change_id FROM task WHERE id = coalesce(NEW.doc ->> '$.audit.after_those_of', NEW.doc ->> '$.audit.subject') AND user_id = NEW.doc ->> 'user'),
            (SELECT change_id FROM project WHERE id = NEW.doc ->> '$.audit.subject' AND user_id = NEW.doc ->> 'user')) END);
    INSERT INTO project (id, user_id, version, name, description, archived, created_at, updated_at, deleted_at,
        change_id)
    SELECT e.value ->> 'id', NEW.doc ->> 'user', e.value ->> 'version', e.value ->> 'name', e.value ->> 'description',
        e.value ->> 'archived', e.value ->> 'created_at', e.value ->> 'updated_at', e.value ->> 'deleted_at', NEW.doc ->> 'id'
    FROM json_each(NEW.doc, '$.projects') AS e WHERE json_type(NEW.doc, '$.projects') = 'array'
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, name = excluded.name, description = excluded.description,
        archived = excluded.archived, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at,
        change_id = excluded.change_id;

    UPDATE work SET wake_at = NEW.doc ->> 'at', tries = 0, unsettled = 0, reason = NULL, parked_at = NULL
    WHERE json_type(NEW.doc, '$.retried') = 'array'
        AND id IN (SELECT e.value ->> 'id' FROM json_each(NEW.doc, '$.retried') AS e);
    -- A change of a task is a reason to try again what was parked of it.
    UPDATE work SET wake_at = NEW.doc ->> 'at', tries = 0, unsettled = 0, reason = NULL, parked_at = NULL
    WHERE parked_at IS NOT NULL AND kind <> 'event' AND json_type(NEW.doc, '$.tasks') = 'array' AND task_id IN (SELECT e.value ->> 'id' FROM json_each(NEW.doc, '$.tasks') AS e);
    INSERT INTO task (id, user_id, version, title, description, priority, tags, due_local, due_tz, recurrence, reminders,
        status, created_at, updated_at, completed_at, deleted_at, start_local, start_tz, duration, duration_s, project_id,
        parent_id, metadata, title_lower, position, change_id)
    SELECT e.value ->> 'id', NEW.doc ->> 'user', e.value ->> 'version', e.value ->> 'title', e.value ->> 'description',
        e.value ->> 'priority', e.value -> 'tags', e.value ->> 'due_local', e.value ->> 'due_tz', e.value ->> 'recurrence',
        e.value -> 'reminders', e.value ->> 'status', e.value ->> 'created_at', e.value ->> 'updated_at',
        e.value ->> 'completed_at', e.value ->> 'deleted_at', e.value ->> 'start_local', e.value ->> 'start_tz',
        e.value ->> 'duration', e.value ->> 'duration_s', e.value ->> 'project_id', e.value ->> 'parent_id',
        e.value -> 'metadata', e.value ->> 'title_lower', e.value ->> 'position',
        CASE WHEN NEW.doc -> '$.audit.after' IS NOT NULL THEN NEW.doc ->> 'id' END
    FROM json_each(NEW.doc, '$.tasks') AS e WHERE json_type(NEW.doc, '$.tasks') = 'array'
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, title = excluded.title, description = excluded.description,
        priority = excluded.priority, tags = excluded.tags, due_local = excluded.due_local, due_tz = excluded.due_tz,
        recurrence = excluded.recurrence, reminders = excluded.reminders, status = excluded.status,
        updated_at = excluded.updated_at, completed_at = excluded.completed_at, deleted_at = excluded.deleted_at,
        start_local = excluded.start_local, start_tz = excluded.start_tz, duration = excluded.duration,
        duration_s = excluded.duration_s, project_id = excluded.project_id, parent_id = excluded.parent_id,
        metadata = excluded.metadata, title_lower = excluded.title_lower, position = excluded.position,
        change_id = coalesce(excluded.change_id, task.change_id);
    -- Words are made anew where the texts are others.
    DELETE FROM task_word WHERE json_type(NEW.doc, '$.tasks') = 'array' AND task_id IN (
        SELECT t.id FROM json_each(NEW.doc, '$.tasks') AS e CROSS JOIN task AS t ON t.id = e.value ->> 'id'
        WHERE json_type(e.value, '$.words') = 'array' AND t.has_words = 0);
    INSERT INTO task_word (task_id, word, user_id, places)
    SELECT t.id, w.value ->> 0, t.user_id, w.value ->> 1
    FROM json_each(NEW.doc, '$.tasks') AS e CROSS JOIN task AS t ON t.id = e.value ->> 'id'
    CROSS JOIN json_each(e.value, '$.words') AS w
    WHERE json_type(NEW.doc, '$.tasks') = 'array' AND t.has_words = 0 AND t.deleted_at IS NULL;
    UPDATE task SET has_words = 1
    WHERE json_type(NEW.doc, '$.tasks') = 'array' AND has_words = 0 AND deleted_at IS NULL
        AND id IN (
            SELECT e.value ->> 'id' FROM json_each(NEW.doc, '$.tasks') AS e WHERE json_type(e.value, '$.words') = 'array');

    UPDATE occurrence SET predecessor = e.value ->> 'predecessor', ordinal = e.value ->> 'ordinal',
        status = e.value ->> 'status', succession = e.value ->> 'succession', title = e.value ->> 'title',
        due_local = e.value ->> 'due_local', due_tz = e.value ->> 'due_tz', tzdata = e.value ->> 'tzdata',
        due_at = e.value ->> 'due_at', completed_at = e.value ->> 'completed_at',
        start_local = e.value ->> 'start_local', start_tz = e.value ->> 'start_tz', start_at = e.value ->> 'start_at'
    FROM json_each(NEW.doc, '$.reopened') AS e
    WHERE json_type(NEW.doc, '$.reopened') = 'array'
        AND occurrence.task_id = e.value ->> 'task_id' AND occurrence.recurrence_id = e.value ->> 'recurrence_id'
        AND (task_id, recurrence_id) IN (
            SELECT r.value ->> 'task_id', r.value ->> 'recurrence_id' FROM json_each(NEW.doc, '$.reopened') AS r);
    INSERT INTO occurrence (task_id, recurrence_id, user_id, predecessor, ordinal, status, succession, title,
        due_local, due_tz, tzdata, due_at, completed_at, start_local, start_tz, start_at)
    SELECT e.value ->> 'task_id', e.value ->> 'recurrence_id', NEW.doc ->> 'user', e.value ->> 'predecessor',
        e.value ->> 'ordinal', e.value ->> 'status', e.value ->> 'succession', e.value ->> 'title',
        e.value ->> 'due_local', e.value ->> 'due_tz', e.value ->> 'tzdata', e.value ->> 'due_at', e.value ->> 'completed_at',
        e.value ->> 'start_local', e.value ->> 'start_tz', e.value ->> 'start_at'
    FROM json_each(NEW.doc, '$.occurrences') AS e WHERE json_type(NEW.doc, '$.occurrences') = 'array'
    ON CONFLICT (task_id, recurrence_id) DO UPDATE SET predecessor = excluded.predecessor, ordinal = excluded.ordinal,
        status = excluded.status, succession = excluded.succession, title = excluded.title, due_local = excluded.due_local,
        due_tz = excluded.due_tz, due_at = excluded.due_at, completed_at = excluded.completed_at,
        start_local = excluded.start_local, start_tz = excluded.start_tz, start_at = excluded.start_at,
        tzdata = CASE WHEN occurrence.due_at IS excluded.due_at THEN max(occurrence.tzdata, excluded.tzdata)
            ELSE excluded.tzdata END;
    INSERT INTO occurrence (task_id, recurrence_id, user_id, predecessor, ordinal, status, succession, title,
        due_local, due_tz, tzdata, due_at, completed_at, start_local, start_tz, start_at)
    SELECT e.value ->> 'task_id', e.value ->> 'recurrence_id', NEW.doc ->> 'user', e.value ->> 'predecessor',
        e.value ->> 'ordinal', e.value ->> 'status', e.value ->> 'succession', e.value ->> 'title',
        e.value ->> 'due_local', e.value ->> 'due_tz', e.value ->> 'tzdata', e.value ->> 'due_at', e.value ->> 'completed_at',
        e.value ->> 'start_local', e.value ->> 'start_tz', e.value ->> 'start_at'
    FROM json_each(NEW.doc, '$.opened') AS e WHERE json_type(NEW.doc, '$.opened') = 'array';
    -- With each occurrence of a task, its parts that do not recur are owed that they are open again. One that is owed it already may
    -- have lost its work, in the bin or to a build that does not know parts: it is owed it anew.
    UPDATE occurrence SET succession = 'none'
    WHERE json_type(NEW.doc, '$.parts_again') = 'array' AND user_id = NEW.doc ->> 'user' AND recurrence_id = '' AND status = 'done'
        AND succession = 'pending' AND task_id IN (
            SELECT t.id FROM json_each(NEW.doc, '$.parts_again') AS e CROSS JOIN task AS t INDEXED BY task_part_kept
                ON t.parent_id = e.value AND t.deleted_at IS NULL
            WHERE t.user_id = NEW.doc ->> 'user' AND t.status = 'done' AND t.recurrence IS NULL);
    UPDATE occurrence SET succession = 'pending'
    WHERE json_type(NEW.doc, '$.parts_again') = 'array' AND user_id = NEW.doc ->> 'user' AND recurrence_id = '' AND status = 'done'
        AND task_id IN (
            SELECT t.id FROM json_each(NEW.doc, '$.parts_again') AS e CROSS JOIN task AS t INDEXED BY task_part_kept
                ON t.parent_id = e.value AND t.deleted_at IS NULL
            WHERE t.user_id = NEW.doc ->> 'user' AND t.status = 'done' AND t.recurrence IS NULL);
    INSERT INTO override (task_id, recurrence_id, user_id, title, due_local, due_tz, cancelled)
    SELECT e.value ->> 'task_id', e.value ->> 'recurrence_id', NEW.doc ->> 'user', e.value ->> 'title',
        e.value ->> 'due_local', e.value ->> 'due_tz', e.value ->> 'cancelled'
    FROM json_each(NEW.doc, '$.overrides') AS e WHERE json_type(NEW.doc, '$.overrides') = 'array'
    ON CONFLICT (task_id, recurrence_id) DO UPDATE SET title = excluded.title, due_local = excluded.due_local,
        due_tz = excluded.due_tz, cancelled = excluded.cancelled;

    INSERT INTO alarm (task_id, recurrence_id, reminder_id, user_id, fire_at, state, snoozed_from)
    SELECT e.value ->> 'task_id', e.value ->> 'recurrence_id', e.value ->> 'reminder_id', NEW.doc ->> 'user',
        e.value ->> 'fire_at', e.value ->> 'state', e.value ->> 'snoozed_from'
    FROM json_each(NEW.doc, '$.alarms') AS e WHERE json_type(NEW.doc, '$.alarms') = 'array'
    ON CONFLICT (task_id, recurrence_id, reminder_id) DO UPDATE SET fire_at = excluded.fire_at, state = excluded.state,
        snoozed_from = excluded.snoozed_from;
    INSERT INTO notification_v2 (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload,
        next_attempt_at, delivered_at, created_at)
    SELECT e.value ->> 'id', NEW.doc ->> 'user', e.value ->> 'task_id', e.value ->> 'recurrence_id',
        e.value ->> 'reminder_id', e.value ->> 'channel_id', e.value ->> 'fire_at', e.value ->> 'state', e.value -> 'payload',
        e.value ->> 'next_attempt_at', e.value ->> 'delivered_at', NEW.doc ->> 'at'
    FROM json_each(NEW.doc, '$.notifications') AS e WHERE json_type(NEW.doc, '$.notifications') = 'array';
    INSERT INTO notice (id, user_id, channel_id, type, subject, payload, state, next_attempt_at, created_at)
    SELECT e.value ->> 'id', NEW.doc ->> 'user', e.value ->> 'channel_id', e.value ->> 'type', e.value ->> 'subject',
        e.value -> 'payload', 'pending', e.value ->> 'next_attempt_at', NEW.doc ->> 'at'
    FROM json_each(NEW.doc, '$.notices') AS e WHERE json_type(NEW.doc, '$.notices') = 'array';
    UPDATE notification_v2 SET state = e.value ->> 'state', attempts = e.value ->> 'attempt',
        next_attempt_at = e.value ->> 'next_attempt_at', delivered_at = e.value ->> 'delivered_at',
        last_error = e.value ->> 'last_error'
    FROM json_each(NEW.doc, '$.deliveries') AS e
    WHERE json_type(NEW.doc, '$.deliveries') = 'array' AND notification_v2.id = e.value ->> 'id'
        AND notification_v2.id IN (SELECT d.value ->> 'id' FROM json_each(NEW.doc, '$.deliveries') AS d);
    UPDATE notice SET state = e.value ->> 'state', attempts = e.value ->> 'attempt',
        next_attempt_at = e.value ->> 'next_attempt_at', delivered_at = e.value ->> 'delivered_at',
        last_error = e.value ->> 'last_error'
    FROM json_each(NEW.doc, '$.deliveries') AS e
    WHERE json_type(NEW.doc, '$.deliveries') = 'array' AND notice.id = e.value ->> 'id'
        AND notice.id IN (SELECT d.value ->> 'id' FROM json_each(NEW.doc, '$.deliveries') AS d);
    -- An endpoint that hangs is left alone for a while.
    UPDATE lane SET failures = e.value ->> 'endpoint_failures', hold_until = CASE
        WHEN e.value ->> 'endpoint_pause' > 0 THEN NEW.doc ->> 'at' + (e.value ->> 'endpoint_pause') ELSE hold_until END
    FROM json_each(NEW.doc, '$.deliveries') AS e
    WHERE json_type(NEW.doc, '$.deliveries') = 'array' AND lane.kind = 'notification' AND lane.again IN (0, 1)
        AND lane.lane = coalesce(
            (SELECT channel_id FROM notification_v2 WHERE id = e.value ->> 'id'),
            (SELECT channel_id FROM notice WHERE id = e.value ->> 'id'));

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
END
