-- The words that each task is found by, as the domain makes them (docs/search.md), and where they stand.
CREATE TABLE IF NOT EXISTS task_word (
    task_id TEXT NOT NULL,
    word TEXT NOT NULL,
    user_id TEXT NOT NULL,
    places TEXT NOT NULL,
    PRIMARY KEY (task_id, word)
) STRICT, WITHOUT ROWID
--;
CREATE INDEX IF NOT EXISTS task_word_of_user ON task_word (user_id, word, task_id)
--;
-- Whether the words of a task are those of its texts: not where a build wrote it that keeps none.
ALTER TABLE task ADD COLUMN has_words INTEGER NOT NULL DEFAULT 0
--;
CREATE INDEX IF NOT EXISTS task_without_words ON task (id) WHERE has_words = 0 AND deleted_at IS NULL
--;
CREATE TRIGGER IF NOT EXISTS task_reworded_v5 AFTER UPDATE OF title, tags, description ON task
WHEN OLD.has_words = 1 AND (OLD.title <> NEW.title OR OLD.tags <> NEW.tags OR OLD.description <> NEW.description) BEGIN
    UPDATE task SET has_words = 0 WHERE id = NEW.id;
END
--;
-- What is in the bin is not found, and stands in nobody's way.
CREATE TRIGGER IF NOT EXISTS task_unworded_v5 AFTER UPDATE OF deleted_at ON task
WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL BEGIN
    DELETE FROM task_word WHERE task_id = NEW.id;
    UPDATE task SET has_words = 0 WHERE id = NEW.id;
END
--;
-- What a build has changed that tells no changes: the last one told is not the last any more, and cannot be taken back.
CREATE TRIGGER IF NOT EXISTS task_changed_untold_v5 AFTER UPDATE OF version ON task
WHEN NEW.version <> OLD.version AND OLD.change_id IS NOT NULL AND NEW.change_id = OLD.change_id AND (
    OLD.title <> NEW.title OR OLD.description <> NEW.description OR OLD.priority <> NEW.priority OR OLD.tags <> NEW.tags
    OR OLD.due_local IS NOT NEW.due_local OR OLD.due_tz IS NOT NEW.due_tz OR OLD.recurrence IS NOT NEW.recurrence
    OR OLD.reminders <> NEW.reminders OR OLD.deleted_at IS NOT NEW.deleted_at)
BEGIN
    UPDATE task SET change_id = NULL WHERE id = NEW.id;
END
--;
-- The words of tasks that have none yet, and their titles in lower case: a document is a task's id, the version it was
-- read in, and these. One that has
-- changed since is left to whoever reads it next.
CREATE VIEW IF NOT EXISTS words_v5 AS SELECT NULL AS doc
--;
CREATE TRIGGER IF NOT EXISTS words_of_task_v5 INSTEAD OF INSERT ON words_v5
WHEN EXISTS (
    SELECT 1 FROM task
    WHERE id = NEW.doc ->> 'id' AND version = NEW.doc ->> 'version' AND has_words = 0 AND deleted_at IS NULL)
BEGIN
    DELETE FROM task_word WHERE task_id = NEW.doc ->> 'id';
    INSERT INTO task_word (task_id, word, user_id, places)
    SELECT t.id, w.value ->> 0, t.user_id, w.value ->> 1
    FROM task AS t CROSS JOIN json_each(NEW.doc, '$.words') AS w WHERE t.id = NEW.doc ->> 'id';
    UPDATE task SET has_words = 1, title_lower = NEW.doc ->> 'title_lower' WHERE id = NEW.doc ->> 'id';
END
