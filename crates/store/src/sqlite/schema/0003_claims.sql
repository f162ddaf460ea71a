-- Notifications are taken round by user, then by endpoint, and endpoints that answered promptly last time apart from the
-- others: what hangs fills no place that another user waits for.

-- Whether the last attempt was answered promptly. `failures` says how it ended: 0 so, -1 slowly, else the attempts in a row
-- that hung.
ALTER TABLE lane ADD COLUMN proven INTEGER NOT NULL DEFAULT 0
--;
-- Whether it is held because its user has as many endpoints under way as one may.
ALTER TABLE lane ADD COLUMN waits INTEGER NOT NULL DEFAULT 0
--;
CREATE INDEX IF NOT EXISTS endpoint_ready_v3 ON lane (kind, again, proven, ready_at) WHERE ready_at IS NOT NULL
--;
CREATE TRIGGER IF NOT EXISTS endpoint_judged_v3 AFTER UPDATE OF failures ON lane
WHEN NEW.kind = 'notification' AND NEW.proven <> (NEW.failures = 0) BEGIN
    UPDATE lane SET proven = (NEW.failures = 0) WHERE kind = NEW.kind AND again = NEW.again AND lane = NEW.lane;
END
--;
-- One that is claimed waits for nobody, whichever build claims it.
CREATE TRIGGER IF NOT EXISTS endpoint_claimed_v3 AFTER UPDATE OF claim ON lane WHEN NEW.waits = 1 AND OLD.claim IS NOT NEW.claim BEGIN
    UPDATE lane SET waits = 0 WHERE kind = NEW.kind AND again = NEW.again AND lane = NEW.lane;
END
--;
-- Where one endpoint of a user hung, the others that have not shown better come after those of other users: five seconds later
-- at first, a minute at most.
CREATE TRIGGER IF NOT EXISTS endpoint_hung_v3 AFTER UPDATE OF failures ON lane
WHEN NEW.kind = 'notification' AND NEW.again = 0 AND NEW.failures > 0 BEGIN
    UPDATE lane SET hold_until = max(hold_until, min(NEW.hold_until - 10000, NEW.served_at + 75000))
    WHERE kind = 'notification' AND again = 0 AND proven = 0 AND lane <> NEW.lane AND lane IN (
        SELECT o.id FROM channel_v2 AS c CROSS JOIN channel_v2 AS o ON o.user_id = c.user_id AND o.deleted_at IS NULL
        WHERE c.id = NEW.lane);
END
--;
-- One attempt less under way: the user's next endpoint need not wait any longer. It has its place in the round by when the
-- user was served last.
CREATE TRIGGER IF NOT EXISTS endpoint_settled_v3 AFTER UPDATE OF unsettled ON work
WHEN NEW.kind = 'notification' AND OLD.unsettled > 0 AND NEW.unsettled = 0 BEGIN
    UPDATE lane SET waits = 0, hold_until = coalesce(
        (SELECT served_at FROM lane WHERE kind = 'notification' AND again = 0 AND lane = NEW.lane), served_at)
    WHERE kind = 'notification' AND again = 0 AND waits = 1 AND lane IN (
        SELECT id FROM channel_v2 WHERE user_id = NEW.user_id AND deleted_at IS NULL);
END
--;
CREATE TRIGGER IF NOT EXISTS endpoint_ended_v3 AFTER DELETE ON work WHEN OLD.kind = 'notification' AND OLD.unsettled > 0 BEGIN
    UPDATE lane SET waits = 0, hold_until = coalesce(
        (SELECT served_at FROM lane WHERE kind = 'notification' AND again = 0 AND lane = OLD.lane), served_at)
    WHERE kind = 'notification' AND again = 0 AND waits = 1 AND lane IN (
        SELECT id FROM channel_v2 WHERE user_id = OLD.user_id AND deleted_at IS NULL);
END
--;
-- How many endpoints of each user have an attempt under way, by whether they answered promptly last time.
CREATE VIEW IF NOT EXISTS endpoint_busy_v3 AS
SELECT c.user_id, l.proven, w.wake_at AS until
FROM channel_v2 AS c CROSS JOIN lane AS l ON l.kind = 'notification' AND l.again = 0 AND l.lane = c.id
    CROSS JOIN work AS w ON w.id = (
        SELECT id FROM work WHERE kind = 'notification' AND again = 1 AND lane = c.id AND wake_at IS NOT NULL
        ORDER BY wake_at DESC LIMIT 1)
WHERE c.deleted_at IS NULL
--;
-- Of the endpoints that have waited longest: as many of each user as `per_user` leaves, a user with none under way first. The
-- other endpoints of a user who was served go to the end of the round; whose user has enough under way steps aside until an
-- attempt of that user has ended.
CREATE VIEW IF NOT EXISTS claim_notification_v3 AS SELECT NULL AS id, NULL AS now, NULL AS lease_for, NULL AS hold_for,
    NULL AS lanes, NULL AS per_lane, NULL AS proven, NULL AS per_user
--;
CREATE TRIGGER IF NOT EXISTS claim_notification_work_v3 INSTEAD OF INSERT ON claim_notification_v3 BEGIN
    UPDATE lane SET claim = NEW.id, served_at = NEW.now, waits = 0, hold_until = max(hold_until, NEW.now + NEW.hold_for)
    WHERE kind = 'notification' AND again = 0 AND lane IN (
        SELECT lane FROM (
            SELECT l.lane, l.ready_at, row_number() OVER (PARTITION BY coalesce(c.user_id, l.lane) ORDER BY l.ready_at) + (
                SELECT count(*) FROM endpoint_busy_v3 AS b
                WHERE b.user_id = c.user_id AND b.proven = NEW.proven AND b.until > NEW.now) AS turn
            FROM (SELECT lane, ready_at FROM lane
                WHERE kind = 'notification' AND again = 0 AND proven = NEW.proven AND ready_at <= NEW.now
                ORDER BY ready_at LIMIT CASE WHEN NEW.lanes > 0 THEN max(128, NEW.lanes * 4) ELSE 0 END) AS l
            LEFT JOIN channel_v2 AS c ON c.id = l.lane)
        WHERE turn <= NEW.per_user ORDER BY turn, ready_at LIMIT NEW.lanes);
    UPDATE work SET claim = NEW.id, wake_at = NEW.now + NEW.lease_for, tries = tries + 1, unsettled = unsettled + 1
    WHERE id IN (
        SELECT w.id FROM lane AS l JOIN work AS w ON w.id IN (
            SELECT id FROM work
            WHERE kind = 'notification' AND again = 0 AND lane = l.lane AND wake_at <= NEW.now
            ORDER BY wake_at LIMIT NEW.per_lane)
        WHERE l.claim = NEW.id);
    UPDATE lane SET hold_until = max(hold_until, NEW.now)
    WHERE kind = 'notification' AND again = 0 AND proven = NEW.proven AND claim IS NOT NEW.id AND lane IN (
        SELECT o.id FROM lane AS l CROSS JOIN channel_v2 AS c ON c.id = l.lane
            CROSS JOIN channel_v2 AS o ON o.user_id = c.user_id AND o.deleted_at IS NULL
        WHERE l.claim = NEW.id);
    UPDATE lane SET waits = 1, hold_until = NEW.now + NEW.hold_for
    WHERE kind = 'notification' AND again = 0 AND lane IN (
        SELECT l.lane FROM (SELECT lane FROM lane
            WHERE kind = 'notification' AND again = 0 AND proven = NEW.proven AND ready_at <= NEW.now
            ORDER BY ready_at LIMIT CASE WHEN NEW.lanes > 0 THEN max(128, NEW.lanes * 4) ELSE 0 END) AS l
        CROSS JOIN channel_v2 AS c ON c.id = l.lane
        WHERE (SELECT count(*) FROM endpoint_busy_v3 AS b
            WHERE b.user_id = c.user_id AND b.proven = NEW.proven AND b.until > NEW.now) >= NEW.per_user);
END
