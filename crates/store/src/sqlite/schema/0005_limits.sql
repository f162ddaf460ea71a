-- What users may have and tokens may do.

-- How many tasks each user has that are not deleted. Triggers keep it, so that it is right whichever build writes.
CREATE TABLE IF NOT EXISTS usage (
    user_id TEXT PRIMARY KEY,
    tasks INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;
-- How many writes a token has made in the window that began then, in milliseconds. There is a row only where writes are limited.
CREATE TABLE IF NOT EXISTS rate (
    token TEXT PRIMARY KEY,
    began INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;
-- By it old rows are found. A row moves in it only where a window begins.
CREATE INDEX IF NOT EXISTS rate_by_began ON rate (began)
--;
CREATE TRIGGER IF NOT EXISTS task_counted_v5 AFTER INSERT ON task WHEN NEW.deleted_at IS NULL BEGIN
    INSERT INTO usage (user_id, tasks) VALUES (NEW.user_id, 1) ON CONFLICT (user_id) DO UPDATE SET tasks = tasks + 1;
END
--;
CREATE TRIGGER IF NOT EXISTS task_recounted_v5 AFTER UPDATE OF deleted_at ON task
WHEN (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) BEGIN
    INSERT INTO usage (user_id, tasks) VALUES (NEW.user_id, (NEW.deleted_at IS NULL) - (OLD.deleted_at IS NULL))
    ON CONFLICT (user_id) DO UPDATE SET tasks = tasks + excluded.tasks;
END
--;
CREATE TRIGGER IF NOT EXISTS task_uncounted_v5 AFTER DELETE ON task WHEN OLD.deleted_at IS NULL BEGIN
    UPDATE usage SET tasks = tasks - 1 WHERE user_id = OLD.user_id;
END
--;
-- Everyone is counted once the triggers are there: whatever was counted before is put right, so this may run again.
INSERT INTO usage (user_id, tasks)
SELECT u.id, (SELECT count(*) FROM task AS t WHERE t.user_id = u.id AND t.deleted_at IS NULL) FROM user AS u WHERE true
ON CONFLICT (user_id) DO UPDATE SET tasks = excluded.tasks
