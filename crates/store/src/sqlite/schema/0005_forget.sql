-- Forgetting: tasks and projects that were deleted long ago, and whatever is a deleted user's (system/forget.rs, system/leave.rs).

-- 1: it is being forgotten. It is there for nobody any more, and goes piece by piece, what hangs on it first.
ALTER TABLE task ADD COLUMN forgotten INTEGER
--;
CREATE INDEX IF NOT EXISTS task_forgotten ON task (id) WHERE forgotten = 1
--;
-- What was deleted long ago, whoever's it is.
CREATE INDEX IF NOT EXISTS task_old ON task (deleted_at) WHERE deleted_at IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS project_old ON project (deleted_at) WHERE deleted_at IS NOT NULL
--;
-- The bin in the order of ids.
CREATE INDEX IF NOT EXISTS task_in_bin ON task (user_id, id) WHERE deleted_at IS NOT NULL
--;
-- A task of which something may be gone does not come back, whichever build asks for it.
CREATE TRIGGER IF NOT EXISTS task_forgotten_v5 BEFORE UPDATE OF deleted_at ON task
WHEN OLD.forgotten = 1 AND NEW.deleted_at IS NULL BEGIN
    SELECT RAISE(ABORT, 'expect:task#0');
END
--;
-- A user who was deleted. The row stays when everything else of them is gone, with the id, the role and the two instants alone:
-- whatever comes late finds that they are deleted, and nothing has to look through all tasks for those of an id.
ALTER TABLE user ADD COLUMN deleted_at INTEGER
--;
-- When a piece of what is theirs is to be forgotten next; NULL: nothing is left.
ALTER TABLE user ADD COLUMN forget_at INTEGER
--;
CREATE INDEX IF NOT EXISTS user_forgotten ON user (forget_at) WHERE forget_at IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS user_there ON user (id) WHERE deleted_at IS NULL
--;
CREATE INDEX IF NOT EXISTS user_admin ON user (id) WHERE role = 'admin' AND deleted_at IS NULL
--;
-- What is theirs and had no index by them.
CREATE INDEX IF NOT EXISTS token_revoked ON token (user_id) WHERE revoked_at IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS channel_deleted ON channel (user_id) WHERE deleted_at IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS channel_v2_deleted ON channel_v2 (user_id) WHERE deleted_at IS NOT NULL
--;
CREATE INDEX IF NOT EXISTS project_deleted ON project (user_id) WHERE deleted_at IS NOT NULL
--;
-- Written by builds before the fourth schema alone.
CREATE INDEX IF NOT EXISTS audit_of_user ON audit (user_id)
