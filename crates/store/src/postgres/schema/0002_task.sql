-- no transaction
-- Tasks that are being forgotten, in the order in which they were marked: that is the last change of a task. From where on some are not gone
-- yet is kept as it is of the others, so that nobody walks over those that are gone and not yet vacuumed.
CREATE INDEX CONCURRENTLY IF NOT EXISTS task_marked ON task (updated_at) WHERE forgotten;
INSERT INTO expired (name) VALUES ('marked') ON CONFLICT DO NOTHING;
