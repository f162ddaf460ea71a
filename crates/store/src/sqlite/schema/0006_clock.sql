-- What is ready is found shard by shard: a backlog in one costs the others nothing. A clock without shards takes the first of each.
CREATE INDEX IF NOT EXISTS lane_ready_v6 ON lane (kind, again, shard, ready_at) WHERE ready_at IS NOT NULL
--;
DROP INDEX IF EXISTS lane_ready
--;
CREATE INDEX IF NOT EXISTS stream_due_v6 ON stream (shard, relay_at) WHERE relay_at IS NOT NULL
--;
DROP INDEX IF EXISTS stream_due
--;
-- Streams whose last try failed: when they are tried next does not say how long they have waited.
CREATE INDEX IF NOT EXISTS stream_failing ON stream (relay_tries) WHERE relay_tries > 0
--;
-- Claims in sets, as before, of the lanes of one shard where one is named.
CREATE VIEW IF NOT EXISTS claim_v6 AS SELECT NULL AS id, NULL AS kind, NULL AS again, NULL AS now, NULL AS lease_for,
    NULL AS hold_for, NULL AS lanes, NULL AS per_lane, NULL AS most, NULL AS shard
--;
CREATE TRIGGER IF NOT EXISTS claim_work_v6 INSTEAD OF INSERT ON claim_v6 BEGIN
    UPDATE lane SET claim = NEW.id, served_at = NEW.now, hold_until = max(hold_until, NEW.now + NEW.hold_for)
    WHERE (kind, again, lane) IN (
        SELECT l.kind, l.again, l.lane FROM shard AS s CROSS JOIN lane AS l ON l.kind = NEW.kind AND l.again = NEW.again AND l.lane IN (
            SELECT lane FROM lane
            WHERE kind = NEW.kind AND again = NEW.again AND shard = s.shard AND ready_at <= NEW.now
            ORDER BY ready_at LIMIT NEW.lanes)
        WHERE s.shard BETWEEN coalesce(NEW.shard, 0) AND coalesce(NEW.shard, 15)
        ORDER BY l.ready_at LIMIT NEW.lanes);
    UPDATE work SET wake_at = NULL, parked_at = NEW.now, reason = 'it was begun again and again and never finished'
    WHERE unsettled >= NEW.most AND id IN (
        SELECT w.id FROM lane AS l JOIN work AS w ON w.id IN (
            SELECT id FROM work
            WHERE kind = NEW.kind AND again = NEW.again AND lane = l.lane AND wake_at <= NEW.now
            ORDER BY wake_at LIMIT NEW.per_lane)
        WHERE l.claim = NEW.id);
    UPDATE work SET claim = NEW.id, wake_at = NEW.now + NEW.lease_for, tries = tries + 1, unsettled = unsettled + 1
    WHERE id IN (
        SELECT w.id FROM lane AS l JOIN work AS w ON w.id IN (
            SELECT id FROM work
            WHERE kind = NEW.kind AND again = NEW.again AND lane = l.lane AND wake_at <= NEW.now
            ORDER BY wake_at LIMIT NEW.per_lane)
        WHERE l.claim = NEW.id);
END
