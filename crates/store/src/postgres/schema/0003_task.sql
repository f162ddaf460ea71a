-- no transaction
-- contract: unused since version 2
DROP INDEX CONCURRENTLY IF EXISTS task_forgotten;
