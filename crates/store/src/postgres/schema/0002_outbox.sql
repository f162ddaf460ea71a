-- no transaction
-- The order in which events are forgotten, those of one instant among them: an import makes a hundred thousand of one.
CREATE INDEX CONCURRENTLY IF NOT EXISTS outbox_in_order ON outbox (at, stream_id, sequence);
