-- The lists of work: how `work` follows what it stands for, how `lane` follows `work`, and how work is claimed and settled.
--
-- Whoever changes a user's work holds the lock of the user's stream: a commit, a settlement. Claims hold none: they lock lanes and items
-- that nobody else has locked, pass over the others and wait for nobody. So none waits in a circle.
--
-- `lane.next_at` is never later than the first that waits in the lane. Whoever has changed work looks at its lane with the lane locked, in
-- a statement that begins after that and so sees what others have committed by then. It may be earlier for a while, where two take away
-- from one lane at once: then a claim finds nothing there, and puts it right.
--
-- Plans are made once in a session, perhaps on the first day: what is asked of a large table is asked by an index, and of several rows one
-- by one (LATERAL), so that none is good for few rows alone. What is seldom asked is planned each time.

CREATE INDEX work_given_up ON work (id) WHERE parked_at IS NOT NULL;

-- Rows of lists are written and taken away all the time.
ALTER TABLE work SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE lane SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, fillfactor = 80);

-- Work that has left a place where it waited. `ended`: it was claimed, and is no more.
CREATE TYPE perennial_left AS (kind text, again boolean, lane text, user_id text, at bigint, ended boolean);

-- What becomes of lanes that work has left: when they have something next; and a hold that was for a claim is over with the last of its
-- items. Another endpoint of a user who has one attempt less under way need not wait any longer.
CREATE FUNCTION perennial_lanes_left(gone perennial_left[]) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    place record;
    one perennial_left;
    owner record;
    next bigint;
    held bigint;
    notified boolean := false;
BEGIN
    FOR place IN
        SELECT p.kind, p.again, p.lane, p.at, p.leases, l.next_at, l.hold_until, l.served_at
        FROM (
            SELECT p.kind, p.again, p.lane, min(p.at) AS at, array_agg(p.lease) AS leases
            FROM (
                SELECT kind, again, lane, at, NULL::bigint AS lease FROM unnest(gone)
                UNION ALL
                SELECT u.kind, a.again, u.lane, NULL, u.at FROM unnest(gone) AS u, (VALUES (false), (true)) AS a (again) WHERE u.ended
            ) AS p
            GROUP BY p.kind, p.again, p.lane ORDER BY p.kind, p.again, p.lane
        ) AS p
        CROSS JOIN LATERAL (
            SELECT * FROM lane AS l
            WHERE l.kind = p.kind AND l.again = p.again AND l.lane = p.lane AND (l.next_at >= p.at OR l.hold_until = ANY (p.leases))
            FOR UPDATE) AS l
    LOOP
        next := place.next_at;
        IF next >= place.at THEN
            next := (
                SELECT wake_at FROM work
                WHERE kind = place.kind AND again = place.again AND lane = place.lane AND wake_at IS NOT NULL
                ORDER BY wake_at LIMIT 1);
        END IF;
        held := place.hold_until;
        IF held = ANY (place.leases) THEN
            IF NOT EXISTS (SELECT 1 FROM work WHERE kind = place.kind AND again AND lane = place.lane AND wake_at = held) THEN
                held := place.served_at;
            END IF;
        END IF;
        IF next IS DISTINCT FROM place.next_at OR held <> place.hold_until THEN
            UPDATE lane SET next_at = next, hold_until = held
            WHERE kind = place.kind AND again = place.again AND lane = place.lane;
        END IF;
    END LOOP;
    FOREACH one IN ARRAY gone LOOP
        notified := notified OR (one.ended AND one.kind = 'notification');
    END LOOP;
    IF NOT notified THEN
        RETURN;
    END IF;
    FOR owner IN
        SELECT u.user_id, max((
            SELECT l.served_at FROM lane AS l WHERE l.kind = 'notification' AND NOT l.again AND l.lane = u.lane)) AS served_at
        FROM unnest(gone) AS u
        WHERE u.ended AND u.kind = 'notification' GROUP BY u.user_id ORDER BY u.user_id
    LOOP
        -- A claim that has counted this one among those under way says before it whom it lets wait, or counts after it.
        PERFORM pg_advisory_xact_lock(hashtextextended('perennial: endpoints of ' || owner.user_id, 0));
        FOR place IN
            SELECT c.id FROM channel AS c CROSS JOIN LATERAL (
                SELECT 1 FROM lane AS l WHERE l.kind = 'notification' AND NOT l.again AND l.lane = c.id AND l.waits LIMIT 1) AS waiting
            WHERE c.user_id = owner.user_id AND c.deleted_at IS NULL
        LOOP
            UPDATE lane SET waits = false, hold_until = coalesce(owner.served_at, served_at)
            WHERE kind = 'notification' AND NOT again AND lane = place.id AND waits;
        END LOOP;
    END LOOP;
END $$;

-- How lanes follow work. A lane's row is written once for all that one statement does to its work. Claims see to their lanes themselves.

CREATE FUNCTION perennial_work_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lane (kind, again, lane, next_at)
    SELECT kind, again, lane, min(wake_at) FROM made WHERE wake_at IS NOT NULL AND kind <> 'event'
    GROUP BY kind, again, lane ORDER BY kind, again, lane
    ON CONFLICT (kind, again, lane) DO UPDATE SET next_at = excluded.next_at
    WHERE lane.next_at IS NULL OR lane.next_at > excluded.next_at;
    RETURN NULL;
END $$;
CREATE TRIGGER work_made AFTER INSERT ON work REFERENCING NEW TABLE AS made
FOR EACH STATEMENT EXECUTE FUNCTION perennial_work_made();

CREATE FUNCTION perennial_work_moved() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    ended bigint[];
    gone perennial_left[];
BEGIN
    INSERT INTO lane (kind, again, lane, next_at)
    SELECT kind, again, lane, min(wake_at)
    FROM (
        SELECT id, kind, again, lane, wake_at FROM after
        EXCEPT ALL
        SELECT id, kind, again, lane, wake_at FROM before
    ) AS come
    WHERE wake_at IS NOT NULL AND kind <> 'event'
    GROUP BY kind, again, lane ORDER BY kind, again, lane
    ON CONFLICT (kind, again, lane) DO UPDATE SET next_at = excluded.next_at
    WHERE lane.next_at IS NULL OR lane.next_at > excluded.next_at;
    ended := ARRAY(SELECT id FROM before WHERE again EXCEPT ALL SELECT id FROM after WHERE again);
    gone := ARRAY(
        SELECT ROW (kind, again, lane, user_id, wake_at, id = ANY (ended))::perennial_left
        FROM (
            SELECT id, kind, again, lane, user_id, wake_at FROM before
            EXCEPT ALL
            SELECT id, kind, again, lane, user_id, wake_at FROM after
        ) AS left_there
        WHERE kind <> 'event');
    IF gone <> '{}' THEN
        PERFORM perennial_lanes_left(gone);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER work_moved AFTER UPDATE ON work REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT WHEN (current_setting('perennial.claims', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION perennial_work_moved();

CREATE FUNCTION perennial_work_gone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone perennial_left[] := ARRAY(
        SELECT ROW (kind, again, lane, user_id, wake_at, again)::perennial_left FROM before WHERE kind <> 'event');
BEGIN
    IF gone <> '{}' THEN
        PERFORM perennial_lanes_left(gone);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER work_gone AFTER DELETE ON work REFERENCING OLD TABLE AS before
FOR EACH STATEMENT EXECUTE FUNCTION perennial_work_gone();

-- Whether an endpoint answered promptly last time: `failures` says how the last attempt ended, 0 so, -1 slowly, else the attempts in a row
-- that hung.
CREATE FUNCTION perennial_endpoint_judged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.proven := (NEW.failures = 0);
    RETURN NEW;
END $$;
CREATE TRIGGER endpoint_judged BEFORE UPDATE OF failures ON lane
FOR EACH ROW WHEN (NEW.kind = 'notification') EXECUTE FUNCTION perennial_endpoint_judged();

-- Where one endpoint of a user hung, the others that have not shown better come after those of other users: five seconds later at first, a
-- minute at most.
CREATE FUNCTION perennial_endpoint_hung() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    until bigint := least(NEW.hold_until - 10000, NEW.served_at + 75000);
    other record;
BEGIN
    FOR other IN
        SELECT c.id FROM channel AS c
        WHERE c.user_id = (SELECT user_id FROM channel WHERE id = NEW.lane) AND c.deleted_at IS NULL AND c.id <> NEW.lane
    LOOP
        UPDATE lane SET hold_until = until
        WHERE kind = 'notification' AND NOT again AND lane = other.id AND NOT proven AND hold_until < until;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER endpoint_hung AFTER UPDATE OF failures ON lane
FOR EACH ROW WHEN (NEW.kind = 'notification' AND NOT NEW.again AND NEW.failures > 0) EXECUTE FUNCTION perennial_endpoint_hung();

-- Reminders: alarms that are armed.

CREATE FUNCTION perennial_alarm_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at)
    SELECT 'reminder', user_id, user_id, task_id, recurrence_id, reminder_id, fire_at FROM made WHERE state = 'armed'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER alarm_made AFTER INSERT ON alarm REFERENCING NEW TABLE AS made
FOR EACH STATEMENT EXECUTE FUNCTION perennial_alarm_made();

CREATE TYPE perennial_alarm AS (task_id text, recurrence_id text, reminder_id text);

-- What was sent for an instant is not sent for it again: an alarm that is set to one has fired.
CREATE FUNCTION perennial_alarm_set() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    ended bigint[];
    sent perennial_alarm[];
    one perennial_alarm;
BEGIN
    ended := ARRAY(
        SELECT w.id
        FROM (
            SELECT task_id, recurrence_id, reminder_id FROM before WHERE state = 'armed'
            EXCEPT ALL
            SELECT task_id, recurrence_id, reminder_id FROM after WHERE state = 'armed'
        ) AS o
        CROSS JOIN LATERAL (
            SELECT id FROM work
            WHERE task_id = o.task_id AND kind = 'reminder' AND recurrence_id = o.recurrence_id AND item = o.reminder_id LIMIT 1) AS w);
    IF ended <> '{}' THEN
        DELETE FROM work WHERE id = ANY (ended);
    END IF;
    IF NOT EXISTS (SELECT 1 FROM after WHERE state = 'armed') THEN
        RETURN NULL;
    END IF;
    sent := ARRAY(
        SELECT ROW (a.task_id, a.recurrence_id, a.reminder_id)::perennial_alarm
        FROM (
            SELECT task_id, recurrence_id, reminder_id, fire_at FROM after WHERE state = 'armed'
            EXCEPT ALL
            SELECT task_id, recurrence_id, reminder_id, fire_at FROM before WHERE state = 'armed'
        ) AS a
        CROSS JOIN LATERAL (
            SELECT 1 FROM notification AS n
            WHERE n.task_id = a.task_id AND n.recurrence_id = a.recurrence_id AND n.reminder_id = a.reminder_id
                AND n.fire_at = a.fire_at LIMIT 1) AS n);
    FOREACH one IN ARRAY sent LOOP
        UPDATE alarm SET state = 'fired'
        WHERE task_id = one.task_id AND recurrence_id = one.recurrence_id AND reminder_id = one.reminder_id;
    END LOOP;
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at)
    SELECT 'reminder', user_id, user_id, task_id, recurrence_id, reminder_id, fire_at
    FROM (
        SELECT user_id, task_id, recurrence_id, reminder_id, fire_at FROM after WHERE state = 'armed'
        EXCEPT ALL
        SELECT user_id, task_id, recurrence_id, reminder_id, fire_at FROM before WHERE state = 'armed'
    ) AS armed
    WHERE NOT EXISTS (
        SELECT 1 FROM unnest(sent) AS s
        WHERE s.task_id = armed.task_id AND s.recurrence_id = armed.recurrence_id AND s.reminder_id = armed.reminder_id)
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET wake_at = excluded.wake_at, tries = 0, unsettled = 0,
        reason = NULL, parked_at = NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER alarm_set AFTER UPDATE ON alarm REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION perennial_alarm_set();

-- Successors: occurrences that are owed one, at once or when they are due; and zones: open ones that are to be laid on newer zone data.

CREATE FUNCTION perennial_occurrence_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM made WHERE succession IN ('pending', 'due')) THEN
        RETURN NULL;
    END IF;
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at, reason, parked_at)
    SELECT 'successor', user_id, user_id, task_id, recurrence_id, CASE succession WHEN 'due' THEN due_at ELSE 0 END,
        CASE WHEN succession = 'due' AND due_at IS NULL THEN 'its next occurrence comes when it is due, and it has no due date' END,
        CASE WHEN succession = 'due' AND due_at IS NULL THEN perennial_now(NULL) END
    FROM made WHERE succession IN ('pending', 'due')
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER occurrence_made AFTER INSERT ON occurrence REFERENCING NEW TABLE AS made
FOR EACH STATEMENT EXECUTE FUNCTION perennial_occurrence_made();

CREATE FUNCTION perennial_occurrence_set() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    ended bigint[];
BEGIN
    ended := ARRAY(
        SELECT w.id
        FROM (
            SELECT task_id, recurrence_id FROM before WHERE succession IN ('pending', 'due')
            EXCEPT ALL
            SELECT task_id, recurrence_id FROM after WHERE succession IN ('pending', 'due')
        ) AS o
        CROSS JOIN LATERAL (
            SELECT id FROM work
            WHERE task_id = o.task_id AND kind = 'successor' AND recurrence_id = o.recurrence_id AND item = '' LIMIT 1) AS w);
    IF ended <> '{}' THEN
        DELETE FROM work WHERE id = ANY (ended);
    END IF;
    IF EXISTS (SELECT 1 FROM after WHERE succession IN ('pending', 'due')) THEN
        INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at, reason, parked_at)
        SELECT 'successor', user_id, user_id, task_id, recurrence_id, CASE succession WHEN 'due' THEN due_at ELSE 0 END,
            CASE WHEN succession = 'due' AND due_at IS NULL THEN 'its next occurrence comes when it is due, and it has no due date' END,
            CASE WHEN succession = 'due' AND due_at IS NULL THEN perennial_now(NULL) END
        FROM (
            SELECT user_id, task_id, recurrence_id, succession, due_at FROM after WHERE succession IN ('pending', 'due')
            EXCEPT ALL
            SELECT user_id, task_id, recurrence_id, succession, due_at FROM before
        ) AS owes
        ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET wake_at = excluded.wake_at, tries = 0, unsettled = 0,
            reason = excluded.reason, parked_at = excluded.parked_at;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM before WHERE zone_offered IS NOT NULL UNION ALL SELECT 1 FROM after WHERE zone_offered IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    ended := ARRAY(
        SELECT w.id
        FROM (
            SELECT task_id, recurrence_id FROM before WHERE zone_offered IS NOT NULL
            EXCEPT ALL
            SELECT task_id, recurrence_id FROM after WHERE status = 'open' AND (zone_offered IS NULL OR zone_offered > tzdata)
        ) AS o
        CROSS JOIN LATERAL (
            SELECT id FROM work
            WHERE task_id = o.task_id AND kind = 'zone' AND recurrence_id = o.recurrence_id AND item = '' LIMIT 1) AS w);
    IF ended <> '{}' THEN
        DELETE FROM work WHERE id = ANY (ended);
    END IF;
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, wake_at)
    SELECT 'zone', user_id, user_id, task_id, recurrence_id, 0
    FROM (
        SELECT user_id, task_id, recurrence_id, zone_offered FROM after WHERE zone_offered > tzdata
        EXCEPT ALL
        SELECT user_id, task_id, recurrence_id, zone_offered FROM before
    ) AS offered
    ON CONFLICT (task_id, kind, recurrence_id, item) DO UPDATE SET wake_at = excluded.wake_at, tries = 0, unsettled = 0,
        reason = NULL, parked_at = NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER occurrence_set AFTER UPDATE ON occurrence REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION perennial_occurrence_set();

-- One that was laid on newer zone data and now lies on older ones, or is open again, is taken up once more.
CREATE FUNCTION perennial_occurrence_behind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.zone_offered := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER occurrence_behind BEFORE UPDATE OF tzdata, status ON occurrence FOR EACH ROW
WHEN (NEW.status = 'open' AND NEW.tzdata < NEW.zone_offered AND (NEW.tzdata < OLD.tzdata OR OLD.status <> 'open'))
EXECUTE FUNCTION perennial_occurrence_behind();

-- Notifications: those of reminders, and notices, whose work belongs to no task, whose end would take it along: their own id stands in that
-- place.

CREATE FUNCTION perennial_notification_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM made WHERE state = 'pending') THEN
        RETURN NULL;
    END IF;
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at, tries)
    SELECT 'notification', user_id, channel_id, task_id, recurrence_id, id, coalesce(next_attempt_at, 0), attempts
    FROM made WHERE state = 'pending'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER notification_made AFTER INSERT ON notification REFERENCING NEW TABLE AS made
FOR EACH STATEMENT EXECUTE FUNCTION perennial_notification_made();

CREATE FUNCTION perennial_notification_set() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    ended bigint[];
    waits record;
BEGIN
    ended := ARRAY(
        SELECT w.id
        FROM (
            SELECT task_id, recurrence_id, id FROM before WHERE state = 'pending'
            EXCEPT ALL
            SELECT task_id, recurrence_id, id FROM after WHERE state = 'pending'
        ) AS o
        CROSS JOIN LATERAL (
            SELECT w.id FROM work AS w
            WHERE w.task_id = o.task_id AND w.kind = 'notification' AND w.recurrence_id = o.recurrence_id AND w.item = o.id LIMIT 1) AS w);
    IF ended <> '{}' THEN
        DELETE FROM work WHERE id = ANY (ended);
    END IF;
    FOR waits IN
        SELECT w.id, o.next_attempt_at
        FROM (
            SELECT task_id, recurrence_id, id, next_attempt_at, attempts FROM after WHERE state = 'pending'
            EXCEPT ALL
            SELECT task_id, recurrence_id, id, next_attempt_at, attempts FROM before
        ) AS o
        CROSS JOIN LATERAL (
            SELECT w.id FROM work AS w
            WHERE w.task_id = o.task_id AND w.kind = 'notification' AND w.recurrence_id = o.recurrence_id AND w.item = o.id
            LIMIT 1) AS w
    LOOP
        UPDATE work SET wake_at = waits.next_attempt_at, unsettled = 0
        WHERE id = waits.id AND wake_at IS DISTINCT FROM waits.next_attempt_at;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER notification_set AFTER UPDATE ON notification REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION perennial_notification_set();

CREATE FUNCTION perennial_notice_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO work (kind, user_id, lane, task_id, recurrence_id, item, wake_at)
    SELECT 'notification', user_id, channel_id, id, '', id, coalesce(next_attempt_at, 0) FROM made WHERE state = 'pending'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER notice_made AFTER INSERT ON notice REFERENCING NEW TABLE AS made
FOR EACH STATEMENT EXECUTE FUNCTION perennial_notice_made();

CREATE FUNCTION perennial_notice_set() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    ended bigint[];
    waits record;
BEGIN
    ended := ARRAY(
        SELECT w.id
        FROM (
            SELECT id FROM before WHERE state = 'pending' EXCEPT ALL SELECT id FROM after WHERE state = 'pending'
        ) AS o
        CROSS JOIN LATERAL (
            SELECT w.id FROM work AS w
            WHERE w.task_id = o.id AND w.kind = 'notification' AND w.recurrence_id = '' AND w.item = o.id LIMIT 1) AS w);
    IF ended <> '{}' THEN
        DELETE FROM work WHERE id = ANY (ended);
    END IF;
    FOR waits IN
        SELECT w.id, o.next_attempt_at
        FROM (
            SELECT id, next_attempt_at, attempts FROM after WHERE state = 'pending'
            EXCEPT ALL
            SELECT id, next_attempt_at, attempts FROM before
        ) AS o
        CROSS JOIN LATERAL (
            SELECT w.id FROM work AS w
            WHERE w.task_id = o.id AND w.kind = 'notification' AND w.recurrence_id = '' AND w.item = o.id LIMIT 1) AS w
    LOOP
        UPDATE work SET wake_at = waits.next_attempt_at, unsettled = 0
        WHERE id = waits.id AND wake_at IS DISTINCT FROM waits.next_attempt_at;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER notice_set AFTER UPDATE ON notice REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION perennial_notice_set();

CREATE FUNCTION perennial_notice_gone() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    ended bigint[];
BEGIN
    ended := ARRAY(
        SELECT w.id
        FROM before AS o
        CROSS JOIN LATERAL (
            SELECT w.id FROM work AS w
            WHERE w.task_id = o.id AND w.kind = 'notification' AND w.recurrence_id = '' AND w.item = o.id LIMIT 1) AS w
        WHERE o.state = 'pending');
    IF ended <> '{}' THEN
        DELETE FROM work WHERE id = ANY (ended);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER notice_gone AFTER DELETE ON notice REFERENCING OLD TABLE AS before
FOR EACH STATEMENT EXECUTE FUNCTION perennial_notice_gone();

-- What there is to do: which kinds of work have something due, of one shard or of all, each with whether it was claimed before and never
-- settled, which comes last; whether occurrences lie on older zone data than `version`, events wait to be published, holds or leases lie
-- further ahead than any is made (the furthest of each sort says it), and tasks have no words.
CREATE FUNCTION perennial_due(
    told bigint, version text, of_shard bigint,
    OUT kinds json, OUT zones boolean, OUT relay boolean, OUT ahead boolean, OUT words boolean
) STABLE LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
    at bigint := perennial_now(told);
BEGIN
    kinds := (
        SELECT coalesce(json_agg(json_build_array(k.kind, k.again::int) ORDER BY k.again, k.place), '[]')
        FROM (
            SELECT n.kind, n.place, b.again
            FROM unnest('{successor,reminder,zone,notification}'::text[]) WITH ORDINALITY AS n (kind, place),
                (VALUES (false), (true)) AS b (again)
        ) AS k
        WHERE CASE WHEN of_shard IS NULL
            THEN EXISTS (
                SELECT 1 FROM (VALUES (false), (true)) AS p (proven)
                JOIN lane AS l ON l.kind = k.kind AND l.again = k.again AND l.proven = p.proven AND l.ready_at <= at)
            ELSE EXISTS (
                SELECT 1 FROM lane AS l WHERE l.kind = k.kind AND l.again = k.again AND l.shard = of_shard AND l.ready_at <= at)
            END);
    zones := EXISTS (SELECT 1 FROM occurrence WHERE status = 'open' AND zone_seen < version COLLATE "C")
        OR EXISTS (SELECT 1 FROM zone_change);
    relay := EXISTS (
        SELECT 1 FROM generate_series(coalesce(of_shard, 0), coalesce(of_shard, 15)) AS s (shard)
        JOIN stream AS w ON w.shard = s.shard AND w.relay_at <= at);
    ahead := EXISTS (SELECT 1 FROM lane WHERE failures <= 0 AND hold_until > at + 120000)
        OR EXISTS (SELECT 1 FROM lane WHERE failures > 0 AND hold_until > at + 3700000)
        OR EXISTS (
            SELECT 1 FROM generate_series(0::bigint, 15) AS s (shard)
            JOIN stream AS w ON w.shard = s.shard AND w.relay_at > at + 120000)
        OR EXISTS (SELECT 1 FROM replay_stream WHERE turn_at > at + 120000)
        OR EXISTS (
            SELECT 1 FROM unnest('{successor,reminder,zone,notification}'::text[]) AS k (kind), (VALUES (false), (true)) AS p (proven)
            CROSS JOIN LATERAL (
                SELECT l.next_at FROM lane AS l
                WHERE l.kind = k.kind AND l.again AND l.proven = p.proven AND l.ready_at > at + 120000
                ORDER BY l.ready_at DESC LIMIT 1000) AS furthest
            WHERE furthest.next_at > at + 120000);
    words := EXISTS (SELECT 1 FROM task WHERE NOT has_words AND deleted_at IS NULL);
END $$;

-- Claims.

-- What a claim tells of an item that it has taken: not a row of the table, which has more columns from one version to the next. A session that
-- has claimed before would not know them.
CREATE TYPE perennial_taken AS (
    id bigint, claim text, tries bigint, user_id text, task_id text, recurrence_id text, item text, kind text, lane text
);

-- Takes what is due of these lanes, which the caller has locked: `per_lane` of each, lane by lane. What was claimed `most` times and never
-- settled is given up instead.
CREATE FUNCTION perennial_take(
    by_claim text, of_kind text, begun boolean, at bigint, lease_for bigint, hold_for bigint, per_lane bigint, most bigint, lanes text[]
) RETURNS SETOF perennial_taken LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
    items bigint[];
BEGIN
    PERFORM set_config('perennial.claims', 'on', true);
    -- What is taken waits in the lane of what was begun before: a lane is left alone while another is at that.
    IF NOT begun THEN
        INSERT INTO lane (kind, again, lane)
        SELECT of_kind, true, o.lane FROM unnest(lanes) AS o (lane) ORDER BY o.lane COLLATE "C" ON CONFLICT DO NOTHING;
        lanes := ARRAY(
            SELECT l.lane FROM unnest(lanes) AS o (lane) CROSS JOIN LATERAL (
                SELECT lane FROM lane WHERE kind = of_kind AND again AND lane.lane = o.lane FOR UPDATE SKIP LOCKED) AS l);
    ELSE
        UPDATE work SET wake_at = NULL, parked_at = at, reason = 'it was begun again and again and never finished'
        WHERE id = ANY (ARRAY(
            SELECT w.id FROM unnest(lanes) AS o (lane) CROSS JOIN LATERAL (
                SELECT id, unsettled FROM work
                WHERE kind = of_kind AND again AND work.lane = o.lane AND wake_at <= at
                ORDER BY wake_at LIMIT per_lane FOR UPDATE SKIP LOCKED) AS w
            WHERE w.unsettled >= most));
    END IF;
    items := ARRAY(
        SELECT w.id FROM unnest(lanes) AS o (lane) CROSS JOIN LATERAL (
            SELECT id, wake_at FROM work
            WHERE kind = of_kind AND again = begun AND work.lane = o.lane AND wake_at <= at
            ORDER BY wake_at LIMIT per_lane FOR UPDATE SKIP LOCKED) AS w
        ORDER BY o.lane COLLATE "C", w.wake_at, w.id);
    UPDATE work SET claim = by_claim, wake_at = at + lease_for, tries = tries + 1, unsettled = unsettled + 1 WHERE id = ANY (items);
    UPDATE lane AS l SET claim = by_claim, served_at = at, hold_until = greatest(l.hold_until, at + hold_for), waits = false, next_at = (
        SELECT w.wake_at FROM work AS w
        WHERE w.kind = l.kind AND w.again = l.again AND w.lane = l.lane AND w.wake_at IS NOT NULL ORDER BY w.wake_at LIMIT 1)
    WHERE l.ctid = ANY (ARRAY(
        SELECT s.place FROM unnest(lanes) AS o (lane) CROSS JOIN LATERAL (
            SELECT ctid AS place FROM lane WHERE kind = of_kind AND again = begun AND lane.lane = o.lane LIMIT 1) AS s));
    IF NOT begun THEN
        UPDATE lane AS l SET next_at = at + lease_for
        WHERE (l.next_at IS NULL OR l.next_at > at + lease_for) AND l.ctid = ANY (ARRAY(
            SELECT s.place
            FROM (SELECT DISTINCT w.lane FROM work AS w WHERE w.id = ANY (items)) AS o
            CROSS JOIN LATERAL (
                SELECT ctid AS place FROM lane WHERE kind = of_kind AND again AND lane.lane = o.lane LIMIT 1) AS s));
    END IF;
    PERFORM set_config('perennial.claims', '', true);
    RETURN QUERY
        SELECT w.id, w.claim, w.tries, w.user_id, w.task_id, w.recurrence_id, w.item, w.kind, w.lane
        FROM unnest(items) WITH ORDINALITY AS i (id, place) JOIN work AS w ON w.id = i.id ORDER BY i.place;
END $$;

-- Waits a moment for the lane that has been due for longest, where that is over two seconds: whoever writes all the time has it locked most
-- of the time, and it would be passed over for ever. Nothing else is locked yet, so nobody waits for this.
CREATE FUNCTION perennial_wait_for_a_lane(of_kind text, begun boolean, of_shard bigint, at bigint) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET lock_timeout = '100ms' AS $$
DECLARE
    longest text;
BEGIN
    IF of_shard IS NULL THEN
        longest := (
            SELECT r.lane FROM (VALUES (false), (true)) AS p (proven) CROSS JOIN LATERAL (
                SELECT l.lane, l.ready_at FROM lane AS l
                WHERE l.kind = of_kind AND l.again = begun AND l.proven = p.proven AND l.ready_at < at - 2000
                ORDER BY l.ready_at LIMIT 1) AS r
            ORDER BY r.ready_at LIMIT 1);
    ELSE
        longest := (
            SELECT l.lane FROM lane AS l
            WHERE l.kind = of_kind AND l.again = begun AND l.shard = of_shard AND l.ready_at < at - 2000
            ORDER BY l.ready_at LIMIT 1);
    END IF;
    IF longest IS NOT NULL THEN
        PERFORM 1 FROM lane AS l WHERE l.kind = of_kind AND l.again = begun AND l.lane = longest FOR UPDATE;
    END IF;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    NULL;
END $$;

-- Claims work of a kind: of the lanes that have waited longest, `per_lane` items each. Who claims has `lease_for` milliseconds; then
-- another may. A lane is held for `hold_for`, so that it is served in turn.
CREATE FUNCTION perennial_claim(
    by_claim text, of_kind text, begun boolean, told bigint, lease_for bigint, hold_for bigint, most_lanes bigint, per_lane bigint,
    most bigint, of_shard bigint
) RETURNS SETOF perennial_taken LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
    at bigint := perennial_now(told);
    lanes text[];
BEGIN
    -- A claim that is lost with the server is one that nobody has made. An attempt is told to others: it must not be made twice for that.
    IF of_kind <> 'notification' THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    PERFORM perennial_wait_for_a_lane(of_kind, begun, of_shard, at);
    IF of_shard IS NULL THEN
        lanes := ARRAY(
            SELECT r.lane FROM (VALUES (false), (true)) AS p (proven) CROSS JOIN LATERAL (
                SELECT l.lane, l.ready_at FROM lane AS l
                WHERE l.kind = of_kind AND l.again = begun AND l.proven = p.proven AND l.ready_at <= at
                ORDER BY l.ready_at LIMIT most_lanes FOR UPDATE SKIP LOCKED) AS r
            ORDER BY r.ready_at LIMIT most_lanes);
    ELSE
        lanes := ARRAY(
            SELECT l.lane FROM lane AS l
            WHERE l.kind = of_kind AND l.again = begun AND l.shard = of_shard AND l.ready_at <= at
            ORDER BY l.ready_at LIMIT most_lanes FOR UPDATE SKIP LOCKED);
    END IF;
    IF lanes <> '{}' THEN
        RETURN QUERY SELECT * FROM perennial_take(by_claim, of_kind, begun, at, lease_for, hold_for, per_lane, most, lanes);
    END IF;
END $$;

-- How many endpoints of a user have an attempt under way, of those that answered promptly last time or of the others.
CREATE FUNCTION perennial_under_way(of_user text, are_proven boolean, at bigint) RETURNS bigint STABLE LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM channel AS c
        WHERE c.user_id = of_user AND c.deleted_at IS NULL
            AND (SELECT l.proven = are_proven FROM lane AS l WHERE l.kind = 'notification' AND NOT l.again AND l.lane = c.id)
            AND (SELECT w.wake_at FROM work AS w
                 WHERE w.kind = 'notification' AND w.again AND w.lane = c.id AND w.wake_at IS NOT NULL
                 ORDER BY w.wake_at DESC LIMIT 1) > at);
END $$;

-- Claims notifications that were not begun before, of each class of endpoints a share. Of the endpoints that have waited longest: as many
-- of each user as `per_user` leaves, a user with none under way first. The other endpoints of a user who was served go to the end of the
-- round; those of one who has enough under way step aside until an attempt of that user has ended.
--
-- Of two claims at once, one counts what a user has under way, and the other leaves that user alone.
CREATE FUNCTION perennial_claim_shares(by_claim text, told bigint, lease_for bigint, hold_for bigint, shares jsonb)
RETURNS SETOF perennial_taken LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
    at bigint := perennial_now(told);
    share record;
    chosen text[];
    owners text[];
    full_up text[];
    mine text[];
BEGIN
    FOR share IN
        SELECT s.proven, s.lanes, s.per_lane, s.per_user
        FROM jsonb_to_recordset(shares) AS s (proven boolean, lanes bigint, per_lane bigint, per_user bigint)
        WHERE s.lanes > 0
    LOOP
        WITH ready AS MATERIALIZED (
            SELECT l.lane, l.ready_at FROM lane AS l
            WHERE l.kind = 'notification' AND NOT l.again AND l.proven = share.proven AND l.ready_at <= at
            ORDER BY l.ready_at LIMIT greatest(128, share.lanes * 4)
        ), owned AS MATERIALIZED (
            SELECT r.lane, r.ready_at, o.owner, row_number() OVER (PARTITION BY o.owner ORDER BY r.ready_at) AS nth
            FROM ready AS r CROSS JOIN LATERAL (
                SELECT coalesce((SELECT c.user_id FROM channel AS c WHERE c.id = r.lane), r.lane) AS owner) AS o
        ), counted AS MATERIALIZED (
            SELECT lane, ready_at, owner, nth, max(CASE WHEN nth = 1 THEN perennial_under_way(owner, share.proven, at) END)
                OVER (PARTITION BY owner) AS under_way
            FROM owned
        ), in_turn AS MATERIALIZED (
            SELECT lane, owner FROM counted WHERE nth + under_way <= share.per_user ORDER BY nth + under_way, ready_at
        ), locked AS MATERIALIZED (
            SELECT lane, owner FROM in_turn
            WHERE pg_try_advisory_xact_lock(hashtextextended('perennial: endpoints of ' || owner, 0)) LIMIT share.lanes
        ), at_rest AS MATERIALIZED (
            SELECT owner FROM counted WHERE nth = 1 AND under_way >= share.per_user ORDER BY ready_at
        ), aside AS MATERIALIZED (
            SELECT owner FROM at_rest
            WHERE pg_try_advisory_xact_lock(hashtextextended('perennial: endpoints of ' || owner, 0)) LIMIT 128
        )
        SELECT ARRAY(SELECT lane FROM locked), ARRAY(SELECT owner FROM locked), ARRAY(SELECT owner FROM aside)
        INTO chosen, owners, full_up;

        -- Counted once more, now that nobody else claims for them.
        mine := ARRAY(
            SELECT lane FROM (
                SELECT lane, place, nth + max(CASE WHEN nth = 1 THEN perennial_under_way(owner, share.proven, at) END)
                    OVER (PARTITION BY owner) AS turn
                FROM (
                    SELECT lane, owner, place, row_number() OVER (PARTITION BY owner ORDER BY place) AS nth
                    FROM unnest(chosen, owners) WITH ORDINALITY AS c (lane, owner, place)) AS n) AS t
            WHERE turn <= share.per_user ORDER BY place);
        mine := ARRAY(
            SELECT l.lane FROM unnest(mine) AS m (lane) CROSS JOIN LATERAL (
                SELECT lane FROM lane
                WHERE kind = 'notification' AND NOT again AND lane.lane = m.lane AND proven = share.proven AND ready_at <= at
                FOR UPDATE SKIP LOCKED) AS l);
        IF mine <> '{}' THEN
            RETURN QUERY SELECT * FROM perennial_take(
                by_claim, 'notification', false, at, lease_for, hold_for, share.per_lane, NULL, mine);
        END IF;

        SELECT coalesce(array_agg(o.owner) FILTER (WHERE o.is_full), '{}'),
            coalesce(array_agg(o.owner) FILTER (WHERE NOT o.is_full), '{}')
        INTO full_up, owners FROM (
            SELECT t.owner, perennial_under_way(t.owner, share.proven, at) >= share.per_user AS is_full
            FROM (
                SELECT c.owner FROM unnest(chosen, owners) AS c (lane, owner) WHERE c.lane = ANY (mine)
                UNION
                SELECT a.owner FROM unnest(full_up) AS a (owner)
            ) AS t
        ) AS o;
        UPDATE lane SET waits = true, hold_until = at + hold_for WHERE ctid = ANY (ARRAY(
            SELECT l.place FROM unnest(full_up) AS o (owner)
            CROSS JOIN LATERAL (SELECT id FROM channel WHERE user_id = o.owner AND deleted_at IS NULL OFFSET 0) AS c
            CROSS JOIN LATERAL (
                SELECT ctid AS place FROM lane
                WHERE kind = 'notification' AND NOT again AND lane = c.id AND proven = share.proven AND ready_at <= at
                FOR UPDATE SKIP LOCKED) AS l
            WHERE c.id <> ALL (mine)));
        UPDATE lane SET hold_until = at WHERE ctid = ANY (ARRAY(
            SELECT l.place FROM unnest(owners) AS o (owner)
            CROSS JOIN LATERAL (SELECT id FROM channel WHERE user_id = o.owner AND deleted_at IS NULL OFFSET 0) AS c
            CROSS JOIN LATERAL (
                SELECT ctid AS place FROM lane
                WHERE kind = 'notification' AND NOT again AND lane = c.id AND proven = share.proven AND ready_at < at
                FOR UPDATE SKIP LOCKED) AS l
            WHERE c.id <> ALL (mine)));
    END LOOP;
END $$;

-- Says what becomes of claimed items that were not done: each is `{id, claim, tries, user, after, tries_after, reason, parks}`. It waits
-- for `after` milliseconds, is parked, or is dropped; what is owed later all the same waits until then. A claim that was overtaken settles
-- nothing. Of several users those who are writing right now are left out, and their items' ids told: they are to be settled one by one, so
-- that nobody waits for another.
CREATE FUNCTION perennial_settle(settled jsonb, told bigint) RETURNS SETOF bigint LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
    at bigint;
    users text[] := ARRAY(SELECT DISTINCT e."user" FROM jsonb_to_recordset(settled) AS e ("user" text));
    free text[];
    parks boolean := settled @? '$[*] ? (@.parks == true)';
    drops boolean := settled @? '$[*] ? (@.parks == false && @.after == null)';
BEGIN
    -- What was given up must not come back; the rest would only be tried again.
    IF NOT parks THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    IF cardinality(users) = 1 THEN
        PERFORM 1 FROM stream WHERE id = users[1] FOR NO KEY UPDATE;
    ELSE
        free := ARRAY(SELECT id FROM stream WHERE id = ANY (users) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED);
        free := ARRAY(
            SELECT u.id FROM unnest(users) AS u (id)
            WHERE u.id = ANY (free) OR NOT EXISTS (SELECT 1 FROM stream AS s WHERE s.id = u.id));
        RETURN QUERY
            SELECT (e.value ->> 'id')::bigint FROM jsonb_array_elements(settled) AS e WHERE e.value ->> 'user' <> ALL (free);
        settled := (
            SELECT coalesce(jsonb_agg(e.value), '[]') FROM jsonb_array_elements(settled) AS e WHERE e.value ->> 'user' = ANY (free));
    END IF;
    at := perennial_now(told);
    IF drops THEN
        -- What is dropped of a channel that was deleted has ended.
        UPDATE notice SET state = 'cancelled', next_attempt_at = NULL, last_error = 'the channel was deleted'
        FROM jsonb_to_recordset(settled) AS e (id bigint, claim text, tries bigint, after bigint, parks boolean)
        JOIN work AS w ON w.id = e.id AND w.tries = e.tries AND w.claim = e.claim AND w.unsettled > 0 AND w.kind = 'notification'
        JOIN channel AS c ON c.id = w.lane AND c.deleted_at IS NOT NULL
        WHERE NOT e.parks AND e.after IS NULL AND notice.id = w.item AND notice.state = 'pending';
    END IF;
    UPDATE work SET wake_at = s.wake_at, unsettled = 0, tries = s.tries_after, reason = s.reason,
        parked_at = CASE WHEN s.parks THEN at END
    FROM (
        SELECT e.id, e.claim, e.tries, e.tries_after, e.reason, e.parks, CASE
            WHEN e.parks THEN NULL
            WHEN e.after IS NOT NULL THEN at + e.after
            WHEN w.kind = 'successor' THEN (
                SELECT o.due_at FROM occurrence AS o
                WHERE o.task_id = w.task_id AND o.recurrence_id = w.recurrence_id AND o.succession = 'due' AND o.due_at > at)
            -- Whoever drops what still is to be sent knows nothing of it: it comes back in a while, for those who do.
            WHEN w.kind = 'notification' THEN (
                SELECT at + 10000 FROM notice AS n WHERE n.id = w.item AND n.state = 'pending')
            END AS wake_at
        FROM jsonb_to_recordset(settled)
            AS e (id bigint, claim text, tries bigint, after bigint, tries_after bigint, reason text, parks boolean)
        JOIN work AS w ON w.id = e.id
    ) AS s
    WHERE work.id = s.id AND work.tries = s.tries AND work.claim = s.claim AND work.unsettled > 0
        AND (s.parks OR s.wake_at IS NOT NULL);
    IF drops THEN
        DELETE FROM work
        USING jsonb_to_recordset(settled) AS e (id bigint, claim text, tries bigint, after bigint, parks boolean)
        WHERE NOT e.parks AND e.after IS NULL
            AND work.id = e.id AND work.tries = e.tries AND work.claim = e.claim AND work.unsettled > 0;
    END IF;
END $$;

-- Zones.

-- Goes some tasks further with a user whose zone has changed: of their open tasks, the open occurrences whose instants hang on the user's
-- zone lie on no zone data until they are laid on some again. What is uprooted twice, because the zone changed once more, is computed
-- twice.
CREATE FUNCTION perennial_follow_user(most bigint) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
    moved record;
    last text;
    busy boolean;
BEGIN
    SELECT user_id INTO moved FROM zone_change ORDER BY turn LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- Their commits come before: one of them may change the zone again.
    PERFORM 1 FROM stream WHERE id = moved.user_id FOR NO KEY UPDATE SKIP LOCKED;
    busy := NOT FOUND AND EXISTS (SELECT 1 FROM stream WHERE id = moved.user_id);
    IF busy THEN
        RETURN;
    END IF;
    SELECT z.user_id, z.after INTO moved FROM zone_change AS z WHERE z.user_id = moved.user_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    last := (
        SELECT max(t.id) FROM (
            SELECT id FROM task
            WHERE user_id = moved.user_id AND deleted_at IS NULL AND status = 'open' AND id > moved.after
            ORDER BY id LIMIT most) AS t);
    IF last IS NULL THEN
        DELETE FROM zone_change WHERE user_id = moved.user_id;
        RETURN;
    END IF;
    UPDATE occurrence SET tzdata = '' WHERE id = ANY (ARRAY(
        SELECT o.id FROM task AS t JOIN occurrence AS o ON o.task_id = t.id AND o.status = 'open'
        WHERE t.user_id = moved.user_id AND t.deleted_at IS NULL AND t.status = 'open' AND t.id > moved.after AND t.id <= last
            AND o.user_id = moved.user_id
            AND ((o.due_local IS NOT NULL AND o.due_tz IS NULL) OR (o.start_local IS NOT NULL AND o.start_tz IS NULL))));
    UPDATE zone_change SET after = last, turn = (SELECT max(turn) + 1 FROM zone_change) WHERE user_id = moved.user_id;
END $$;

-- Puts up to `most` open occurrences on the list of those to be laid on this version of the zone data. Those of users who write right now
-- come later.
CREATE FUNCTION perennial_offer_zones(version text, most bigint) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
    them bigint[];
    owners text[];
    busy text[];
    locked text[];
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM perennial_follow_user(most);
    SELECT coalesce(array_agg(o.id), '{}'), coalesce(array_agg(DISTINCT o.user_id), '{}') INTO them, owners FROM (
        SELECT id, user_id FROM occurrence WHERE status = 'open' AND zone_seen < version COLLATE "C" ORDER BY zone_seen LIMIT most) AS o;
    locked := ARRAY(SELECT id FROM stream WHERE id = ANY (owners) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED);
    busy := ARRAY(SELECT id FROM stream WHERE id = ANY (owners) AND id <> ALL (locked));
    UPDATE occurrence SET zone_offered = version
    WHERE id = ANY (them) AND status = 'open' AND zone_seen < version COLLATE "C" AND user_id <> ALL (busy);
END $$;

-- After the clock has gone back: holds and leases that were made at a later time bind no longer than they were meant to. A lease holds
-- for a minute at most, a stream of dead letters pauses no longer, a lane that is no endpoint's is held for no time at all, and an endpoint
-- that hung for an hour. What somebody is at is passed over: it is not bound.
CREATE FUNCTION perennial_clock_went_back(told bigint) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
    now bigint := perennial_now(told);
    them bigint[];
    owners text[];
    locked text[];
    busy text[];
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    WITH held AS MATERIALIZED (
        SELECT kind, again, lane FROM lane WHERE failures <= 0 AND hold_until > now + 120000
        ORDER BY hold_until DESC LIMIT 10000 FOR UPDATE SKIP LOCKED
    )
    UPDATE lane AS l SET hold_until = now, served_at = least(l.served_at, now)
    FROM held AS h WHERE l.kind = h.kind AND l.again = h.again AND l.lane = h.lane;
    WITH held AS MATERIALIZED (
        SELECT kind, again, lane FROM lane WHERE failures > 0 AND hold_until > now + 3700000
        ORDER BY hold_until DESC LIMIT 10000 FOR UPDATE SKIP LOCKED
    )
    UPDATE lane AS l SET hold_until = now, served_at = least(l.served_at, now)
    FROM held AS h WHERE l.kind = h.kind AND l.again = h.again AND l.lane = h.lane;
    WITH leased AS MATERIALIZED (
        SELECT w.id FROM generate_series(0, 15) AS s (shard) CROSS JOIN LATERAL (
            SELECT id FROM stream WHERE stream.shard = s.shard AND relay_at > now + 120000
            ORDER BY relay_at DESC LIMIT 1000 FOR UPDATE SKIP LOCKED) AS w
    )
    UPDATE stream SET relay_at = now FROM leased WHERE stream.id = leased.id;
    WITH paused AS MATERIALIZED (
        SELECT stream_id FROM replay_stream WHERE turn_at > now + 120000
        ORDER BY turn_at DESC LIMIT 10000 FOR UPDATE SKIP LOCKED
    )
    UPDATE replay_stream AS r SET turn_at = now FROM paused AS p WHERE r.stream_id = p.stream_id;
    SELECT coalesce(array_agg(w.id), '{}'), coalesce(array_agg(DISTINCT w.user_id), '{}') INTO them, owners FROM (
        SELECT id, user_id FROM work
        WHERE kind IN ('successor', 'reminder', 'zone', 'notification') AND again AND wake_at > now + 120000 LIMIT 10000) AS w;
    locked := ARRAY(SELECT id FROM stream WHERE id = ANY (owners) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED);
    busy := ARRAY(SELECT id FROM stream WHERE id = ANY (owners) AND id <> ALL (locked));
    UPDATE work SET wake_at = now WHERE id = ANY (them) AND again AND wake_at > now + 120000 AND user_id <> ALL (busy);
END $$;

-- The words of tasks that have none: each is `{id, version, title_lower, words}`. Who changes a task meanwhile makes its words.
CREATE FUNCTION perennial_make_words(made jsonb) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
    them text[];
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    them := ARRAY(
        SELECT t.id FROM jsonb_to_recordset(made) AS e (id text, version bigint)
        JOIN task AS t ON t.id = e.id AND t.version = e.version AND NOT t.has_words AND t.deleted_at IS NULL
        FOR UPDATE OF t SKIP LOCKED);
    DELETE FROM task_word WHERE task_id = ANY (them);
    INSERT INTO task_word (task_id, word, user_id, places)
    SELECT t.id, w.pair ->> 0, t.user_id, w.pair ->> 1
    FROM jsonb_to_recordset(made) AS e (id text, words jsonb)
    JOIN task AS t ON t.id = e.id
    CROSS JOIN LATERAL jsonb_array_elements(e.words) AS w (pair)
    WHERE t.id = ANY (them);
    UPDATE task SET has_words = true, title_lower = e.title_lower
    FROM jsonb_to_recordset(made) AS e (id text, title_lower text)
    WHERE task.id = e.id AND task.id = ANY (them);
END $$;
