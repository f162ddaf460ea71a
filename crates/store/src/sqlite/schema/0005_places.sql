-- Where tasks stand.

-- The places that were given out, also those of tasks that are done or deleted: such a task comes back to its own.
CREATE INDEX IF NOT EXISTS task_place ON task (user_id, position) WHERE position IS NOT NULL
