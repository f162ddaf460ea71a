-- Whoever looks for the first that waits in a lane begins where the lane says that it is, and so does not walk over what has left the lane and
-- is not yet vacuumed: under a snapshot that is held for long, all that was done since (docs/operations.md). None waits before `lane.next_at`, as
-- the first version says: who puts something there says so with the lane locked. Where that was not so after all, because somebody has
-- written past the triggers, a lane is looked through from its beginning by the first claim of each hour.

-- From where on a lane is looked through at a time: nothing waits in it before.
CREATE FUNCTION perennial_lane_from(next_at bigint, served_at bigint, at bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN served_at / 3600000 = at / 3600000 THEN next_at ELSE -9223372036854775807 END
$$;

-- as before: it gives the same, and reads less for it.
CREATE OR REPLACE FUNCTION perennial_take(
    by_claim text, of_kind text, begun boolean, at bigint, lease_for bigint, hold_for bigint, per_lane bigint, most bigint, lanes text[]
) RETURNS SETOF perennial_taken LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
    items bigint[];
    found text[];
    -- Where the rows of the lanes are, those of what was begun before among them, and from where on each is looked through.
    places tid[];
    others tid[];
    froms bigint[];
BEGIN
    PERFORM set_config('perennial.claims', 'on', true);
    -- What is taken waits in the lane of what was begun before: a lane is left alone while another is at that. Of most there is one already.
    IF NOT begun THEN
        SELECT coalesce(array_agg(l.lane), '{}'), coalesce(array_agg(l.place), '{}') INTO found, others
        FROM unnest(lanes) AS o (lane) CROSS JOIN LATERAL (
            SELECT lane, ctid AS place FROM lane WHERE kind = of_kind AND again AND lane.lane = o.lane FOR UPDATE SKIP LOCKED) AS l;
        WITH made AS (
            INSERT INTO lane (kind, again, lane)
            SELECT of_kind, true, o.lane FROM unnest(lanes) AS o (lane) WHERE o.lane <> ALL (found) ORDER BY o.lane COLLATE "C"
            ON CONFLICT DO NOTHING RETURNING lane, ctid AS place)
        SELECT found || coalesce(array_agg(m.lane), '{}'), others || coalesce(array_agg(m.place), '{}') INTO lanes, others FROM made AS m;
    END IF;
    SELECT coalesce(array_agg(l.place), '{}'), coalesce(array_agg(l.since), '{}'), coalesce(array_agg(o.lane), '{}')
    INTO places, froms, lanes
    FROM unnest(lanes) AS o (lane) CROSS JOIN LATERAL (
        SELECT ctid AS place, perennial_lane_from(next_at, served_at, at) AS since FROM lane
        WHERE kind = of_kind AND again = begun AND lane.lane = o.lane LIMIT 1) AS l;
    IF begun THEN
        UPDATE work SET wake_at = NULL, parked_at = at, reason = 'it was begun again and again and never finished'
        WHERE id = ANY (ARRAY(
            SELECT w.id FROM unnest(lanes, froms) AS o (lane, since) CROSS JOIN LATERAL (
                SELECT id, unsettled FROM work
                WHERE kind = of_kind AND again AND work.lane = o.lane AND wake_at >= o.since AND wake_at <= at
                ORDER BY wake_at LIMIT per_lane FOR UPDATE SKIP LOCKED) AS w
            WHERE w.unsettled >= most));
    END IF;
    items := ARRAY(
        SELECT w.id FROM unnest(lanes, froms) AS o (lane, since) CROSS JOIN LATERAL (
            SELECT id, wake_at FROM work
            WHERE kind = of_kind AND again = begun AND work.lane = o.lane AND wake_at >= o.since AND wake_at <= at
            ORDER BY wake_at LIMIT per_lane FOR UPDATE SKIP LOCKED) AS w
        ORDER BY o.lane COLLATE "C", w.wake_at, w.id);
    UPDATE work SET claim = by_claim, wake_at = at + lease_for, tries = tries + 1, unsettled = unsettled + 1 WHERE id = ANY (items);
    UPDATE lane AS l SET claim = by_claim, served_at = at, hold_until = greatest(l.hold_until, at + hold_for), waits = false, next_at = (
        SELECT w.wake_at FROM work AS w
        WHERE w.kind = l.kind AND w.again = l.again AND w.lane = l.lane AND w.wake_at >= perennial_lane_from(l.next_at, l.served_at, at)
        ORDER BY w.wake_at LIMIT 1)
    WHERE l.ctid = ANY (places);
    IF NOT begun THEN
        UPDATE lane AS l SET next_at = at + lease_for
        WHERE (l.next_at IS NULL OR l.next_at > at + lease_for) AND l.ctid = ANY (others)
            AND l.lane = ANY (ARRAY(SELECT DISTINCT w.lane FROM work AS w WHERE w.id = ANY (items)));
    END IF;
    PERFORM set_config('perennial.claims', '', true);
    RETURN QUERY
        SELECT w.id, w.claim, w.tries, w.user_id, w.task_id, w.recurrence_id, w.item, w.kind, w.lane
        FROM unnest(items) WITH ORDINALITY AS i (id, place) JOIN work AS w ON w.id = i.id ORDER BY i.place;
END $$;

-- as before: it finds the same, and reads less for it.
CREATE OR REPLACE FUNCTION perennial_lanes_left(gone perennial_left[]) RETURNS void LANGUAGE plpgsql
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
                WHERE kind = place.kind AND again = place.again AND lane = place.lane
                    -- What has left from before where the lane says that it begins may not have been alone there.
                    AND wake_at >= CASE WHEN place.at < place.next_at THEN -9223372036854775807 ELSE place.next_at END
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

-- as before: those under way are the same; what has ended since is not walked over.
CREATE OR REPLACE FUNCTION perennial_under_way(of_user text, are_proven boolean, at bigint) RETURNS bigint STABLE LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM channel AS c
        WHERE c.user_id = of_user AND c.deleted_at IS NULL
            AND (SELECT l.proven = are_proven FROM lane AS l WHERE l.kind = 'notification' AND NOT l.again AND l.lane = c.id)
            AND (SELECT w.wake_at FROM work AS w
                 WHERE w.kind = 'notification' AND w.again AND w.lane = c.id AND w.wake_at > at
                 ORDER BY w.wake_at DESC LIMIT 1) IS NOT NULL);
END $$;
