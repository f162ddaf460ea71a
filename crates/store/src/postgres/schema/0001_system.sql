-- What holds of rows whoever writes them: the audit's rules, what dead letters stand for, and what is counted. And how dead letters are
-- kept and sent again, and chains sealed further.
--
-- Whoever locks several rows of a table locks them in the order of their keys. Of tables, streams come before accounts, these before
-- letters, and letters before the work and the turns that they stand for. What a function asks of a large table it asks by an index,
-- row by row (LATERAL, LIMIT), whatever the statistics said when its plan was made.

-- How far what is past its retention has been forgotten, by what it is: before that time nothing is left of it. So nobody walks again and
-- again over what is deleted and not yet vacuumed, as under a snapshot that is held for long. What was passed over all the same, since it
-- was locked or came late, is looked for from the beginning once an hour: `since` is when that was done last.
CREATE TABLE expired (
    name text COLLATE "C" PRIMARY KEY,
    place bigint NOT NULL DEFAULT 0,
    since bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO expired (name) VALUES
    ('events'), ('idempotency'), ('inbox'), ('dead_letter'), ('listener'), ('notice'), ('lane'), ('rate'), ('task'), ('project');

-- The audit. An entry is never changed, and goes only with its user; a seal neither changes nor goes; and neither does what counts the
-- entries of a chain.
CREATE FUNCTION perennial_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rule:audit#0';
END
$$;

CREATE FUNCTION perennial_is_sealed_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM account WHERE id = OLD.user_id AND deleted_at IS NOT NULL) THEN
        RAISE EXCEPTION 'rule:audit#0';
    END IF;
    -- One that is not sealed yet goes once it is, or once nobody waits for that any more.
    IF EXISTS (SELECT 1 FROM stream WHERE id = OLD.user_id AND NOT unsealed_go AND sealed < OLD.seq) THEN
        RETURN NULL;
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER audit_kept BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION perennial_is_kept();
CREATE TRIGGER audit_sealed_first BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION perennial_is_sealed_first();
CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION perennial_is_kept();
CREATE TRIGGER seal_kept BEFORE UPDATE OR DELETE ON seal FOR EACH ROW EXECUTE FUNCTION perennial_is_kept();
CREATE TRIGGER seal_not_emptied BEFORE TRUNCATE ON seal FOR EACH STATEMENT EXECUTE FUNCTION perennial_is_kept();
CREATE TRIGGER stream_of_chain BEFORE DELETE ON stream
FOR EACH ROW WHEN (OLD.audited > 0) EXECUTE FUNCTION perennial_is_kept();

-- Chains are sealed further, at a time: [{ user, from, again, broken, anchor, seals: [{ seq, id, at, digest, hash }] }]. One that another has
-- sealed meanwhile is left alone. What is left of a chain comes again after `again`; one that has grown is to be anchored within `anchor`.
-- Those to which somebody is writing are left alone too and told, unless they are to be waited for.
CREATE FUNCTION perennial_seal(chains jsonb, at bigint, waits boolean) RETURNS SETOF text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    users text[] := ARRAY(SELECT e ->> 'user' FROM jsonb_array_elements(chains) AS e);
    locked text[];
BEGIN
    -- What a crash of the database takes is sealed again.
    PERFORM set_config('synchronous_commit', 'off', true);
    IF waits THEN
        locked := ARRAY(SELECT s.id FROM stream AS s WHERE s.id = ANY (users) ORDER BY s.id FOR NO KEY UPDATE);
    ELSE
        locked := ARRAY(SELECT s.id FROM stream AS s WHERE s.id = ANY (users) ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED);
        RETURN QUERY SELECT s.id FROM stream AS s WHERE s.id = ANY (users) AND s.id <> ALL (locked);
    END IF;
    -- As nobody else can seal them now: those that are sealed as far as when they were read.
    locked := ARRAY(
        SELECT s.id FROM jsonb_array_elements(chains) AS e CROSS JOIN stream AS s
        WHERE s.id = e ->> 'user' AND s.id = ANY (locked) AND s.sealed = (e ->> 'from')::bigint);
    INSERT INTO seal (user_id, seq, audit_id, at, digest, hash)
    SELECT e ->> 'user', n.seq, n.id, n.at, n.digest, n.hash
    FROM jsonb_array_elements(chains) AS e
        CROSS JOIN jsonb_to_recordset(e -> 'seals') AS n (seq bigint, id text, at bigint, digest text, hash text)
    WHERE e ->> 'user' = ANY (locked);
    UPDATE stream AS s SET sealed = s.sealed + e.seals,
        seal_tries = CASE WHEN e.broken THEN s.seal_tries + 1 WHEN e.seals > 0 THEN 0 ELSE s.seal_tries END,
        seal_at = CASE WHEN s.audited > s.sealed + e.seals THEN perennial_seal.at + e.again END,
        anchor_at = CASE WHEN e.seals > 0 THEN coalesce(s.anchor_at, perennial_seal.at + e.anchor) ELSE s.anchor_at END
    FROM (
        SELECT e ->> 'user' AS id, jsonb_array_length(e -> 'seals') AS seals, (e ->> 'again')::bigint AS again,
            (e ->> 'broken')::boolean AS broken, (e ->> 'anchor')::bigint AS anchor
        FROM jsonb_array_elements(chains) AS e) AS e
    WHERE s.id = e.id AND s.id = ANY (locked);
END
$$;

-- Dead letters. One that is open is parked work of its owner, of kind event: one item for an event and a consumer, on however many
-- topics. A stream with letters that are to be sent again has turns. An item and a turn stand for several letters: whoever adds one locks
-- the row that stands for it, and whoever takes one away locks it before looking whether others are left.
CREATE FUNCTION perennial_letters_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM added) THEN
        RETURN NULL;
    END IF;
    INSERT INTO work AS w (kind, user_id, lane, task_id, recurrence_id, item, wake_at, tries, reason, parked_at)
    SELECT DISTINCT ON (n.subject, n.consumer, n.event_id)
        'event', n.user_id, n.stream_id, n.subject, n.consumer, n.event_id, NULL, n.tries, n.error, n.last_at
    FROM added AS n WHERE n.status = 'open'
    ORDER BY n.subject, n.consumer, n.event_id, n.place
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET tries = w.tries;
    INSERT INTO tally AS t (name, part, value)
    SELECT 'dlq_events_total{topic="' || n.topic || '"}', pg_backend_pid() % 16, count(*) FROM added AS n GROUP BY 1 ORDER BY 1
    ON CONFLICT (name, part) DO UPDATE SET value = t.value + excluded.value;
    RETURN NULL;
END
$$;

-- Rows as they stood and as they are now are brought together by their key, once for all that is asked of them, and not by a join: its plan
-- is made for the first few and kept for the many.
CREATE FUNCTION perennial_letters_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    these record;
BEGIN
    -- It is called for each that is kept, whether or not it was there.
    IF NOT EXISTS (SELECT 1 FROM changed) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(c.place) FILTER (WHERE c.now = 'open' AND (c.was <> 'open' OR c.tried)) AS again,
        array_agg(c.place) FILTER (WHERE c.now = 'open' AND c.was <> 'open') AS opened,
        array_agg(c.place) FILTER (WHERE c.now <> 'open' AND c.was = 'open') AS closed,
        array_agg(c.place) FILTER (WHERE c.now = 'replaying' AND c.was <> 'replaying') AS asked,
        array_agg(c.place) FILTER (WHERE c.now <> 'replaying' AND c.was = 'replaying') AS sent
    INTO these FROM (
        SELECT b.place, max(b.now) AS now, max(b.was) AS was, min(b.tries) <> max(b.tries) AS tried FROM (
            SELECT n.place, n.status AS now, NULL AS was, n.tries FROM changed AS n
            UNION ALL SELECT o.place, NULL, o.status, o.tries FROM stood AS o) AS b
        GROUP BY b.place) AS c;
    IF these.again IS NOT NULL THEN
        INSERT INTO work AS w (kind, user_id, lane, task_id, recurrence_id, item, wake_at, tries, reason, parked_at)
        SELECT DISTINCT ON (n.subject, n.consumer, n.event_id)
            'event', n.user_id, n.stream_id, n.subject, n.consumer, n.event_id, NULL, n.tries, n.error, n.last_at
        FROM dead_letter AS n WHERE n.place = ANY (these.again)
        ORDER BY n.subject, n.consumer, n.event_id, n.place DESC
        ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET tries = excluded.tries, reason = excluded.reason,
            parked_at = excluded.parked_at;
    END IF;
    IF these.opened IS NOT NULL THEN
        INSERT INTO tally AS t (name, part, value)
        SELECT 'dlq_events_total{topic="' || n.topic || '"}', pg_backend_pid() % 16, count(*)
        FROM dead_letter AS n WHERE n.place = ANY (these.opened) GROUP BY 1 ORDER BY 1
        ON CONFLICT (name, part) DO UPDATE SET value = t.value + excluded.value;
    END IF;
    IF these.closed IS NOT NULL THEN
        PERFORM perennial_letters_closed(jsonb_agg(jsonb_build_array(n.subject, n.consumer, n.event_id)))
        FROM dead_letter AS n WHERE n.place = ANY (these.closed);
    END IF;
    IF these.asked IS NOT NULL THEN
        INSERT INTO replay_stream AS r (stream_id, turn_at)
        SELECT n.stream_id, min(n.status_at) FROM dead_letter AS n WHERE n.place = ANY (these.asked)
        GROUP BY n.stream_id ORDER BY n.stream_id
        ON CONFLICT (stream_id) DO UPDATE SET turn_at = r.turn_at;
    END IF;
    IF these.sent IS NOT NULL THEN
        PERFORM perennial_letters_sent(array_agg(DISTINCT n.stream_id)) FROM dead_letter AS n WHERE n.place = ANY (these.sent);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION perennial_letters_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM perennial_letters_closed(jsonb_agg(jsonb_build_array(o.subject, o.consumer, o.event_id)))
    FROM gone AS o WHERE o.status = 'open';
    PERFORM perennial_letters_sent(array_agg(DISTINCT o.stream_id)) FROM gone AS o WHERE o.status = 'replaying';
    RETURN NULL;
END
$$;

-- Letters of these are open no more: [[subject, consumer, event]]. NULL: there are none.
CREATE FUNCTION perennial_letters_closed(letters jsonb) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    items bigint[];
BEGIN
    IF letters IS NULL THEN
        RETURN;
    END IF;
    items := ARRAY(
        SELECT w.id FROM jsonb_array_elements(letters) AS e CROSS JOIN LATERAL (
            SELECT w.id FROM work AS w
            WHERE w.task_id = e ->> 0 AND w.kind = 'event' AND w.recurrence_id = e ->> 1 AND w.item = e ->> 2 LIMIT 1) AS w);
    items := ARRAY(SELECT w.id FROM work AS w WHERE w.id = ANY (items) ORDER BY w.id FOR UPDATE);
    DELETE FROM work AS w WHERE w.id = ANY (items) AND (
        SELECT d.place FROM dead_letter AS d
        WHERE d.event_id = w.item AND d.consumer = w.recurrence_id AND d.subject = w.task_id AND d.status = 'open' LIMIT 1) IS NULL;
END
$$;

-- Letters of these streams are to be sent again no more. NULL: of none.
CREATE FUNCTION perennial_letters_sent(streams text[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
BEGIN
    IF streams IS NULL THEN
        RETURN;
    END IF;
    PERFORM 1 FROM replay_stream AS r WHERE r.stream_id = ANY (streams) ORDER BY r.stream_id FOR UPDATE;
    DELETE FROM replay_stream AS r WHERE r.stream_id = ANY (streams) AND (
        SELECT d.place FROM dead_letter AS d WHERE d.status = 'replaying' AND d.stream_id = r.stream_id
        ORDER BY d.sequence, d.place LIMIT 1) IS NULL;
END
$$;

CREATE TRIGGER dead_letter_added AFTER INSERT ON dead_letter REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION perennial_letters_added();
CREATE TRIGGER dead_letter_changed AFTER UPDATE ON dead_letter REFERENCING OLD TABLE AS stood NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION perennial_letters_changed();
CREATE TRIGGER dead_letter_gone AFTER DELETE ON dead_letter REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION perennial_letters_gone();

-- Letters are kept: [{ topic, event_id, consumer | consumers, hearers, user, stream, sequence, type, subject, error, error_class, instance,
-- event }]; says of each, in order, what became of it. Of whom and about what an event is that was told here is known here: whoever
-- reaches a broker can put anything there under its id, and no letter of another is to stand in the place of its own; who acts upon it
-- says `hearers`, by its type. Given up by who is not known, as where a broker did, it is nothing where all who act upon it have applied
-- it, which is counted; or else another copy of the letter that there is of the event on its topic, whosoever; or else that of the first
-- of these who has not applied it. One that is there already has been given up once more: it is open again if it had been sent again
-- meanwhile; but a copy says nothing of a letter that is yet to be sent. Of those that nobody owns, which whoever reaches a broker can
-- make, some 10,000 are kept at once. Nothing is kept for who was deleted.
CREATE FUNCTION perennial_keep_letters(letters jsonb, at bigint) RETURNS SETOF text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    these jsonb;
    places bigint[] := '{}';
    became text[] := '{}';
    more record;
BEGIN
    -- Nobody is deleted meanwhile.
    PERFORM 1 FROM account AS a WHERE a.id = ANY (ARRAY(
        SELECT coalesce(o.user_id, e ->> 'user')
        FROM jsonb_array_elements(letters) AS e
            LEFT JOIN LATERAL (SELECT o.user_id FROM outbox AS o WHERE o.event_id = e ->> 'event_id' LIMIT 1) AS o ON true))
    ORDER BY a.id FOR SHARE;
    -- One of each event at a time: what becomes of one hangs on what became of the one before it.
    FOR these IN
        SELECT jsonb_agg(jsonb_build_array(e.n, e.doc) ORDER BY e.n) FROM (
            SELECT e.n, e.doc, row_number() OVER (PARTITION BY e.doc ->> 'event_id' ORDER BY e.n) AS turn
            FROM jsonb_array_elements(letters) WITH ORDINALITY AS e (doc, n)) AS e
        GROUP BY e.turn ORDER BY e.turn
    LOOP
        WITH l AS MATERIALIZED (
            SELECT (e ->> 0)::bigint AS n, e #>> '{1,topic}' AS topic, e #>> '{1,event_id}' AS event_id,
                e #>> '{1,consumer}' AS consumer, coalesce(a.id, '') AS user_id, a.deleted_at IS NOT NULL AS is_deleted,
                CASE WHEN o.event_id IS NULL THEN e #> '{1,consumers}' ELSE coalesce(e #> '{1,hearers}' -> o.type, '[]') END AS hear,
                CASE WHEN o.event_id IS NULL OR e #>> '{1,stream}' = o.stream_id || '|' || right(e #>> '{1,stream}', 2)
                    THEN e #>> '{1,stream}' ELSE o.stream_id END AS stream_id,
                coalesce(o.sequence, (e #>> '{1,sequence}')::bigint) AS sequence, coalesce(o.type, e #>> '{1,type}') AS type,
                coalesce(o.subject, e #>> '{1,subject}') AS subject, e #>> '{1,error}' AS error,
                e #>> '{1,error_class}' AS error_class, e #>> '{1,instance}' AS instance, e #>> '{1,event}' AS event
            FROM jsonb_array_elements(these) AS e
                LEFT JOIN LATERAL (SELECT * FROM outbox AS o WHERE o.event_id = e #>> '{1,event_id}' LIMIT 1) AS o ON true
                LEFT JOIN LATERAL (
                    SELECT * FROM account AS a WHERE a.id = coalesce(o.user_id, e #>> '{1,user}') LIMIT 1) AS a ON true
        ), j AS MATERIALIZED (
            SELECT l.*, (SELECT d.place FROM dead_letter AS d WHERE d.event_id = l.event_id LIMIT 1) IS NOT NULL AS is_known, (
                -- The first who has not applied it, of those who act upon it.
                SELECT c.name FROM jsonb_array_elements_text(l.hear) WITH ORDINALITY AS c (name, n)
                WHERE (SELECT i.at FROM inbox AS i WHERE i.consumer = c.name AND i.event_id = l.event_id LIMIT 1) IS NULL
                ORDER BY c.n LIMIT 1) AS waits
            FROM l
        ), k AS MATERIALIZED (
            SELECT j.*, j.consumer IS NULL AND j.waits IS NULL AND coalesce(jsonb_array_length(j.hear), 0) > 0 AS is_repeated, CASE
                WHEN j.is_deleted THEN 'deleted'
                WHEN j.consumer IS NULL AND j.waits IS NULL AND coalesce(jsonb_array_length(j.hear), 0) > 0 THEN 'applied'
                WHEN j.user_id <> '' OR j.is_known THEN 'kept'
                WHEN row_number() OVER (PARTITION BY j.user_id, j.is_known, j.is_deleted ORDER BY j.n) + (
                    SELECT count(*) FROM (
                        SELECT 1 FROM dead_letter AS d WHERE d.user_id = '' AND d.status = 'open' LIMIT 10000) AS nobodys) > 10000
                    THEN 'full'
                ELSE 'kept' END AS becomes
            FROM j
        ), given AS (
            INSERT INTO dead_letter AS d (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class,
                tries, first_at, last_at, instance, status, status_at, event)
            SELECT perennial_uuid7(perennial_keep_letters.at), k.user_id, k.topic, k.event_id, k.consumer, k.stream_id, k.sequence, k.type,
                k.subject, k.error, k.error_class, 1, perennial_keep_letters.at, perennial_keep_letters.at, k.instance, 'open',
                perennial_keep_letters.at, k.event
            FROM k WHERE k.becomes = 'kept' AND k.consumer IS NOT NULL ORDER BY k.n
            ON CONFLICT (event_id, consumer, topic) DO UPDATE SET tries = d.tries + 1, last_at = greatest(d.last_at, excluded.last_at),
                error = excluded.error, error_class = excluded.error_class, instance = excluded.instance,
                status = CASE WHEN d.status IN ('replaying', 'replayed') THEN 'open' ELSE d.status END, status_at = excluded.status_at
        ), copied AS (
            INSERT INTO dead_letter AS d (id, user_id, topic, event_id, consumer, stream_id, sequence, type, subject, error, error_class,
                tries, first_at, last_at, instance, status, status_at, event)
            SELECT perennial_uuid7(perennial_keep_letters.at), k.user_id, k.topic, k.event_id,
                coalesce((
                    SELECT o.consumer FROM dead_letter AS o WHERE o.event_id = k.event_id AND o.topic = k.topic
                    ORDER BY o.consumer LIMIT 1), k.waits, ''),
                k.stream_id, k.sequence, k.type, k.subject, k.error, k.error_class, 1, perennial_keep_letters.at,
                perennial_keep_letters.at, k.instance, 'open', perennial_keep_letters.at, k.event
            FROM k WHERE k.becomes = 'kept' AND k.consumer IS NULL ORDER BY k.n
            ON CONFLICT (event_id, consumer, topic) DO UPDATE SET tries = d.tries + 1, last_at = greatest(d.last_at, excluded.last_at),
                error = excluded.error, error_class = excluded.error_class, instance = excluded.instance,
                status = CASE WHEN d.status = 'replayed' THEN 'open' ELSE d.status END, status_at = excluded.status_at
        ), counted AS (
            INSERT INTO tally AS t (name, part, value)
            SELECT c.name, pg_backend_pid() % 16, count(*) FROM (
                SELECT 'duplicate_events_total{consumer="' || c.name || '"}' AS name
                FROM k CROSS JOIN jsonb_array_elements_text(k.hear) AS c (name) WHERE k.is_repeated
                UNION ALL SELECT 'dlq_dropped_total{topic="' || k.topic || '"}' FROM k WHERE k.becomes = 'full') AS c
            GROUP BY c.name ORDER BY c.name
            ON CONFLICT (name, part) DO UPDATE SET value = t.value + excluded.value
        )
        SELECT array_agg(k.n) AS places, array_agg(k.becomes) AS became INTO more FROM k;
        places := places || more.places;
        became := became || more.became;
    END LOOP;
    RETURN QUERY SELECT b.became FROM unnest(places, became) AS b (n, became) ORDER BY b.n;
END
$$;

-- What became of those that were sent again, at a time: { fence, until, letters: [[place, status, tries, error]], turns: [[stream, pause]] },
-- with times as milliseconds from then. Who was overtaken says nothing, and nothing is said of one that was given up again meanwhile.
CREATE FUNCTION perennial_settle_replays(doc jsonb, at bigint) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
BEGIN
    UPDATE replay SET until = perennial_settle_replays.at + (doc ->> 'until')::bigint
    WHERE one = 1 AND fence = (doc ->> 'fence')::bigint;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM 1 FROM dead_letter AS d WHERE d.place IN (SELECT (e ->> 0)::bigint FROM jsonb_array_elements(doc -> 'letters') AS e)
    ORDER BY d.place FOR NO KEY UPDATE;
    UPDATE dead_letter AS d SET status = e ->> 1, status_at = perennial_settle_replays.at, replay_tries = (e ->> 2)::bigint,
        error = coalesce(e ->> 3, d.error),
        last_at = CASE WHEN e ->> 3 IS NULL THEN d.last_at ELSE greatest(d.last_at, perennial_settle_replays.at) END
    FROM jsonb_array_elements(doc -> 'letters') AS e
    WHERE d.place = (e ->> 0)::bigint AND coalesce(d.status = 'replaying', false);
    PERFORM 1 FROM replay_stream AS r WHERE r.stream_id IN (SELECT e ->> 0 FROM jsonb_array_elements(doc -> 'turns') AS e)
    ORDER BY r.stream_id FOR NO KEY UPDATE;
    UPDATE replay_stream AS r SET turn_at = perennial_settle_replays.at + (e ->> 1)::bigint
    FROM jsonb_array_elements(doc -> 'turns') AS e WHERE r.stream_id = e ->> 0;
END
$$;

-- Of the streams of deleted users [user] what nobody needs any more once none of their events is left: lanes, topics, and the stream
-- itself. Where it stands for a chain too, that stays. Whoever may still publish it is overtaken with this; one to which somebody writes
-- right now is left for another time.
CREATE FUNCTION perennial_leave_streams(users text[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    locked text[];
BEGIN
    locked := ARRAY(SELECT s.id FROM stream AS s WHERE s.id = ANY (users) ORDER BY s.id FOR UPDATE SKIP LOCKED);
    locked := ARRAY(
        SELECT u.id FROM unnest(users) AS u (id)
        WHERE (u.id = ANY (locked) OR NOT EXISTS (SELECT 1 FROM stream AS s WHERE s.id = u.id))
            AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.stream_id = u.id));
    DELETE FROM stream_topic AS t WHERE t.stream_id = ANY (locked);
    DELETE FROM hot_lane AS h WHERE h.stream_id = ANY (locked);
    DELETE FROM stream AS s WHERE s.id = ANY (locked) AND s.audited = 0;
    UPDATE stream AS s SET published = s.sequence, relay_at = NULL, relay_by = NULL, relay_tries = 0, fence = s.fence + 1
    WHERE s.id = ANY (locked) AND (s.relay_at IS NOT NULL OR s.published < s.sequence OR s.relay_tries > 0);
END
$$;

-- How often notifications came to which end. What counts is written all the time, in place as long as there is room beside it.
ALTER TABLE tally SET (fillfactor = 50);
-- Who counts in a part has it until the end of their transaction: two that count several things in different order do not wait for each other.
CREATE FUNCTION perennial_count_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('perennial: tally', pg_backend_pid() % 16));
    INSERT INTO tally AS t (name, part, value)
    SELECT 'notifications_total{state="' || c.now || '"}', pg_backend_pid() % 16, count(*)
    FROM (
        SELECT max(b.now) AS now FROM (
            SELECT n.id, n.state AS now, NULL AS was FROM changed AS n WHERE n.state <> 'pending'
            UNION ALL SELECT o.id, NULL, o.state FROM stood AS o WHERE o.state = 'pending') AS b
        GROUP BY b.id HAVING max(b.was) = 'pending' AND max(b.now) <> 'pending') AS c
    GROUP BY c.now ORDER BY 1
    ON CONFLICT (name, part) DO UPDATE SET value = t.value + excluded.value;
    RETURN NULL;
END
$$;
CREATE TRIGGER notification_ended AFTER UPDATE ON notification REFERENCING OLD TABLE AS stood NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION perennial_count_ended();
CREATE TRIGGER notice_ended AFTER UPDATE ON notice REFERENCING OLD TABLE AS stood NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION perennial_count_ended();
