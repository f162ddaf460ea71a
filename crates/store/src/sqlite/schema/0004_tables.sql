-- The fourth schema: what people ask of their tasks. Projects, parts and places; orders that have an index each; tags in a table
-- of their own; a change that can be looked at and taken back.

CREATE TABLE IF NOT EXISTS project (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id),
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    archived INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    -- The last change that was told of it.
    change_id TEXT
) STRICT
--;
CREATE INDEX IF NOT EXISTS project_by_name ON project (user_id, name) WHERE deleted_at IS NULL
--;
CREATE INDEX IF NOT EXISTS project_in_order ON project (user_id, id) WHERE deleted_at IS NULL
--;
ALTER TABLE task ADD COLUMN start_local TEXT
--;
ALTER TABLE task ADD COLUMN start_tz TEXT
--;
-- How long it is thought to take, as it was said and in seconds.
ALTER TABLE task ADD COLUMN duration TEXT
--;
ALTER TABLE task ADD COLUMN duration_s INTEGER
--;
ALTER TABLE task ADD COLUMN project_id TEXT
--;
ALTER TABLE task ADD COLUMN parent_id TEXT
--;
ALTER TABLE task ADD COLUMN metadata TEXT
--;
-- Where a task was moved to; NULL: where it was made, which its id says.
ALTER TABLE task ADD COLUMN position TEXT
--;
-- The title in lower case, as filters know it; SQLite's own knows ASCII alone.
ALTER TABLE task ADD COLUMN title_lower TEXT
--;
-- The last change that was told of it.
ALTER TABLE task ADD COLUMN change_id TEXT
--;
-- When the earliest of its open occurrences is due; of a task of which none is open, when the last was.
ALTER TABLE task ADD COLUMN next_due_at INTEGER
--;
-- The order of priorities; a name that is not known here stands where none does.
ALTER TABLE task ADD COLUMN rank INTEGER GENERATED ALWAYS AS (
    CASE priority WHEN 'urgent' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END) VIRTUAL
--;
ALTER TABLE occurrence ADD COLUMN start_local TEXT
--;
ALTER TABLE occurrence ADD COLUMN start_tz TEXT
--;
ALTER TABLE occurrence ADD COLUMN start_at INTEGER
--;
-- What a user has set beside the zone, and how often, with the zone, it was changed.
ALTER TABLE user ADD COLUMN settings TEXT
--;
ALTER TABLE user ADD COLUMN version INTEGER NOT NULL DEFAULT 1
--;
-- To the hour; never written with a commit.
ALTER TABLE token ADD COLUMN last_used_at INTEGER
--;
CREATE INDEX IF NOT EXISTS token_of_user ON token (user_id, id) WHERE revoked_at IS NULL
--;
-- Users whose zone has changed, and the last of their open tasks whose occurrences were given up for it: what is a whole day or
-- floats there lies on no zone data, and is laid on these in the new zone as on new data in the old.
CREATE TABLE IF NOT EXISTS zone_change (
    user_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    after TEXT NOT NULL,
    -- Whose turn it is: who had one stands behind all the others, however often they move.
    turn INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;
CREATE INDEX IF NOT EXISTS zone_change_in_turn ON zone_change (turn)
--;
CREATE TRIGGER IF NOT EXISTS user_moved_v4 AFTER UPDATE OF tz ON user WHEN OLD.tz <> NEW.tz BEGIN
    INSERT INTO zone_change (user_id, version, after, turn)
    VALUES (NEW.id, NEW.version, '', (SELECT coalesce(max(turn), 0) + 1 FROM zone_change))
    ON CONFLICT (user_id) DO UPDATE SET version = excluded.version, after = excluded.after;
END
--;
-- The change that the answer tells of.
ALTER TABLE idempotency ADD COLUMN change_id TEXT
--;
-- When it was to fire before it was put off.
ALTER TABLE alarm ADD COLUMN snoozed_from INTEGER
--;
-- Kept by whatever writes occurrences, also the build before.
CREATE TRIGGER IF NOT EXISTS occurrence_due_v4 AFTER INSERT ON occurrence
WHEN NEW.status = 'open' AND NEW.due_at IS NOT (SELECT next_due_at FROM task WHERE id = NEW.task_id) BEGIN
    UPDATE task SET next_due_at = (SELECT min(due_at) FROM occurrence WHERE task_id = NEW.task_id AND status = 'open')
    WHERE id = NEW.task_id;
END
--;
CREATE TRIGGER IF NOT EXISTS occurrence_due_moved_v4 AFTER UPDATE OF status, due_at ON occurrence
WHEN OLD.status <> NEW.status OR OLD.due_at IS NOT NEW.due_at BEGIN
    UPDATE task SET next_due_at = CASE
        WHEN EXISTS (SELECT 1 FROM occurrence WHERE task_id = NEW.task_id AND status = 'open')
        THEN (SELECT min(due_at) FROM occurrence WHERE task_id = NEW.task_id AND status = 'open')
        ELSE NEW.due_at END
    WHERE id = NEW.task_id;
END
--;
UPDATE task SET next_due_at = (SELECT min(due_at) FROM occurrence WHERE task_id = task.id AND status = 'open')
WHERE id IN (
    SELECT t.id FROM task AS t
    WHERE t.next_due_at IS NULL AND t.status = 'open' AND t.deleted_at IS NULL AND EXISTS (
        SELECT 1 FROM occurrence WHERE task_id = t.id AND status = 'open' AND due_at IS NOT NULL)
    LIMIT 50000)
RETURNING 1
--;
UPDATE task SET next_due_at = (
    SELECT due_at FROM occurrence WHERE task_id = task.id AND status <> 'open' ORDER BY ordinal DESC LIMIT 1)
WHERE id IN (
    SELECT t.id FROM task AS t
    WHERE t.next_due_at IS NULL AND t.status = 'done' AND t.deleted_at IS NULL AND (
        SELECT due_at FROM occurrence WHERE task_id = t.id AND status <> 'open' ORDER BY ordinal DESC LIMIT 1) IS NOT NULL
    LIMIT 50000)
RETURNING 1
--;
-- A list has an index for each order: the tasks of a status, and those of a status in a project. What is rare has a tree that
-- only it pays for.
CREATE INDEX IF NOT EXISTS task_by_due ON task (user_id, status, next_due_at, id) WHERE deleted_at IS NULL
--;
CREATE INDEX IF NOT EXISTS task_by_rank ON task (user_id, status, rank, id) WHERE deleted_at IS NULL
--;
CREATE INDEX IF NOT EXISTS task_by_updated ON task (user_id, status, updated_at, id) WHERE deleted_at IS NULL
--;
CREATE INDEX IF NOT EXISTS task_by_position ON task (user_id, status, position, id)
WHERE deleted_at IS NULL AND position IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS task_in_project ON task (user_id, project_id, status, id)
WHERE deleted_at IS NULL AND project_id IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS task_in_project_by_due ON task (user_id, project_id, status, next_due_at, id)
WHERE deleted_at IS NULL AND project_id IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS task_in_project_by_rank ON task (user_id, project_id, status, rank, id)
WHERE deleted_at IS NULL AND project_id IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS task_in_project_by_updated ON task (user_id, project_id, status, updated_at, id)
WHERE deleted_at IS NULL AND project_id IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS task_in_project_by_position ON task (user_id, project_id, status, position, id)
WHERE deleted_at IS NULL AND project_id IS NOT NULL AND position IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS task_part ON task (parent_id, id) WHERE parent_id IS NOT NULL
--;
-- The bin, by the day of deletion.
CREATE INDEX IF NOT EXISTS task_deleted ON task (user_id, deleted_at, id) WHERE deleted_at IS NOT NULL
--;
-- The tags of tasks that are not deleted, with what lists of a tag are ordered by.
CREATE TABLE IF NOT EXISTS task_tag (
    user_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    status TEXT NOT NULL,
    task_id TEXT NOT NULL,
    due_at INTEGER,
    PRIMARY KEY (user_id, tag, status, task_id)
) STRICT, WITHOUT ROWID
--;
CREATE INDEX IF NOT EXISTS task_tag_by_due ON task_tag (user_id, tag, status, due_at, task_id)
--;
CREATE TRIGGER IF NOT EXISTS task_tagged_v4 AFTER INSERT ON task
WHEN NEW.tags <> '[]' AND NEW.deleted_at IS NULL AND json_valid(NEW.tags) BEGIN
    INSERT INTO task_tag (user_id, tag, status, task_id, due_at)
    SELECT NEW.user_id, value, NEW.status, NEW.id, NEW.next_due_at FROM json_each(NEW.tags) WHERE true
    ON CONFLICT DO NOTHING;
END
--;
CREATE TRIGGER IF NOT EXISTS task_retagged_v4 AFTER UPDATE OF tags, status, next_due_at, deleted_at ON task
WHEN (NEW.tags <> '[]' OR OLD.tags <> '[]') AND (
    OLD.tags <> NEW.tags OR OLD.status <> NEW.status OR OLD.next_due_at IS NOT NEW.next_due_at
    OR OLD.deleted_at IS NOT NEW.deleted_at)
BEGIN
    DELETE FROM task_tag WHERE user_id = OLD.user_id AND status = OLD.status AND task_id = OLD.id
        AND tag IN (SELECT value FROM json_each(iif(json_valid(OLD.tags), OLD.tags, '[]')));
    INSERT INTO task_tag (user_id, tag, status, task_id, due_at)
    SELECT NEW.user_id, value, NEW.status, NEW.id, NEW.next_due_at
    FROM json_each(iif(json_valid(NEW.tags), NEW.tags, '[]')) WHERE NEW.deleted_at IS NULL
    ON CONFLICT DO NOTHING;
END
--;
INSERT INTO task_tag (user_id, tag, status, task_id, due_at)
SELECT t.user_id, e.value, t.status, t.id, t.next_due_at
FROM task AS t CROSS JOIN json_each(iif(json_valid(t.tags), t.tags, '[]')) AS e
WHERE t.deleted_at IS NULL AND t.tags <> '[]' AND NOT EXISTS (
    SELECT 1 FROM task_tag WHERE user_id = t.user_id AND tag = e.value AND status = t.status AND task_id = t.id)
LIMIT 50000 RETURNING 1
--;
-- Who did what: the id is that of the commit, made in the order of time. What a user did is told, with what was there before
-- and after it, and with the one that was told of the same before it: the last is known to the task or project.
CREATE TABLE IF NOT EXISTS audit_v4 (
    place INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    told INTEGER NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    tzdata TEXT NOT NULL,
    before TEXT,
    after TEXT,
    previous TEXT,
    UNIQUE (user_id, told, id)
) STRICT
