-- The sixth schema: what an event backbone needs. Here, the audit: each user's entries form a chain, in the order of commits. An
-- entry has its place in the chain from its own commit; it is sealed right after (system/audit.rs).

-- How many entries a user's chain has, how many of them are sealed, and since when one waits to be (NULL: none does). A chain that
-- cannot be sealed further waits a while.
ALTER TABLE stream ADD COLUMN audited INTEGER NOT NULL DEFAULT 0
--;
ALTER TABLE stream ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0
--;
ALTER TABLE stream ADD COLUMN seal_at INTEGER
--;
-- How often in a row it could not be sealed further; and whether its entries are erased without a seal, since they never can be.
ALTER TABLE stream ADD COLUMN seal_tries INTEGER NOT NULL DEFAULT 0
--;
ALTER TABLE stream ADD COLUMN unsealed_go INTEGER NOT NULL DEFAULT 0
--;
CREATE INDEX IF NOT EXISTS stream_broken ON stream (seal_tries) WHERE seal_tries > 0
--;
-- When the chain is to be anchored next (NULL: nothing was added since it was).
ALTER TABLE stream ADD COLUMN anchor_at INTEGER
--;
CREATE INDEX IF NOT EXISTS stream_unsealed ON stream (seal_at) WHERE seal_at IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS stream_unanchored ON stream (anchor_at) WHERE anchor_at IS NOT NULL
--;
-- The entry's place in its user's chain, from 1 on without gaps, and what its digest is salted with: it goes when the entry does. A
-- row that comes without one has room for it, so that it need not be moved when it is given one.
ALTER TABLE audit_v4 ADD COLUMN seq INTEGER
--;
ALTER TABLE audit_v4 ADD COLUMN salt TEXT NOT NULL DEFAULT '00000000000000000000000000000000'
--;
CREATE UNIQUE INDEX IF NOT EXISTS audit_in_chain ON audit_v4 (user_id, seq) WHERE seq IS NOT NULL
--;
-- What no user was told of, such as what the clock does with a task: the rest is found from one to the one before it, and the last
-- of it, where the task is forgotten, is that it was deleted.
CREATE INDEX IF NOT EXISTS audit_untold ON audit_v4 (user_id, subject, place) WHERE told = 0
--;
CREATE INDEX IF NOT EXISTS audit_deleted ON audit_v4 (user_id, subject, place) WHERE action IN ('task.delete', 'project.delete')
--;
-- Those that were there before chains were, in the order of their making, piece by piece: `place` is the last that has its seq.
CREATE TABLE IF NOT EXISTS audit_taken_over (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    place INTEGER NOT NULL
) STRICT
--;
INSERT INTO audit_taken_over (only, place) VALUES (1, 0) ON CONFLICT DO NOTHING
--;
CREATE VIEW IF NOT EXISTS audit_take_over AS SELECT NULL AS place, NULL AS user_id
--;
CREATE TRIGGER IF NOT EXISTS audit_take_over_v6 INSTEAD OF INSERT ON audit_take_over
WHEN (SELECT seq FROM audit_v4 WHERE place = NEW.place) IS NULL BEGIN
    INSERT INTO stream (id, audited, seal_at) VALUES (NEW.user_id, 1, strftime('%s', 'now') * 1000)
    ON CONFLICT (id) DO UPDATE SET audited = audited + 1, seal_at = coalesce(seal_at, excluded.seal_at);
    UPDATE audit_v4 SET seq = (SELECT audited FROM stream WHERE id = NEW.user_id), salt = lower(hex(randomblob(16)))
    WHERE place = NEW.place;
    UPDATE audit_taken_over SET place = max(place, NEW.place);
END
--;
INSERT INTO audit_take_over (place, user_id)
SELECT place, user_id FROM audit_v4
WHERE place > (SELECT place FROM audit_taken_over) AND seq IS NULL ORDER BY place LIMIT 50000 RETURNING 1
--;
CREATE TRIGGER IF NOT EXISTS audit_placed_v6 AFTER INSERT ON audit_v4 BEGIN
    INSERT INTO stream (id, audited, seal_at) VALUES (NEW.user_id, 1, NEW.at)
    ON CONFLICT (id) DO UPDATE SET audited = audited + 1, seal_at = coalesce(seal_at, excluded.seal_at);
    UPDATE audit_v4 SET seq = (SELECT audited FROM stream WHERE id = NEW.user_id), salt = lower(hex(randomblob(16)))
    WHERE place = NEW.place;
END
--;
-- Those that the build before has written between the two.
INSERT INTO audit_take_over (place, user_id)
SELECT place, user_id FROM audit_v4
WHERE place > (SELECT place FROM audit_taken_over) AND seq IS NULL ORDER BY place LIMIT 50000 RETURNING 1
--;
-- An entry is never changed, and goes only with its user.
CREATE TRIGGER IF NOT EXISTS audit_kept_v6
BEFORE UPDATE OF place, user_id, told, id, at, actor, action, subject, correlation_id, tzdata, before, after, previous ON audit_v4 BEGIN
    SELECT RAISE(ABORT, 'rule:audit#0');
END
--;
CREATE TRIGGER IF NOT EXISTS audit_stays_v6 BEFORE UPDATE OF seq, salt ON audit_v4 WHEN OLD.seq IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'rule:audit#0');
END
--;
CREATE TRIGGER IF NOT EXISTS audit_not_removed_v6 BEFORE DELETE ON audit_v4
WHEN NOT EXISTS (SELECT 1 FROM user WHERE id = OLD.user_id AND deleted_at IS NOT NULL) BEGIN
    SELECT RAISE(ABORT, 'rule:audit#0');
END
--;
-- One that is not sealed yet goes once it is, or once nobody waits for that any more; what counts the entries of a chain stays. Whoever would take them away is not told: the
-- build before would stop at it.
CREATE TRIGGER IF NOT EXISTS audit_sealed_first_v6 BEFORE DELETE ON audit_v4
WHEN EXISTS (SELECT 1 FROM user WHERE id = OLD.user_id AND deleted_at IS NOT NULL)
    AND OLD.seq > (SELECT sealed FROM stream WHERE id = OLD.user_id AND unsealed_go = 0) BEGIN
    SELECT RAISE(IGNORE);
END
--;
CREATE TRIGGER IF NOT EXISTS stream_of_chain_v6 BEFORE DELETE ON stream WHEN OLD.audited > 0 BEGIN
    UPDATE stream SET published = sequence, relay_at = NULL, relay_by = NULL, relay_tries = 0 WHERE id = OLD.id;
    SELECT RAISE(IGNORE);
END
--;
-- The seals: each binds the digest of its entry to all before it. They stay when a user's entries are erased: a salted digest tells
-- nothing of what is gone.
CREATE TABLE IF NOT EXISTS seal (
    user_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    -- The commit that the entry is of.
    audit_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    digest TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (user_id, seq)
) STRICT, WITHOUT ROWID
--;
CREATE TRIGGER IF NOT EXISTS seal_kept_v6 BEFORE UPDATE ON seal BEGIN
    SELECT RAISE(ABORT, 'rule:audit#0');
END
--;
CREATE TRIGGER IF NOT EXISTS seal_not_removed_v6 BEFORE DELETE ON seal BEGIN
    SELECT RAISE(ABORT, 'rule:audit#0');
END
--;
-- Chains are sealed further: { user, from, again, broken, anchor, seals: [{ seq, id, at, digest, hash }] }. One that another has sealed
-- meanwhile is left alone. What is left of a chain comes `again`; one that has grown is to be anchored by then.
CREATE VIEW IF NOT EXISTS seal_v6 AS SELECT NULL AS doc
--;
CREATE TRIGGER IF NOT EXISTS seal_chain_v6 INSTEAD OF INSERT ON seal_v6
WHEN (SELECT sealed FROM stream WHERE id = NEW.doc ->> 'user') = NEW.doc ->> 'from' BEGIN
    INSERT INTO seal (user_id, seq, audit_id, at, digest, hash)
    SELECT NEW.doc ->> 'user', e.value ->> 'seq', e.value ->> 'id', e.value ->> 'at', e.value ->> 'digest', e.value ->> 'hash'
    FROM json_each(NEW.doc, '$.seals') AS e;
    UPDATE stream SET sealed = sealed + json_array_length(NEW.doc, '$.seals'),
        seal_tries = CASE WHEN NEW.doc ->> 'broken' THEN seal_tries + 1
            WHEN json_array_length(NEW.doc, '$.seals') > 0 THEN 0 ELSE seal_tries END,
        seal_at = CASE WHEN audited > sealed + json_array_length(NEW.doc, '$.seals') THEN NEW.doc ->> 'again' END,
        anchor_at = CASE WHEN json_array_length(NEW.doc, '$.seals') > 0 THEN coalesce(anchor_at, NEW.doc ->> 'anchor') ELSE anchor_at END
    WHERE id = NEW.doc ->> 'user';
END
