-- What is read so often, or by so large a statement, that it is planned once for a connection and not each time (series.rs), and who
-- follows a user's events (listeners.rs).

-- An occurrence as a JSON object (rows/records.rs).
CREATE FUNCTION perennial_occurrence(o occurrence) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('recurrence_id', o.recurrence_id, 'predecessor', o.predecessor, 'ordinal', o.ordinal,
        'status', o.status, 'succession', o.succession, 'title', o.title, 'due_local', o.due_local, 'due_tz', o.due_tz,
        'due_at', o.due_at, 'start_local', o.start_local, 'start_tz', o.start_tz, 'start_at', o.start_at,
        'completed_at', o.completed_at)
$$;

-- The date, in UTC, of the day before an instant; NULL: its year has more than four digits.
CREATE FUNCTION perennial_day_before(at bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN at / 1000 - 86400 < 253402300800
        THEN to_char(to_timestamp(at / 1000 - 86400) AT TIME ZONE 'UTC', 'YYYY-MM-DD') END
$$;

-- Everything that commands on series are decided upon: for each key [user, task, asked] its place among the keys and the state, as JSON;
-- of tasks that lie in the bin, or of those that do not. The names that a successor might meet begin with the earliest of those it may
-- follow: the occurrence asked for or the last one closed, or the day before it was done.
CREATE FUNCTION perennial_series(keys jsonb, in_bin boolean) RETURNS TABLE (place bigint, state text)
-- A plan of the first day is kept on the next ones, when tables are no longer empty.
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    SELECT k.place - 1, json_build_object(
        'user', json_build_object('id', u.id, 'name', u.name, 'role', u.role, 'tz', u.tz, 'settings', coalesce(u.settings, '{}'),
            'version', u.version, 'created_at', u.created_at),
        'task', json_build_object('id', t.id, 'version', t.version, 'title', t.title, 'description', t.description,
            'priority', t.priority, 'tags', t.tags,
            'due', CASE WHEN t.due_local IS NOT NULL THEN json_build_object('local', t.due_local, 'tz', t.due_tz) END,
            'start', CASE WHEN t.start_local IS NOT NULL THEN json_build_object('local', t.start_local, 'tz', t.start_tz) END,
            'duration', t.duration, 'project', t.project_id, 'parent', t.parent_id, 'position', t.position,
            'metadata', coalesce(t.metadata, '{}'), 'recurrence', t.recurrence, 'reminders', t.reminders, 'status', t.status,
            'created_at', t.created_at, 'updated_at', t.updated_at, 'completed_at', t.completed_at, 'deleted_at', t.deleted_at),
        'asked', (
            SELECT perennial_occurrence(o) FROM occurrence AS o
            WHERE o.task_id = t.id AND o.recurrence_id = k.asked AND o.user_id = t.user_id),
        'open', (
            SELECT coalesce(json_agg(shown), '[]') FROM (
                SELECT perennial_occurrence(o) AS shown FROM occurrence AS o
                WHERE o.task_id = t.id AND o.user_id = t.user_id AND o.status = 'open' ORDER BY o.ordinal LIMIT 101) AS o),
        'closed', (
            SELECT perennial_occurrence(o) FROM occurrence AS o
            WHERE o.task_id = t.id AND o.user_id = t.user_id AND o.status <> 'open' AND (o.status = 'done' OR o.succession <> 'none')
            ORDER BY o.ordinal DESC LIMIT 1),
        'overrides', (
            SELECT coalesce(json_agg(json_build_object('recurrence_id', v.recurrence_id, 'title', v.title,
                'due_local', v.due_local, 'due_tz', v.due_tz, 'cancelled', v.cancelled::int)), '[]')
            FROM (
                SELECT * FROM override AS v
                WHERE v.task_id = t.id AND v.user_id = t.user_id ORDER BY v.recurrence_id LIMIT 500) AS v),
        'named', (
            SELECT coalesce(json_agg(json_build_array(n.recurrence_id,
                (n.status = 'cancelled' AND n.succession = 'none')::int)), '[]')
            FROM (
                (SELECT o.recurrence_id, o.status, o.succession FROM occurrence AS o
                    WHERE o.task_id = t.id AND o.user_id = t.user_id AND o.recurrence_id = '')
                UNION ALL
                (SELECT o.recurrence_id, o.status, o.succession FROM occurrence AS o
                    WHERE o.task_id = t.id AND o.user_id = t.user_id AND o.recurrence_id > coalesce((
                        SELECT min(least(p.recurrence_id, perennial_day_before(p.completed_at)))
                        FROM (
                            SELECT k.asked AS name
                            UNION ALL (
                                SELECT c.recurrence_id FROM occurrence AS c
                                WHERE c.task_id = t.id AND c.status <> 'open' AND (c.status = 'done' OR c.succession <> 'none')
                                ORDER BY c.ordinal DESC LIMIT 1)) AS f
                        CROSS JOIN LATERAL (
                            SELECT * FROM occurrence AS p WHERE p.task_id = t.id AND p.recurrence_id = f.name OFFSET 0) AS p
                        WHERE f.name <> ''), '')
                    ORDER BY o.recurrence_id LIMIT 1000)) AS n),
        'alarms', (
            SELECT coalesce(json_agg(json_build_array(a.recurrence_id, a.reminder_id, a.fire_at, a.state, a.snoozed_from)), '[]')
            FROM (
                (SELECT o.recurrence_id FROM occurrence AS o WHERE o.task_id = t.id AND o.status = 'open' ORDER BY o.ordinal LIMIT 101)
                UNION SELECT k.asked) AS r
            CROSS JOIN LATERAL (
                SELECT * FROM alarm AS a
                WHERE a.task_id = t.id AND a.user_id = t.user_id AND a.recurrence_id = r.recurrence_id
                ORDER BY a.recurrence_id, a.reminder_id OFFSET 0) AS a))::text
    FROM (
        SELECT e.place, e.key ->> 0 AS user_id, e.key ->> 1 AS task_id, (e.key ->> 2) COLLATE "C" AS asked
        FROM jsonb_array_elements(keys) WITH ORDINALITY AS e (key, place)) AS k
    CROSS JOIN LATERAL (SELECT * FROM task AS t WHERE t.id = k.task_id AND t.user_id = k.user_id LIMIT 1) AS t
    CROSS JOIN LATERAL (SELECT * FROM account AS u WHERE u.id = t.user_id AND u.deleted_at IS NULL LIMIT 1) AS u
    WHERE CASE WHEN in_bin THEN t.deleted_at IS NOT NULL AND NOT t.forgotten ELSE t.deleted_at IS NULL END;
END
$$;

-- Notes that someone follows a user's events for so many milliseconds from now on, unless `most` do already; whether it was noted. Those
-- who ask at once are counted one after the other. One that ends over a minute later than this one was noted by a clock that was wrong,
-- and does not count. A power cut may take it: nobody waits for the disk.
CREATE FUNCTION perennial_listen(who text, listener_id text, told bigint, lasts bigint, most bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    now bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(hashtextextended('perennial: listeners of ' || who, 0));
    now := perennial_now(told);
    INSERT INTO listener (id, user_id, until)
    SELECT listener_id, who, now + lasts WHERE (
        SELECT count(*) FROM (
            SELECT 1 FROM listener AS l
            WHERE l.user_id = who AND l.until > now AND l.until <= now + lasts + 60000 LIMIT most) AS counted) < most;
    RETURN FOUND;
END
$$;
