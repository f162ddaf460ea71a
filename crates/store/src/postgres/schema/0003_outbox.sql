-- no transaction
-- contract: unused since version 2
DROP INDEX CONCURRENTLY IF EXISTS outbox_by_age;
