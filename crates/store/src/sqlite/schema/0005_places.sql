-- Where tasks stand.

-- The places that were given out, also those of tasks that are done or deleted: such a task comes back to its own.
CREATE INDEX IF NOT EXISTS task_place ON task (user_id, position) WHERE position IS NOT NULL
--;
-- The parts of a task that are not deleted: there are 100 at most, however many were deleted.
CREATE INDEX IF NOT EXISTS task_part_kept ON task (parent_id, id) WHERE parent_id IS NOT NULL AND deleted_at IS NULL
