-- Claims in sets, as before, of the lanes of one shard where one is named.
CREATE VIEW IF NOT EXISTS claim_v6 AS SELECT NULL AS id, NULL AS kind, NULL AS again, NULL AS now, NULL AS lease_for,
    NULL AS hold_for, NULL AS lanes, NULL AS per_lane, NULL AS most, NULL AS shard
--;
CREATE TRIGGER IF NOT EXISTS claim_work_v6 INSTEAD OF INSERT ON claim_v6 BEGIN
    UPDATE lane SET claim = NEW.id, served_at = NEW.now, hold_until = max(hold_until, NEW.now + NEW.hold_for)
    WHERE (kind, again, lane) IN (
        SELECT kind, again, lane FROM lane
        WHERE kind = NEW.kind AND again = NEW.again AND ready_at <= NEW.now AND shard = coalesce(NEW.shard, shard)
        ORDER BY ready_at LIMIT NEW.lanes);
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
