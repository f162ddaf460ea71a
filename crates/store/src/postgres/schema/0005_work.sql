-- A claim passes over what others are at, and waits for nobody: it has lanes locked that they may want. To insert a lane that is there waits,
-- also where a conflict does nothing, for whoever is changing that lane; and a write that ends items changes it, and then wants others.
-- Where several replicas had much to do, claims and writes ended in a deadlock, and all waited until PostgreSQL saw it (`deadlock_timeout`, 1 s).

-- as before: it gives the same, and waits for nobody.
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
            SELECT of_kind, true, o.lane FROM unnest(lanes) AS o (lane)
            WHERE o.lane <> ALL (found)
                AND NOT EXISTS (SELECT 1 FROM lane AS l WHERE l.kind = of_kind AND l.again AND l.lane = o.lane)
            ORDER BY o.lane COLLATE "C"
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
