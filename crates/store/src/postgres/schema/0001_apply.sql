-- How commits are written (apply.rs). They arrive as an array of JSON documents; a member of a document is named like the column it
-- goes to, and lists that are empty are not there. Each is applied whole or not at all: every check of a commit comes before its first
-- write, so that one that is refused leaves nothing to be undone, and those beside it need no savepoint.
--
-- What keeps two sessions from each other. READ COMMITTED: each statement within a function sees what is committed when it begins.
-- 1. Before all else the rows of `stream` are locked of all users whose rows are written, in the order of their ids, and kept until the
--    end (a user's stream has the id of the user): the commits of a user come one after the other, in the order of their sequences, and each finds what the one before it has
--    done. Those are whose commits they are, whose tokens and identities are made, who are made and who are deleted, and whose
--    parked work is tried again.
-- 2. What is nobody's alone has a lock of its own, taken next: who speaks for a user (the pair of issuer and subject), and who is
--    deleted, for an admin must stay.
-- 3. Rows that sweeps change, which lock no stream: of a task that is written (it may be marked to be forgotten, or get its words), of the
--    work of a delivery (it may be claimed again) and of work and dead letters that change, the row is locked before it is checked.
-- Counts of a token are its owner's, as is an inbox entry the user's whose event it is.
--
-- A session makes the plan of a statement once, maybe while its tables are all but empty, and keeps it. So what a commit names is looked up
-- row by row, by an index, whatever is thought of sizes then: `OFFSET 0` keeps a lookup from being turned into a join, which would begin
-- with the table; an order that only the index for it has keeps it from going over another of as few rows; and a table that is changed
-- is bound by an array of keys.

-- The time to go by where replicas must agree: leases, pauses, what is due. It is the database's clock, unless a time is told (tests).
CREATE FUNCTION perennial_now(told bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(told, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
$$;

-- A UUID of version 7 (RFC 9562 §5.7).
CREATE FUNCTION perennial_uuid7(at bigint) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT lpad(to_hex(at >> 16), 8, '0') || '-' || lpad(to_hex(at & 65535), 4, '0') || '-7' || substr(gen_random_uuid()::text, 16)
$$;

-- Locks what the commits are about to write, as is said above, and gives the streams that it has made for that. Where it does not wait, of the
-- streams of several users those are left that somebody is writing to: they are told as busy.
CREATE FUNCTION perennial_lock(docs jsonb, waits boolean, OUT made text[], OUT busy text[]) LANGUAGE plpgsql AS $$
DECLARE
    doc jsonb;
    ids text[] := '{}';
    free text[];
    accounts boolean := false;
    speaks boolean := false;
    deletes boolean := false;
BEGIN
    made := '{}';
    busy := '{}';
    FOR doc IN SELECT e.value FROM jsonb_array_elements(docs) AS e LOOP
        IF doc ->> 'user' <> ALL (ids) THEN
            ids := ids || (doc ->> 'user');
        END IF;
        IF doc ?| '{users,deleted_users,identities,tokens,retried}' THEN
            accounts := true;
            speaks := speaks OR doc ? 'identities';
            deletes := deletes OR doc ? 'deleted_users';
            ids := ids || ARRAY(
                SELECT e.value ->> 'id' FROM jsonb_array_elements(
                    coalesce(doc -> 'users', '[]') || coalesce(doc -> 'deleted_users', '[]')) AS e
                UNION ALL SELECT e.value ->> 'user_id' FROM jsonb_array_elements(
                    coalesce(doc -> 'identities', '[]') || coalesce(doc -> 'tokens', '[]') || coalesce(doc -> 'retried', '[]')) AS e);
        END IF;
    END LOOP;

    -- Who has written nothing yet has no stream: it is made, and whoever else would make it waits for this. But not that of one who is
    -- deleted: nothing will be written there.
    IF cardinality(ids) = 1 THEN
        PERFORM 1 FROM stream AS s WHERE s.id = ids[1] FOR NO KEY UPDATE;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    WITH new AS (
        INSERT INTO stream (id)
        SELECT DISTINCT u.id FROM unnest(ids) AS u (id)
        WHERE NOT EXISTS (SELECT 1 FROM stream AS s WHERE s.id = u.id OFFSET 0)
            AND (SELECT a.deleted_at FROM account AS a WHERE a.id = u.id) IS NULL
        ORDER BY u.id ON CONFLICT DO NOTHING RETURNING id)
    SELECT coalesce(array_agg(n.id), '{}') INTO made FROM new AS n;
    IF waits OR accounts OR cardinality(ids) = 1 THEN
        PERFORM 1 FROM stream AS s WHERE s.id = ANY (ids) ORDER BY s.id FOR NO KEY UPDATE;
    ELSE
        free := ARRAY(SELECT s.id FROM stream AS s WHERE s.id = ANY (ids) ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED);
        busy := ARRAY(SELECT s.id FROM stream AS s WHERE s.id = ANY (ids) AND s.id <> ALL (free));
    END IF;

    IF speaks THEN
        PERFORM pg_advisory_xact_lock(l.lock) FROM (
            SELECT DISTINCT hashtextextended((e.value ->> 'issuer') || E'\n' || (e.value ->> 'subject'), 0) AS lock
            FROM jsonb_array_elements(docs) AS d CROSS JOIN jsonb_array_elements(d.value -> 'identities') AS e ORDER BY 1) AS l;
    END IF;
    IF deletes THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('perennial: deleted users', 0));
    END IF;
END
$$;

-- Whether a commit makes one task, with its first occurrence: then there is nothing of that yet.
CREATE FUNCTION perennial_makes_task(doc jsonb, before task[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(cardinality(before) = 0 AND NOT doc ?| '{occurrences,reopened}' AND jsonb_array_length(doc -> 'tasks') = 1
        AND jsonb_array_length(doc -> 'opened') = 1 AND doc #>> '{opened,0,task_id}' = doc #>> '{tasks,0,id}', false)
$$;

-- Why a commit is refused; NULL: it is not. `rule:` says what must not be, whoever asks and however often; `expect:` what has changed
-- since it was read, `exists:` what is there already, `applied:` the event whose effect this is. `before` are the tasks, and `stood` the
-- occurrences, that it replaces.
CREATE FUNCTION perennial_refusal(doc jsonb, before task[], stood occurrence[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    owner text := doc ->> 'user';
    instant bigint := (doc ->> 'at')::bigint;
    expect jsonb := doc -> 'expect';
    who record;
    counted record;
    one boolean;
    other boolean;
    more bigint;
BEGIN
    IF jsonb_typeof(doc -> 'inbox') = 'object' THEN
        IF EXISTS (
            SELECT 1 FROM inbox AS i
            WHERE i.consumer = doc #>> '{inbox,consumer}' AND i.event_id = doc #>> '{inbox,event_id}') THEN
            RETURN 'applied:inbox';
        END IF;
    END IF;
    -- Whoever was deleted meanwhile writes nothing more, and nothing is written for them.
    SELECT a.deleted_at, a.version, a.tz INTO who FROM account AS a WHERE a.id = owner;
    IF who.deleted_at IS NOT NULL THEN
        RETURN 'rule:user';
    END IF;
    -- Of a request of many commits, all are carried out under its key, or none.
    IF expect ? 'answer' THEN
        IF NOT EXISTS (
            SELECT 1 FROM idempotency AS i
            WHERE i.user_id = owner AND i.key = expect #>> '{answer,key}' AND i.fingerprint = expect #>> '{answer,fingerprint}'
                AND i.commit_id = coalesce(expect #>> '{answer,commit_id}', i.commit_id)) THEN
            RETURN 'expect:answer';
        END IF;
    END IF;
    -- Windows are fixed: one begins with the first write after the one before. A clock a little behind, as another replica's may be,
    -- counts in the window that is there; one that has gone back further begins another.
    IF doc ? 'rate' THEN
        SELECT r.began + (doc #>> '{rate,window}')::bigint - instant AS remains INTO counted FROM rate AS r
        WHERE r.token = doc #>> '{rate,token}' AND r.count >= (doc #>> '{rate,limit}')::bigint
            AND instant - r.began BETWEEN -(doc #>> '{rate,window}')::bigint AND (doc #>> '{rate,window}')::bigint - 1;
        IF FOUND THEN
            RETURN 'rule:rate:' || counted.remains;
        END IF;
    END IF;

    -- What was read must still be so.
    IF expect ? 'tasks' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(expect -> 'tasks') AS e (id text, version bigint)
            WHERE (SELECT t.version FROM task AS t WHERE t.id = e.id AND (t.user_id = owner OR e.version = 0))
                IS DISTINCT FROM nullif(e.version, 0)) THEN
            RETURN 'expect:task';
        END IF;
    END IF;
    -- What is taken back is the last that was done.
    IF expect ? 'changes' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(expect -> 'changes') AS e (task_id text, change_id text)
            WHERE (SELECT t.change_id FROM task AS t WHERE t.id = e.task_id AND t.user_id = owner)
                IS DISTINCT FROM e.change_id) THEN
            RETURN 'expect:change';
        END IF;
    END IF;
    IF expect ? 'places' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(expect -> 'places') AS e (task_id text, place text)
            WHERE EXISTS (
                SELECT 1 FROM task AS t WHERE t.user_id = owner AND t.position = e.place AND t.id <> e.task_id OFFSET 0)) THEN
            RETURN 'expect:place';
        END IF;
    END IF;
    IF expect ? 'settings' AND (expect ->> 'settings')::bigint IS DISTINCT FROM who.version THEN
        RETURN 'expect:settings';
    END IF;
    -- Occurrences and alarms are computed in their user's zone: who read another must read again. One that fires is expected with its instant.
    IF (doc ?| '{opened,occurrences,reopened}' OR (doc ? 'alarms' AND NOT expect ? 'alarms')) AND expect ->> 'zone' <> who.tz THEN
        RETURN 'expect:zone';
    END IF;
    IF expect ? 'projects' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(expect -> 'projects') AS e (id text, version bigint)
            WHERE (SELECT p.version FROM project AS p WHERE p.id = e.id AND p.user_id = owner AND p.deleted_at IS NULL)
                IS DISTINCT FROM nullif(e.version, 0)) THEN
            RETURN 'expect:project';
        END IF;
    END IF;
    IF doc ? 'projects' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'projects') AS e (id text)
            WHERE (SELECT p.user_id FROM project AS p WHERE p.id = e.id) <> owner) THEN
            RETURN 'expect:owner';
        END IF;
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'projects') AS e (id text, name text, deleted_at bigint)
            WHERE e.deleted_at IS NULL AND EXISTS (
                SELECT 1 FROM project AS p
                WHERE p.user_id = owner AND p.name = e.name AND p.deleted_at IS NULL AND p.id <> e.id OFFSET 0)) THEN
            RETURN 'rule:name';
        END IF;
        IF doc @> '{"projects": [{"version": 1}]}' THEN
            IF (SELECT count(*) FROM project AS p WHERE p.user_id = owner AND p.deleted_at IS NULL) >= 500 THEN
                RETURN 'rule:projects';
            END IF;
        END IF;
    END IF;
    IF expect ? 'empty_projects' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_array_elements_text(expect -> 'empty_projects') AS e
            WHERE EXISTS (
                SELECT 1 FROM task AS t
                WHERE t.user_id = owner AND t.project_id = e.value AND t.deleted_at IS NULL AND t.status IN ('open', 'done')
                OFFSET 0)) THEN
            RETURN 'rule:empty';
        END IF;
    END IF;
    IF expect ? 'occurrences' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(expect -> 'occurrences')
                AS e (task_id text, recurrence_id text, status text, succession text)
            WHERE NOT EXISTS (
                SELECT 1 FROM occurrence AS o
                WHERE o.task_id = e.task_id AND o.recurrence_id = e.recurrence_id AND o.user_id = owner
                    AND o.status = e.status AND o.succession = e.succession OFFSET 0)) THEN
            RETURN 'expect:occurrence';
        END IF;
    END IF;
    IF expect ? 'alarms' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(expect -> 'alarms')
                AS e (task_id text, recurrence_id text, reminder_id text, state text, fire_at bigint)
            WHERE NOT EXISTS (
                SELECT 1 FROM alarm AS a
                WHERE a.task_id = e.task_id AND a.recurrence_id = e.recurrence_id AND a.reminder_id = e.reminder_id
                    AND a.user_id = owner AND a.state = e.state AND a.fire_at = e.fire_at OFFSET 0)) THEN
            RETURN 'expect:alarm';
        END IF;
    END IF;
    IF expect ->> 'channels' IS NOT NULL THEN
        IF (expect ->> 'channels')::bigint <> (
            SELECT count(*) FROM channel AS c WHERE c.user_id = owner AND c.deleted_at IS NULL) THEN
            RETURN 'expect:channels';
        END IF;
    END IF;
    IF expect ? 'secrets' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(expect -> 'secrets') AS e (id text, secret text, types jsonb)
            WHERE NOT EXISTS (
                SELECT 1 FROM channel AS c
                WHERE c.id = e.id AND c.user_id = owner AND c.deleted_at IS NULL AND c.config ->> 'secret' = e.secret
                    AND coalesce(e.types, c.config -> 'types', '["reminder.fired"]')
                        = coalesce(c.config -> 'types', '["reminder.fired"]') OFFSET 0)) THEN
            RETURN 'expect:secret';
        END IF;
    END IF;
    -- Only the last attempt made may say what became of a notification.
    IF doc ? 'deliveries' THEN
        SELECT count(*) INTO more FROM (
            SELECT e.id, e.attempt, n.task_id, n.recurrence_id
            FROM jsonb_to_recordset(doc -> 'deliveries') AS e (id text, attempt bigint)
            CROSS JOIN LATERAL (
                SELECT n.task_id, n.recurrence_id, n.user_id, n.state FROM notification AS n WHERE n.id = e.id
                UNION ALL SELECT n.id, '', n.user_id, n.state FROM notice AS n WHERE n.id = e.id OFFSET 0) AS n
            WHERE n.user_id = owner AND n.state = 'pending' ORDER BY n.task_id, n.recurrence_id, e.id) AS d
        CROSS JOIN LATERAL (
            SELECT w.tries FROM work AS w
            WHERE w.task_id = d.task_id AND w.kind = 'notification' AND w.recurrence_id = d.recurrence_id AND w.item = d.id
            FOR NO KEY UPDATE) AS w
        WHERE w.tries = d.attempt;
        IF more < jsonb_array_length(doc -> 'deliveries') THEN
            RETURN 'expect:attempt';
        END IF;
    END IF;
    IF doc ? 'retried' THEN
        SELECT count(*) INTO more
        FROM (SELECT * FROM jsonb_to_recordset(doc -> 'retried') AS r (id bigint, user_id text) ORDER BY r.id) AS e
        CROSS JOIN LATERAL (
            SELECT w.user_id, w.parked_at, w.kind FROM work AS w WHERE w.id = e.id FOR NO KEY UPDATE) AS w
        WHERE w.user_id = e.user_id AND w.parked_at IS NOT NULL AND w.kind <> 'event';
        IF more < jsonb_array_length(doc -> 'retried') THEN
            RETURN 'expect:parked';
        END IF;
    END IF;
    IF doc ? 'letters' THEN
        SELECT count(*) INTO more
        FROM (
            SELECT * FROM jsonb_to_recordset(doc #> '{letters,of}') AS r (place bigint, user_id text, status text) ORDER BY r.place) AS e
        CROSS JOIN LATERAL (
            SELECT l.user_id, l.status FROM dead_letter AS l WHERE l.place = e.place FOR NO KEY UPDATE) AS l
        WHERE l.user_id = e.user_id AND l.status = e.status;
        IF more < jsonb_array_length(doc #> '{letters,of}') THEN
            RETURN 'expect:letter';
        END IF;
    END IF;

    -- What a task is put under, and what its owner may have of each kind. These are told to whoever asked, not tried again.
    IF expect ? 'in_projects' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_array_elements_text(expect -> 'in_projects') AS e
            WHERE NOT EXISTS (
                SELECT 1 FROM project AS p WHERE p.id = e.value AND p.user_id = owner AND p.deleted_at IS NULL OFFSET 0)) THEN
            RETURN 'rule:project';
        END IF;
    END IF;
    IF expect ? 'parents' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(expect -> 'parents') AS e (id text, part text)
            WHERE NOT EXISTS (
                SELECT 1 FROM task AS t
                WHERE t.id = e.id AND t.user_id = owner AND t.deleted_at IS NULL AND t.id <> e.part OFFSET 0)) THEN
            RETURN 'rule:parent';
        END IF;
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(expect -> 'parents') AS e (id text, part text)
            WHERE (SELECT t.parent_id FROM task AS t WHERE t.id = e.id) IS NOT NULL
                OR EXISTS (
                    SELECT 1 FROM task AS t WHERE t.parent_id = e.part AND t.deleted_at IS NULL ORDER BY t.id OFFSET 0)) THEN
            RETURN 'rule:depth';
        END IF;
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(expect -> 'parents') AS e (id text, part text)
            WHERE (
                SELECT count(*) FROM (
                    SELECT t.id FROM task AS t WHERE t.parent_id = e.id AND t.deleted_at IS NULL ORDER BY t.id) AS t
                WHERE t.id <> e.part) >= 100) THEN
            RETURN 'rule:parts';
        END IF;
    END IF;
    IF doc ? 'tokens' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'tokens') AS e (user_id text)
            WHERE (SELECT a.deleted_at FROM account AS a WHERE a.id = e.user_id) IS NOT NULL) THEN
            RETURN 'expect:user';
        END IF;
    END IF;
    IF doc ? 'deleted_users' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'deleted_users') AS e (id text)
            WHERE NOT EXISTS (SELECT 1 FROM account AS a WHERE a.id = e.id AND a.deleted_at IS NULL OFFSET 0)) THEN
            RETURN 'expect:user';
        END IF;
        IF NOT EXISTS (
            SELECT 1 FROM account AS a WHERE a.role = 'admin' AND a.deleted_at IS NULL AND a.id NOT IN (
                SELECT e.id FROM jsonb_to_recordset(doc -> 'deleted_users') AS e (id text))) THEN
            RETURN 'rule:last-admin';
        END IF;
    END IF;
    -- Tasks that are there again, or for the first time.
    IF doc #> '{quota,tasks}' IS NOT NULL THEN
        SELECT count(*) INTO more FROM jsonb_to_recordset(doc -> 'tasks') AS e (id text, deleted_at bigint)
        WHERE e.deleted_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM unnest(before) AS t WHERE t.id = e.id AND t.deleted_at IS NULL);
        IF more > 0 THEN
            IF more + coalesce((SELECT g.tasks FROM usage AS g WHERE g.user_id = owner), 0) > (doc #>> '{quota,tasks}')::bigint THEN
                RETURN 'rule:quota:tasks:' || (doc #>> '{quota,tasks}');
            END IF;
        END IF;
    END IF;
    IF doc #> '{quota,tokens}' IS NOT NULL THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'tokens') AS e (id text, user_id text)
            WHERE NOT EXISTS (SELECT 1 FROM token AS t WHERE t.id = e.id OFFSET 0)
                AND (SELECT count(*) FROM token AS t WHERE t.user_id = e.user_id AND t.revoked_at IS NULL)
                    >= (doc #>> '{quota,tokens}')::bigint) THEN
            RETURN 'rule:quota:tokens:' || (doc #>> '{quota,tokens}');
        END IF;
    END IF;
    IF doc ? 'identities' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'identities') AS e (issuer text, subject text)
            WHERE EXISTS (SELECT 1 FROM identity AS i WHERE i.issuer = e.issuer AND i.subject = e.subject OFFSET 0)) THEN
            RETURN 'rule:identity';
        END IF;
    END IF;

    -- Rows are their user's; what is done stays done; zone data only move forward; a task of which something may be gone does not come
    -- back.
    IF cardinality(before) > 0 THEN
        SELECT bool_or(t.user_id <> owner), bool_or(t.forgotten AND e.deleted_at IS NULL) INTO one, other
        FROM unnest(before) AS t JOIN jsonb_to_recordset(doc -> 'tasks') AS e (id text, deleted_at bigint) ON e.id = t.id;
        IF one THEN
            RETURN 'expect:owner';
        ELSIF other THEN
            RETURN 'expect:task';
        END IF;
    END IF;
    IF cardinality(stood) > 0 THEN
        IF EXISTS (
            SELECT 1 FROM unnest(stood) AS o
            JOIN jsonb_to_recordset(doc -> 'occurrences')
                AS e (task_id text, recurrence_id text, status text, tzdata text COLLATE "C")
                ON e.task_id = o.task_id AND e.recurrence_id = o.recurrence_id
            WHERE o.user_id <> owner OR (o.tzdata > e.tzdata AND doc #>> '{audit,action}' = 'zone.refresh')
                OR (o.status = 'done' AND e.status <> 'done')) THEN
            RETURN 'expect:occurrence';
        END IF;
    END IF;
    IF doc ? 'reopened' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'reopened') AS e (task_id text, recurrence_id text)
            WHERE NOT EXISTS (
                SELECT 1 FROM occurrence AS o
                WHERE o.task_id = e.task_id AND o.recurrence_id = e.recurrence_id AND o.user_id = owner AND o.status = 'done'
                OFFSET 0)) THEN
            RETURN 'expect:reopened';
        END IF;
    END IF;
    IF doc ? 'alarms' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'alarms') AS e (task_id text, recurrence_id text, reminder_id text)
            WHERE (
                SELECT a.user_id FROM alarm AS a
                WHERE a.task_id = e.task_id AND a.recurrence_id = e.recurrence_id AND a.reminder_id = e.reminder_id) <> owner) THEN
            RETURN 'expect:owner';
        END IF;
    END IF;
    IF doc ? 'overrides' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'overrides') AS e (task_id text, recurrence_id text)
            WHERE (
                SELECT o.user_id FROM override AS o
                WHERE o.task_id = e.task_id AND o.recurrence_id = e.recurrence_id) <> owner) THEN
            RETURN 'expect:owner';
        END IF;
    END IF;
    IF doc ? 'channels' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'channels') AS e (id text)
            WHERE (SELECT c.user_id FROM channel AS c WHERE c.id = e.id) <> owner) THEN
            RETURN 'expect:owner';
        END IF;
    END IF;

    -- What must be new is new.
    IF doc ? 'users' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'users') AS e (id text)
            WHERE EXISTS (SELECT 1 FROM account AS a WHERE a.id = e.id OFFSET 0)) THEN
            RETURN 'exists:user';
        END IF;
    END IF;
    IF doc ? 'tokens' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'tokens') AS e (id text, hash text)
            WHERE (SELECT t.id FROM token AS t WHERE t.hash = e.hash) <> e.id) THEN
            RETURN 'exists:token';
        END IF;
    END IF;
    IF doc ? 'opened' AND NOT perennial_makes_task(doc, before) THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'opened') AS e (task_id text, recurrence_id text)
            WHERE EXISTS (
                SELECT 1 FROM occurrence AS o WHERE o.task_id = e.task_id AND o.recurrence_id = e.recurrence_id OFFSET 0)) THEN
            RETURN 'exists:occurrence.recurrence_id';
        END IF;
    END IF;
    IF doc ?| '{opened,occurrences}' AND NOT perennial_makes_task(doc, before) THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(coalesce(doc -> 'opened', '[]') || coalesce(doc -> 'occurrences', '[]'))
                AS e (task_id text, recurrence_id text, predecessor text)
            CROSS JOIN LATERAL (
                SELECT p.task_id, p.recurrence_id, p.predecessor FROM occurrence AS p
                WHERE p.task_id = e.task_id AND p.predecessor = e.predecessor OFFSET 0) AS o
            WHERE o.recurrence_id <> e.recurrence_id AND NOT EXISTS (
                SELECT 1 FROM jsonb_to_recordset(doc -> 'occurrences') AS r (task_id text, recurrence_id text, predecessor text)
                WHERE r.task_id = o.task_id AND r.recurrence_id = o.recurrence_id AND r.predecessor IS DISTINCT FROM o.predecessor)) THEN
            RETURN 'exists:occurrence.predecessor';
        END IF;
    END IF;
    -- A channel may be deleted between the look at the user's channels and this.
    IF doc ? 'notifications' THEN
        SELECT bool_or(EXISTS (
                SELECT 1 FROM notification AS n
                WHERE n.task_id = e.task_id AND n.recurrence_id = e.recurrence_id AND n.reminder_id = e.reminder_id
                    AND n.channel_id = e.channel_id AND n.fire_at = e.fire_at OFFSET 0)),
            bool_or((SELECT c.deleted_at FROM channel AS c WHERE c.id = e.channel_id) IS NOT NULL)
        INTO one, other
        FROM jsonb_to_recordset(doc -> 'notifications')
            AS e (task_id text, recurrence_id text, reminder_id text, channel_id text, fire_at bigint);
        IF one THEN
            RETURN 'exists:notification';
        ELSIF other THEN
            RETURN 'expect:channel';
        END IF;
    END IF;
    IF doc ? 'notices' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'notices') AS e (channel_id text)
            WHERE NOT EXISTS (
                SELECT 1 FROM channel AS c WHERE c.id = e.channel_id AND c.user_id = owner AND c.deleted_at IS NULL OFFSET 0)) THEN
            RETURN 'expect:channel';
        END IF;
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'notices') AS e (channel_id text)
            WHERE (SELECT count(*) FROM notice AS n
                   WHERE n.channel_id = e.channel_id AND n.state = 'pending' AND n.type = 'test') >= 10) THEN
            RETURN 'rule:tests';
        END IF;
    END IF;
    IF doc ? 'events' THEN
        IF EXISTS (
            SELECT 1 FROM jsonb_to_recordset(doc -> 'events') AS e (id text)
            WHERE EXISTS (SELECT 1 FROM outbox AS o WHERE o.event_id = e.id OFFSET 0)) THEN
            RETURN 'exists:event';
        END IF;
    END IF;
    RETURN NULL;
END
$$;

-- Accounts: settings, users, identities, tokens and channels.
CREATE FUNCTION perennial_write_accounts(doc jsonb, due bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    owner text := doc ->> 'user';
    instant bigint := (doc ->> 'at')::bigint;
    moved bigint;
    gone text[];
    written bigint;
BEGIN
    IF doc ? 'users' THEN
        INSERT INTO account (id, name, role, tz, created_at)
        SELECT e.id, e.name, e.role, e.tz, e.created_at
        FROM jsonb_to_recordset(doc -> 'users') AS e (id text, name text, role text, tz text, created_at bigint);
    END IF;
    IF doc ? 'settings' THEN
        -- Whoever moves to another zone has their occurrences laid on it, from the first one on, in their turn.
        SELECT a.version INTO moved FROM account AS a WHERE a.id = owner AND a.tz <> doc #>> '{settings,tz}';
        UPDATE account AS a SET tz = doc #>> '{settings,tz}', settings = doc #> '{settings,settings}',
            version = (doc #>> '{settings,version}')::bigint
        WHERE a.id = owner;
        IF moved IS NOT NULL THEN
            INSERT INTO zone_change AS z (user_id, version, after, turn)
            VALUES (owner, (doc #>> '{settings,version}')::bigint, '', (SELECT coalesce(max(o.turn), 0) + 1 FROM zone_change AS o))
            ON CONFLICT (user_id) DO UPDATE SET version = excluded.version, after = excluded.after;
        END IF;
    END IF;
    -- A deleted user's tokens, channels and tasks are theirs no more with this; the sweep takes them away.
    IF doc ? 'deleted_users' THEN
        gone := ARRAY(SELECT e.id FROM jsonb_to_recordset(doc -> 'deleted_users') AS e (id text));
        UPDATE account AS a SET deleted_at = instant, forget_at = due, name = '', settings = NULL, version = a.version + 1
        WHERE a.id = ANY (gone);
        DELETE FROM identity AS i WHERE i.user_id = ANY (gone);
    END IF;
    IF doc ? 'identities' THEN
        INSERT INTO identity (issuer, subject, user_id, created_at)
        SELECT e.issuer, e.subject, e.user_id, e.created_at
        FROM jsonb_to_recordset(doc -> 'identities') AS e (issuer text, subject text, user_id text, created_at bigint);
    END IF;
    IF doc ? 'tokens' THEN
        INSERT INTO token AS t (id, user_id, name, hash, scopes, created_at, expires_at, revoked_at)
        SELECT e.id, e.user_id, e.name, e.hash, e.scopes, e.created_at, e.expires_at, e.revoked_at
        FROM jsonb_to_recordset(doc -> 'tokens') AS e (id text, user_id text, name text, hash text, scopes jsonb,
            created_at bigint, expires_at bigint, revoked_at bigint)
        ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at;
    END IF;
    IF doc ? 'channels' THEN
        gone := ARRAY(
            SELECT e.id FROM jsonb_to_recordset(doc -> 'channels') AS e (id text, deleted_at bigint)
            WHERE e.deleted_at IS NOT NULL AND (SELECT c.deleted_at IS NULL FROM channel AS c WHERE c.id = e.id));
        -- One that is deleted keeps no secret.
        INSERT INTO channel AS c (id, user_id, kind, config, created_at, deleted_at)
        SELECT e.id, owner, e.kind, e.config, e.created_at, e.deleted_at
        FROM jsonb_to_recordset(doc -> 'channels')
            AS e (id text, kind text, config jsonb, created_at bigint, deleted_at bigint)
        ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at, config = CASE
            WHEN excluded.deleted_at IS NULL THEN excluded.config
            ELSE jsonb_set(c.config, '{secret}', '""') - 'previous' END
        WHERE c.user_id = excluded.user_id;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written < jsonb_array_length(doc -> 'channels') THEN
            RAISE EXCEPTION 'expect:owner#0';
        END IF;
        DELETE FROM channel_type AS t WHERE t.user_id = owner AND t.channel_id = ANY (ARRAY(
            SELECT e.id FROM jsonb_to_recordset(doc -> 'channels') AS e (id text)));
        INSERT INTO channel_type (user_id, type, channel_id)
        SELECT owner, t.value, e.id FROM jsonb_to_recordset(doc -> 'channels') AS e (id text, config jsonb, deleted_at bigint)
        CROSS JOIN jsonb_array_elements_text(e.config -> 'types') AS t
        WHERE e.deleted_at IS NULL AND t.value <> 'reminder.fired'
        ON CONFLICT DO NOTHING;
        IF cardinality(gone) > 0 THEN
            UPDATE notification AS n SET state = 'cancelled', next_attempt_at = NULL, last_error = 'the channel was deleted'
            WHERE n.channel_id = ANY (gone) AND n.state = 'pending';
            -- As many as a write may take along; the others end when their turn comes.
            UPDATE notice AS n SET state = 'cancelled', next_attempt_at = NULL, last_error = 'the channel was deleted'
            WHERE n.id = ANY (ARRAY(
                SELECT w.id FROM unnest(gone) AS g (id) CROSS JOIN LATERAL (
                    SELECT o.id FROM notice AS o WHERE o.channel_id = g.id AND o.state = 'pending' LIMIT 1000) AS w));
        END IF;
    END IF;
END
$$;

-- Tasks, projects, and what hangs on them. `before` are the tasks that it replaces, and `stood` the occurrences.
CREATE FUNCTION perennial_write_tasks(doc jsonb, due bigint, before task[], stood occurrence[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    owner text := doc ->> 'user';
    makes boolean := perennial_makes_task(doc, before);
    -- The change that its user made with it, if any.
    change text := CASE WHEN doc -> 'audit' ? 'after' THEN doc ->> 'id' END;
    gone text[] := '{}';
    tagged text[] := '{}';
    moved text[] := '{}';
    ids text[];
    parked bigint[];
    them text[];
    place record;
    more bigint;
    written bigint;
BEGIN
    IF doc ? 'projects' THEN
        INSERT INTO project AS p (id, user_id, version, name, description, archived, created_at, updated_at, deleted_at, change_id)
        SELECT e.id, owner, e.version, e.name, e.description, e.archived <> 0, e.created_at, e.updated_at, e.deleted_at, doc ->> 'id'
        FROM jsonb_to_recordset(doc -> 'projects') AS e (id text, version bigint, name text, description text, archived bigint,
            created_at bigint, updated_at bigint, deleted_at bigint)
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, name = excluded.name, description = excluded.description,
            archived = excluded.archived, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at,
            change_id = excluded.change_id
        WHERE p.user_id = excluded.user_id;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written < jsonb_array_length(doc -> 'projects') THEN
            RAISE EXCEPTION 'expect:owner#0';
        END IF;
    END IF;
    IF doc ? 'retried' THEN
        UPDATE work AS w SET wake_at = due, tries = 0, unsettled = 0, reason = NULL, parked_at = NULL
        WHERE w.id = ANY (ARRAY(SELECT e.id FROM jsonb_to_recordset(doc -> 'retried') AS e (id bigint)));
    END IF;

    IF doc ? 'tasks' THEN
        IF cardinality(before) > 0 THEN
            ids := ARRAY(SELECT t.id FROM unnest(before) AS t);
            -- A change of a task is a reason to try again what was parked of it.
            parked := ARRAY(
                SELECT w.id FROM unnest(ids) AS t (id) CROSS JOIN LATERAL (
                    SELECT o.id, o.kind, o.parked_at FROM work AS o WHERE o.task_id = t.id OFFSET 0) AS w
                WHERE w.parked_at IS NOT NULL AND w.kind <> 'event');
            IF cardinality(parked) > 0 THEN
                UPDATE work AS w SET wake_at = due, tries = 0, unsettled = 0, reason = NULL, parked_at = NULL
                WHERE w.id = ANY (parked) AND w.parked_at IS NOT NULL;
            END IF;
            -- The last change is not known any more where something else has changed what its user can change. Words are made anew where
            -- the texts are others.
            UPDATE task AS t SET version = e.version, title = e.title, description = e.description, priority = e.priority,
                tags = e.tags, due_local = e.due_local, due_tz = e.due_tz, recurrence = e.recurrence, reminders = e.reminders,
                status = e.status, updated_at = e.updated_at, completed_at = e.completed_at, deleted_at = e.deleted_at,
                start_local = e.start_local, start_tz = e.start_tz, duration = e.duration, duration_s = e.duration_s,
                project_id = e.project_id, parent_id = e.parent_id, metadata = e.metadata, title_lower = e.title_lower,
                position = e.position,
                change_id = coalesce(change, CASE WHEN t.version = e.version OR (
                    t.title = e.title AND t.description = e.description AND t.priority = e.priority AND t.tags = e.tags
                    AND t.due_local IS NOT DISTINCT FROM e.due_local AND t.due_tz IS NOT DISTINCT FROM e.due_tz
                    AND t.recurrence IS NOT DISTINCT FROM e.recurrence AND t.reminders = e.reminders
                    AND t.deleted_at IS NOT DISTINCT FROM e.deleted_at) THEN t.change_id END),
                has_words = CASE
                    WHEN e.deleted_at IS NULL AND e.words IS NOT NULL THEN true
                    WHEN e.deleted_at IS NOT NULL AND t.deleted_at IS NULL THEN false
                    ELSE t.has_words AND t.title = e.title AND t.tags = e.tags AND t.description = e.description END
            FROM jsonb_to_recordset(doc -> 'tasks') AS e (id text, version bigint, title text, title_lower text, words jsonb,
                description text, priority text, tags jsonb, due_local text, due_tz text, start_local text, start_tz text,
                duration text, duration_s bigint, project_id text, parent_id text, metadata jsonb, position text, recurrence jsonb,
                reminders jsonb, status text, updated_at bigint, completed_at bigint, deleted_at bigint)
            WHERE t.id = ANY (ids) AND t.id = e.id;
        END IF;
        IF cardinality(before) < jsonb_array_length(doc -> 'tasks') THEN
            INSERT INTO task (id, user_id, version, title, description, priority, tags, due_local, due_tz, recurrence, reminders,
                status, created_at, updated_at, completed_at, deleted_at, start_local, start_tz, duration, duration_s, project_id,
                parent_id, metadata, title_lower, position, change_id, has_words, next_due_at)
            SELECT e.id, owner, e.version, e.title, e.description, e.priority, e.tags, e.due_local, e.due_tz, e.recurrence,
                e.reminders, e.status, e.created_at, e.updated_at, e.completed_at, e.deleted_at, e.start_local, e.start_tz,
                e.duration, e.duration_s, e.project_id, e.parent_id, e.metadata, e.title_lower, e.position, change,
                e.words IS NOT NULL AND e.deleted_at IS NULL, (
                    SELECT min(o.due_at) FROM jsonb_to_recordset(
                        coalesce(doc -> 'opened', '[]') || coalesce(doc -> 'occurrences', '[]'))
                        AS o (task_id text, status text, due_at bigint)
                    WHERE o.task_id = e.id AND o.status = 'open')
            FROM jsonb_to_recordset(doc -> 'tasks') AS e (id text, version bigint, title text, title_lower text, words jsonb,
                description text, priority text, tags jsonb, due_local text, due_tz text, start_local text, start_tz text,
                duration text, duration_s bigint, project_id text, parent_id text, metadata jsonb, position text, recurrence jsonb,
                reminders jsonb, status text, created_at bigint, updated_at bigint, completed_at bigint, deleted_at bigint)
            WHERE NOT EXISTS (SELECT 1 FROM unnest(before) AS t WHERE t.id = e.id);
        END IF;
        -- What has become of each: `more` of them are there than before.
        SELECT count(*) FILTER (WHERE e.deleted_at IS NULL) - count(*) FILTER (WHERE t.id IS NOT NULL AND t.deleted_at IS NULL),
            coalesce(array_agg(e.id) FILTER (WHERE e.deleted_at IS NOT NULL AND t.id IS NOT NULL AND t.deleted_at IS NULL), '{}'),
            coalesce(array_agg(e.id) FILTER (WHERE t.id IS NULL AND e.tags <> '[]' OR (t.tags <> '[]' OR e.tags <> '[]') AND (
                t.tags <> e.tags OR t.status <> e.status OR t.deleted_at IS DISTINCT FROM e.deleted_at)), '{}')
        INTO more, gone, tagged
        FROM jsonb_to_recordset(doc -> 'tasks') AS e (id text, tags jsonb, status text, deleted_at bigint)
        LEFT JOIN unnest(before) AS t ON t.id = e.id;
        IF more <> 0 THEN
            INSERT INTO usage AS g (user_id, tasks) VALUES (owner, more)
            ON CONFLICT (user_id) DO UPDATE SET tasks = g.tasks + excluded.tasks;
        END IF;
        IF cardinality(gone) > 0 THEN
            them := ARRAY(
                SELECT n.id FROM unnest(gone) AS g (id) CROSS JOIN LATERAL (
                    SELECT o.id, o.state FROM notification AS o WHERE o.task_id = g.id OFFSET 0) AS n
                WHERE n.state = 'pending');
            IF cardinality(them) > 0 THEN
                UPDATE notification AS n SET state = 'cancelled', next_attempt_at = NULL, last_error = 'the task was deleted'
                WHERE n.id = ANY (them);
            END IF;
            DELETE FROM work AS w WHERE w.task_id = ANY (gone) AND w.kind <> 'event';
            DELETE FROM task_word AS w WHERE w.task_id = ANY (gone);
        END IF;
        IF jsonb_path_exists(doc, '$.tasks[*].words') THEN
            IF cardinality(before) > 0 THEN
                DELETE FROM task_word AS w WHERE w.task_id = ANY (ARRAY(
                    SELECT t.id FROM unnest(before) AS t
                    JOIN jsonb_to_recordset(doc -> 'tasks') AS e (id text, words jsonb, title text, tags jsonb, description text)
                        ON e.id = t.id
                    WHERE e.words IS NOT NULL
                        AND NOT (t.has_words AND t.title = e.title AND t.tags = e.tags AND t.description = e.description)));
            END IF;
            INSERT INTO task_word (task_id, word, user_id, places)
            SELECT e.id, w.value ->> 0, owner, w.value ->> 1
            FROM jsonb_to_recordset(doc -> 'tasks')
                AS e (id text, words jsonb, title text, tags jsonb, description text, deleted_at bigint)
            CROSS JOIN jsonb_array_elements(e.words) AS w
            WHERE e.deleted_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM unnest(before) AS t
                WHERE t.id = e.id AND t.deleted_at IS NULL AND t.has_words AND t.title = e.title AND t.tags = e.tags
                    AND t.description = e.description);
        END IF;
    END IF;

    IF doc ? 'reopened' THEN
        UPDATE occurrence AS o SET predecessor = e.predecessor, ordinal = e.ordinal, status = e.status,
            succession = e.succession, title = e.title, due_local = e.due_local, due_tz = e.due_tz, tzdata = e.tzdata,
            due_at = e.due_at, completed_at = e.completed_at, start_local = e.start_local, start_tz = e.start_tz,
            start_at = e.start_at
        FROM jsonb_to_recordset(doc -> 'reopened') AS e (task_id text, recurrence_id text, predecessor text, ordinal bigint,
            status text, succession text, title text, due_local text, due_tz text, start_local text, start_tz text,
            tzdata text, due_at bigint, start_at bigint, completed_at bigint)
        WHERE o.task_id = ANY (ARRAY(SELECT r.task_id FROM jsonb_to_recordset(doc -> 'reopened') AS r (task_id text)))
            AND o.task_id = e.task_id AND o.recurrence_id = e.recurrence_id;
    END IF;
    IF doc ? 'occurrences' THEN
        INSERT INTO occurrence AS o (task_id, recurrence_id, user_id, predecessor, ordinal, status, succession, title,
            due_local, due_tz, tzdata, due_at, completed_at, start_local, start_tz, start_at)
        SELECT e.task_id, e.recurrence_id, owner, e.predecessor, e.ordinal, e.status, e.succession, e.title,
            e.due_local, e.due_tz, e.tzdata, e.due_at, e.completed_at, e.start_local, e.start_tz, e.start_at
        FROM (
            SELECT DISTINCT ON (r.task_id, r.recurrence_id) r.* FROM ROWS FROM (
                jsonb_to_recordset(doc -> 'occurrences') AS (task_id text, recurrence_id text, predecessor text, ordinal bigint,
                    status text, succession text, title text, due_local text, due_tz text, start_local text, start_tz text,
                    tzdata text, due_at bigint, start_at bigint, completed_at bigint)) WITH ORDINALITY AS r
            ORDER BY r.task_id, r.recurrence_id, r.ordinality DESC) AS e
        ORDER BY e.ordinality
        ON CONFLICT (task_id, recurrence_id) DO UPDATE SET predecessor = excluded.predecessor, ordinal = excluded.ordinal,
            status = excluded.status, succession = excluded.succession, title = excluded.title, due_local = excluded.due_local,
            due_tz = excluded.due_tz, due_at = excluded.due_at, completed_at = excluded.completed_at,
            start_local = excluded.start_local, start_tz = excluded.start_tz, start_at = excluded.start_at,
            tzdata = CASE WHEN o.due_at IS NOT DISTINCT FROM excluded.due_at THEN greatest(o.tzdata, excluded.tzdata)
                ELSE excluded.tzdata END;
    END IF;
    IF doc ? 'opened' THEN
        INSERT INTO occurrence (task_id, recurrence_id, user_id, predecessor, ordinal, status, succession, title,
            due_local, due_tz, tzdata, due_at, completed_at, start_local, start_tz, start_at)
        SELECT e.task_id, e.recurrence_id, owner, e.predecessor, e.ordinal, e.status, e.succession, e.title,
            e.due_local, e.due_tz, e.tzdata, e.due_at, e.completed_at, e.start_local, e.start_tz, e.start_at
        FROM jsonb_to_recordset(doc -> 'opened') AS e (task_id text, recurrence_id text, predecessor text, ordinal bigint,
            status text, succession text, title text, due_local text, due_tz text, start_local text, start_tz text,
            tzdata text, due_at bigint, start_at bigint, completed_at bigint);
    END IF;
    -- With each occurrence of a task, its parts that do not recur are owed that they are open again. One that is owed it already may
    -- have lost its work, in the bin: it is owed it anew.
    IF doc ? 'parts_again' THEN
        them := ARRAY(
            SELECT t.id FROM jsonb_array_elements_text(doc -> 'parts_again') AS e
            CROSS JOIN LATERAL (
                SELECT p.* FROM task AS p WHERE p.parent_id = e.value AND p.deleted_at IS NULL ORDER BY p.id) AS t
            WHERE t.user_id = owner AND t.status = 'done' AND t.recurrence IS NULL);
        IF cardinality(them) > 0 THEN
            UPDATE occurrence AS o SET succession = 'none'
            WHERE o.task_id = ANY (them) AND o.recurrence_id = '' AND o.user_id = owner AND o.status = 'done'
                AND o.succession = 'pending';
            UPDATE occurrence AS o SET succession = 'pending'
            WHERE o.task_id = ANY (them) AND o.recurrence_id = '' AND o.user_id = owner AND o.status = 'done';
        END IF;
    END IF;
    IF doc ? 'overrides' THEN
        INSERT INTO override (task_id, recurrence_id, user_id, title, due_local, due_tz, cancelled)
        SELECT DISTINCT ON (e.task_id, e.recurrence_id) e.task_id, e.recurrence_id, owner, e.title, e.due_local, e.due_tz,
            e.cancelled <> 0
        FROM ROWS FROM (jsonb_to_recordset(doc -> 'overrides') AS (task_id text, recurrence_id text, title text,
            due_local text, due_tz text, cancelled bigint)) WITH ORDINALITY AS e
        ORDER BY e.task_id, e.recurrence_id, e.ordinality DESC
        ON CONFLICT (task_id, recurrence_id) DO UPDATE SET title = excluded.title, due_local = excluded.due_local,
            due_tz = excluded.due_tz, cancelled = excluded.cancelled;
    END IF;

    -- What fires keeps the time that it was put off from.
    IF doc ? 'alarms' AND doc #>> '{audit,action}' = 'reminder.fire' THEN
        UPDATE alarm AS a SET state = e.state, fire_at = e.fire_at,
            snoozed_from = CASE WHEN a.fire_at = e.fire_at THEN a.snoozed_from ELSE e.snoozed_from END
        FROM jsonb_to_recordset(doc -> 'alarms') AS e (task_id text, recurrence_id text, reminder_id text, fire_at bigint,
            state text, snoozed_from bigint)
        WHERE a.task_id = ANY (ARRAY(SELECT r.task_id FROM jsonb_to_recordset(doc -> 'alarms') AS r (task_id text)))
            AND a.task_id = e.task_id AND a.recurrence_id = e.recurrence_id AND a.reminder_id = e.reminder_id;
    ELSIF doc ? 'alarms' AND makes THEN
        INSERT INTO alarm (task_id, recurrence_id, reminder_id, user_id, fire_at, state, snoozed_from)
        SELECT e.task_id, e.recurrence_id, e.reminder_id, owner, e.fire_at, e.state, e.snoozed_from
        FROM jsonb_to_recordset(doc -> 'alarms') AS e (task_id text, recurrence_id text, reminder_id text, fire_at bigint,
            state text, snoozed_from bigint);
    ELSIF doc ? 'alarms' THEN
        INSERT INTO alarm (task_id, recurrence_id, reminder_id, user_id, fire_at, state, snoozed_from)
        SELECT DISTINCT ON (e.task_id, e.recurrence_id, e.reminder_id) e.task_id, e.recurrence_id, e.reminder_id, owner,
            e.fire_at, e.state, e.snoozed_from
        FROM ROWS FROM (jsonb_to_recordset(doc -> 'alarms') AS (task_id text, recurrence_id text, reminder_id text,
            fire_at bigint, state text, snoozed_from bigint)) WITH ORDINALITY AS e
        ORDER BY e.task_id, e.recurrence_id, e.reminder_id, e.ordinality DESC
        ON CONFLICT (task_id, recurrence_id, reminder_id) DO UPDATE SET fire_at = excluded.fire_at, state = excluded.state,
            snoozed_from = excluded.snoozed_from;
    END IF;

    -- A task is due when its earliest open occurrence is; where none is open, when the one was that changed last. A task that is made
    -- has it from the beginning.
    IF doc ?| '{opened,occurrences,reopened}' AND NOT makes THEN
        ids := ARRAY(
            SELECT DISTINCT e.task_id FROM jsonb_to_recordset(coalesce(doc -> 'reopened', '[]')
                || coalesce(doc -> 'occurrences', '[]') || coalesce(doc -> 'opened', '[]')) AS e (task_id text));
        WITH named AS (
            SELECT DISTINCT ON (e.task_id) e.task_id, e.due_at,
                e.list < 3 AND o.id IS NOT NULL AND (o.status <> e.status OR o.due_at IS DISTINCT FROM e.due_at) AS changed
            FROM (
                SELECT 1 AS list, r.* FROM ROWS FROM (jsonb_to_recordset(doc -> 'reopened')
                    AS (task_id text, recurrence_id text, status text, due_at bigint)) WITH ORDINALITY AS r
                UNION ALL SELECT 2, r.* FROM ROWS FROM (jsonb_to_recordset(doc -> 'occurrences')
                    AS (task_id text, recurrence_id text, status text, due_at bigint)) WITH ORDINALITY AS r
                UNION ALL SELECT 3, r.* FROM ROWS FROM (jsonb_to_recordset(doc -> 'opened')
                    AS (task_id text, recurrence_id text, status text, due_at bigint)) WITH ORDINALITY AS r) AS e
            LEFT JOIN unnest(stood) AS o ON o.task_id = e.task_id AND o.recurrence_id = e.recurrence_id
            ORDER BY e.task_id, changed DESC, e.list DESC, e.ordinality DESC),
        told AS (
            UPDATE task AS t SET next_due_at = d.due_at
            FROM (
                SELECT n.task_id, CASE WHEN o.many > 0 THEN o.due_at ELSE n.due_at END AS due_at
                FROM named AS n CROSS JOIN LATERAL (
                    SELECT count(*) AS many, min(c.due_at) AS due_at FROM (
                        SELECT o.due_at FROM occurrence AS o WHERE o.task_id = n.task_id AND o.status = 'open' ORDER BY o.ordinal) AS c) AS o
                WHERE o.many > 0 OR n.changed) AS d
            WHERE t.id = ANY (ids) AND t.id = d.task_id AND t.next_due_at IS DISTINCT FROM d.due_at
            RETURNING t.id, t.tags)
        SELECT coalesce(array_agg(t.id) FILTER (WHERE t.tags <> '[]'), '{}') INTO moved FROM told AS t;
    END IF;
    -- The tags by which tasks are listed go with them.
    IF cardinality(tagged) > 0 THEN
        FOR place IN
            SELECT t.id, t.status, tag.value AS tag FROM unnest(before) AS t CROSS JOIN jsonb_array_elements_text(t.tags) AS tag
            WHERE t.id = ANY (tagged)
        LOOP
            DELETE FROM task_tag AS g
            WHERE g.user_id = owner AND g.tag = place.tag AND g.status = place.status AND g.task_id = place.id;
        END LOOP;
        INSERT INTO task_tag (user_id, tag, status, task_id, due_at)
        SELECT owner, tag.value, t.status, t.id, t.next_due_at
        FROM unnest(tagged) AS g (id) CROSS JOIN LATERAL (SELECT o.* FROM task AS o WHERE o.id = g.id OFFSET 0) AS t
        CROSS JOIN jsonb_array_elements_text(t.tags) AS tag
        WHERE t.deleted_at IS NULL
        ON CONFLICT DO NOTHING;
    END IF;
    IF cardinality(moved) > 0 THEN
        FOR place IN
            SELECT t.id, t.status, t.next_due_at, tag.value AS tag
            FROM unnest(moved) AS m (id) CROSS JOIN LATERAL (SELECT o.* FROM task AS o WHERE o.id = m.id OFFSET 0) AS t
            CROSS JOIN jsonb_array_elements_text(t.tags) AS tag
            WHERE m.id <> ALL (tagged)
        LOOP
            UPDATE task_tag AS g SET due_at = place.next_due_at
            WHERE g.user_id = owner AND g.tag = place.tag AND g.status = place.status AND g.task_id = place.id;
        END LOOP;
    END IF;
END
$$;

-- Notifications, and what became of attempts to deliver them.
CREATE FUNCTION perennial_write_notifications(doc jsonb, due bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    owner text := doc ->> 'user';
    instant bigint := (doc ->> 'at')::bigint;
    ids text[];
    ended record;
    written bigint;
BEGIN
    IF doc ? 'notifications' THEN
        INSERT INTO notification (id, user_id, task_id, recurrence_id, reminder_id, channel_id, fire_at, state, payload,
            next_attempt_at, delivered_at, created_at)
        SELECT e.id, owner, e.task_id, e.recurrence_id, e.reminder_id, e.channel_id, e.fire_at, e.state, e.payload,
            e.next_attempt_at, e.delivered_at, instant
        FROM jsonb_to_recordset(doc -> 'notifications') AS e (id text, task_id text, recurrence_id text, reminder_id text,
            channel_id text, fire_at bigint, state text, payload jsonb, next_attempt_at bigint, delivered_at bigint);
    END IF;
    IF doc ? 'notices' THEN
        INSERT INTO notice (id, user_id, channel_id, type, subject, payload, state, next_attempt_at, created_at)
        SELECT e.id, owner, e.channel_id, e.type, e.subject, e.payload, 'pending', e.next_attempt_at, instant
        FROM jsonb_to_recordset(doc -> 'notices') AS e (id text, channel_id text, type text, subject text, payload jsonb,
            next_attempt_at bigint);
    END IF;
    IF doc ? 'deliveries' THEN
        ids := ARRAY(SELECT e.id FROM jsonb_to_recordset(doc -> 'deliveries') AS e (id text));
        UPDATE notification AS n SET state = e.state, attempts = e.attempt, next_attempt_at = e.next_attempt_at,
            delivered_at = e.delivered_at, last_error = e.last_error
        FROM jsonb_to_recordset(doc -> 'deliveries') AS e (id text, attempt bigint, state text, next_attempt_at bigint,
            delivered_at bigint, last_error text)
        WHERE n.id = ANY (ids) AND n.id = e.id;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written < jsonb_array_length(doc -> 'deliveries') THEN
            UPDATE notice AS n SET state = e.state, attempts = e.attempt, next_attempt_at = e.next_attempt_at,
                delivered_at = e.delivered_at, last_error = e.last_error
            FROM jsonb_to_recordset(doc -> 'deliveries') AS e (id text, attempt bigint, state text, next_attempt_at bigint,
                delivered_at bigint, last_error text)
            WHERE n.id = ANY (ids) AND n.id = e.id;
        END IF;
        -- An endpoint that hangs is left alone for a while.
        FOR ended IN
            SELECT c.channel_id, e.endpoint_failures AS failures, e.endpoint_pause AS pause
            FROM jsonb_to_recordset(doc -> 'deliveries') AS e (id text, endpoint_failures bigint, endpoint_pause bigint)
            CROSS JOIN LATERAL (
                SELECT n.channel_id FROM notification AS n WHERE n.id = e.id
                UNION ALL SELECT n.channel_id FROM notice AS n WHERE n.id = e.id OFFSET 0) AS c
        LOOP
            UPDATE lane AS l SET failures = ended.failures,
                hold_until = CASE WHEN ended.pause > 0 THEN due + ended.pause ELSE l.hold_until END
            WHERE l.kind = 'notification' AND l.again IN (false, true) AND l.lane = ended.channel_id;
        END LOOP;
    END IF;
    IF doc ? 'letters' THEN
        UPDATE dead_letter AS l SET status = doc #>> '{letters,to}', status_at = due, replay_tries = 0,
            replays = l.replays + CASE doc #>> '{letters,to}' WHEN 'replaying' THEN 1 ELSE 0 END
        WHERE l.place = ANY (ARRAY(SELECT e.place FROM jsonb_to_recordset(doc #> '{letters,of}') AS e (place bigint)));
    END IF;
END
$$;

-- The entry in the audit and the events, with the notices that they become. `previous` is the change before this one. The places of both
-- are counted in the user's stream, whose row this transaction has locked: they are the order of commits. A commit that finds nothing
-- waiting takes the relay's lease, where it asks for it; whether it has is what is given.
CREATE FUNCTION perennial_write_log(doc jsonb, relay_for bigint, due bigint, previous text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    owner text := doc ->> 'user';
    instant bigint := (doc ->> 'at')::bigint;
    events bigint := coalesce(jsonb_array_length(doc -> 'events'), 0);
    place record;
BEGIN
    UPDATE stream AS s SET sequence = s.sequence + events, audited = s.audited + 1, seal_at = coalesce(s.seal_at, due),
        fence = s.fence + CASE WHEN events > 0 AND s.relay_at IS NULL AND relay_for > 0 THEN 1 ELSE 0 END,
        relay_by = CASE WHEN events > 0 AND s.relay_at IS NULL AND relay_for > 0 THEN doc ->> 'id' ELSE s.relay_by END,
        relay_at = CASE WHEN events > 0 THEN coalesce(s.relay_at, due + relay_for) ELSE s.relay_at END
    WHERE s.id = owner RETURNING s.sequence, s.audited, s.relay_by INTO STRICT place;
    INSERT INTO audit (user_id, seq, told, id, at, actor, action, subject, correlation_id, tzdata, before, after, previous, salt)
    VALUES (owner, place.audited, doc -> 'audit' ?| '{before,after}', doc ->> 'id', instant, doc #>> '{audit,actor}',
        doc #>> '{audit,action}', doc #>> '{audit,subject}', doc #>> '{audit,correlation_id}', doc #>> '{audit,tzdata}',
        doc #> '{audit,before}', doc #> '{audit,after}', previous, replace(gen_random_uuid()::text, '-', ''));
    IF events = 0 THEN
        RETURN place.relay_by = doc ->> 'id';
    END IF;

    WITH told AS (
        SELECT e.*, place.sequence - events + e.ordinality AS sequence
        FROM ROWS FROM (jsonb_to_recordset(doc -> 'events') AS (id text, type text, topic text, subject text, data jsonb,
            correlation_id text, causation_id text, traceparent text, idempotency_key text)) WITH ORDINALITY AS e),
    topics AS (
        INSERT INTO stream_topic (stream_id, topic, last)
        SELECT owner, e.topic, max(e.sequence) FROM told AS e GROUP BY e.topic
        ON CONFLICT (stream_id, topic) DO UPDATE SET last = excluded.last)
    INSERT INTO outbox (stream_id, sequence, topic, previous, event_id, type, subject, user_id, data, at, correlation_id,
        causation_id, traceparent, idempotency_key)
    SELECT owner, e.sequence, e.topic,
        coalesce(lag(e.sequence) OVER (PARTITION BY e.topic ORDER BY e.sequence),
            (SELECT t.last FROM stream_topic AS t WHERE t.stream_id = owner AND t.topic = e.topic)),
        e.id, e.type, e.subject, owner, e.data, instant, e.correlation_id, e.causation_id, e.traceparent, e.idempotency_key
    FROM told AS e;
    -- Each event becomes a notice for each of the user's channels that takes its type.
    IF EXISTS (SELECT 1 FROM channel_type AS c WHERE c.user_id = owner) THEN
        INSERT INTO notice (id, user_id, channel_id, type, event_id, subject, payload, state, next_attempt_at, created_at)
        SELECT perennial_uuid7(instant), owner, c.channel_id, c.type, e.id, e.subject,
            jsonb_build_object('type', c.type,
                'timestamp', to_char(to_timestamp(instant / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
                    || CASE instant % 1000 WHEN 0 THEN 'Z' ELSE '.' || lpad((instant % 1000)::text, 3, '0') || 'Z' END,
                'data', e.data || jsonb_build_object('event_id', e.id, 'subject', e.subject)),
            'pending', due, instant
        FROM jsonb_to_recordset(doc -> 'events') AS e (id text, type text, subject text, data jsonb)
        JOIN channel_type AS c ON c.user_id = owner AND c.type = e.type;
    END IF;
    RETURN place.relay_by = doc ->> 'id';
END
$$;

-- The relay's lease that a commit has taken, with the places of its events: that of each, and of the one before it on its topic.
CREATE FUNCTION perennial_lease(doc jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT json_build_object('stream', s.id, 'fence', s.fence, 'epoch', (SELECT p.id FROM epoch AS p WHERE p.one = 1),
            'places', coalesce((
                SELECT json_agg(json_build_array(o.sequence, o.previous) ORDER BY o.sequence) FROM outbox AS o
                WHERE o.stream_id = s.id AND o.sequence > s.sequence - jsonb_array_length(doc -> 'events')), '[]'))
        FROM stream AS s WHERE s.id = doc ->> 'user' AND s.relay_by = doc ->> 'id');
END
$$;

-- How often the token of a commit has written in its window, and how long that lasts.
CREATE FUNCTION perennial_counted(doc jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT json_build_object('count', r.count, 'left', r.began + (doc #>> '{rate,window}')::bigint - (doc ->> 'at')::bigint)
        FROM rate AS r WHERE r.token = doc #>> '{rate,token}');
END
$$;

-- Applies commits and gives of each that is not refused which it is, the answer that was stored under its key before, the relay's lease
-- and how often its token has written. Where one is refused, `mode` each goes on with the others, and all undoes them. A commit whose key
-- is known touches nothing. Of each, those of users to whom somebody is writing right now are `later` where there are others: they are to be
-- applied alone, so that nobody is waited for with the stream of another locked. `told` is not NULL where time goes by the commits, not by the
-- database's clock.
CREATE FUNCTION perennial_apply(docs jsonb, mode text, relay_for bigint, told bigint DEFAULT NULL)
RETURNS TABLE (ix bigint, answered text, lease text, counted text, later bigint) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_indexonlyscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    doc jsonb;
    owner text;
    due bigint;
    known record;
    before task[];
    stood occurrence[];
    why text;
    change text;
    made text[];
    busy text[];
BEGIN
    -- Somebody waits for who asks for the relay's lease: not for long, since others wait for the session.
    IF relay_for > 0 THEN
        PERFORM set_config('lock_timeout', '2s', true);
    END IF;
    SELECT l.made, l.busy INTO made, busy FROM perennial_lock(docs, mode <> 'each') AS l;
    due := perennial_now(told);
    FOR doc, ix IN SELECT e.value, e.ordinality - 1 FROM jsonb_array_elements(docs) WITH ORDINALITY AS e LOOP
        answered := NULL;
        lease := NULL;
        counted := NULL;
        later := 0;
        owner := doc ->> 'user';
        IF owner = ANY (busy) THEN
            later := 1;
            RETURN NEXT;
            CONTINUE;
        END IF;
        IF told IS NOT NULL THEN
            due := (doc ->> 'at')::bigint;
        END IF;
        IF jsonb_typeof(doc -> 'idempotency') = 'object' THEN
            SELECT i.* INTO known FROM idempotency AS i WHERE i.user_id = owner AND i.key = doc #>> '{idempotency,key}';
            IF FOUND THEN
                IF known.commit_id <> doc ->> 'id' THEN
                    answered := json_build_object('fingerprint', known.fingerprint, 'status', known.status, 'etag', known.etag,
                        'location', known.location, 'body', known.body, 'change_id', known.change_id);
                ELSE
                    -- It is this commit itself, which comes once more.
                    lease := perennial_lease(doc);
                    counted := perennial_counted(doc);
                END IF;
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;

        before := '{}';
        stood := '{}';
        IF doc ? 'tasks' THEN
            SELECT coalesce(array_agg(h.t), '{}') INTO before FROM (
                SELECT t FROM task AS t WHERE t.id = ANY (ARRAY(SELECT e.value ->> 'id' FROM jsonb_array_elements(doc -> 'tasks') AS e))
                ORDER BY t.id FOR NO KEY UPDATE) AS h;
        END IF;
        IF doc ? 'occurrences' THEN
            SELECT coalesce(array_agg(h.o), '{}') INTO stood
            FROM jsonb_to_recordset(doc -> 'occurrences') AS e (task_id text, recurrence_id text)
            CROSS JOIN LATERAL (
                SELECT o FROM occurrence AS o WHERE o.task_id = e.task_id AND o.recurrence_id = e.recurrence_id OFFSET 0) AS h;
        END IF;
        why := perennial_refusal(doc, before, stood);
        IF why IS NOT NULL THEN
            IF mode = 'each' THEN
                CONTINUE;
            END IF;
            RAISE EXCEPTION USING MESSAGE = why || '#' || ix;
        END IF;

        IF doc ? 'rate' THEN
            INSERT INTO rate AS r (token, began, count) VALUES (doc #>> '{rate,token}', (doc ->> 'at')::bigint, 1)
            ON CONFLICT (token) DO UPDATE SET
                began = CASE WHEN excluded.began - r.began BETWEEN -(doc #>> '{rate,window}')::bigint
                    AND (doc #>> '{rate,window}')::bigint - 1 THEN r.began ELSE excluded.began END,
                count = 1 + CASE WHEN excluded.began - r.began BETWEEN -(doc #>> '{rate,window}')::bigint
                    AND (doc #>> '{rate,window}')::bigint - 1 THEN r.count ELSE 0 END;
            counted := perennial_counted(doc);
        END IF;
        IF jsonb_typeof(doc -> 'idempotency') = 'object' THEN
            INSERT INTO idempotency (user_id, key, fingerprint, status, etag, location, body, created_at, commit_id, change_id)
            VALUES (owner, doc #>> '{idempotency,key}', doc #>> '{idempotency,fingerprint}',
                (doc #>> '{idempotency,status}')::bigint, doc #>> '{idempotency,etag}', doc #>> '{idempotency,location}',
                doc #>> '{idempotency,body}', (doc ->> 'at')::bigint, doc ->> 'id', doc #>> '{idempotency,change_id}');
        END IF;
        IF jsonb_typeof(doc -> 'inbox') = 'object' THEN
            INSERT INTO inbox (consumer, event_id, at)
            VALUES (doc #>> '{inbox,consumer}', doc #>> '{inbox,event_id}', (doc ->> 'at')::bigint);
        END IF;
        IF doc ?| '{users,settings,deleted_users,identities,tokens,channels}' THEN
            PERFORM perennial_write_accounts(doc, due);
        END IF;
        -- While the change before it is still known.
        change := NULL;
        IF doc -> 'audit' ?| '{before,after}' THEN
            change := coalesce(
                (SELECT t.change_id FROM task AS t
                 WHERE t.id = coalesce(doc #>> '{audit,after_those_of}', doc #>> '{audit,subject}') AND t.user_id = owner),
                (SELECT p.change_id FROM project AS p WHERE p.id = doc #>> '{audit,subject}' AND p.user_id = owner));
        END IF;
        IF doc ?| '{projects,retried,tasks,opened,occurrences,reopened,parts_again,overrides,alarms}' THEN
            PERFORM perennial_write_tasks(doc, due, before, stood);
        END IF;
        IF doc ?| '{notifications,notices,deliveries,letters}' THEN
            PERFORM perennial_write_notifications(doc, due);
        END IF;
        IF perennial_write_log(doc, coalesce(relay_for, 0), due, change) THEN
            lease := perennial_lease(doc);
        END IF;
        RETURN NEXT;
    END LOOP;
    -- A stream in which nothing was written is none.
    IF cardinality(made) > 0 THEN
        DELETE FROM stream AS s WHERE s.id = ANY (made) AND s.audited = 0;
    END IF;
END
$$;

-- Tasks and channels go elsewhere too, when they are forgotten: what is counted and found by them goes with them.
CREATE FUNCTION perennial_uncount_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE usage AS g SET tasks = g.tasks - o.tasks
    FROM (SELECT t.user_id, count(*) AS tasks FROM gone AS t WHERE t.deleted_at IS NULL GROUP BY t.user_id ORDER BY t.user_id) AS o
    WHERE g.user_id = ANY (ARRAY(SELECT t.user_id FROM gone AS t WHERE t.deleted_at IS NULL)) AND g.user_id = o.user_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER task_uncounted AFTER DELETE ON task REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION perennial_uncount_tasks();

CREATE FUNCTION perennial_untype_channels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM channel_type AS t USING gone AS c WHERE t.user_id = c.user_id AND t.channel_id = c.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER channel_untyped AFTER DELETE ON channel REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION perennial_untype_channels();
