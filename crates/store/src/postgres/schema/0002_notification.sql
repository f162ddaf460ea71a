-- no transaction
-- Notifications of reminders that have ended are forgotten after a month, as notices are.
CREATE INDEX CONCURRENTLY IF NOT EXISTS notification_old ON notification (created_at) WHERE state <> 'pending';
INSERT INTO expired (name) VALUES ('notification') ON CONFLICT DO NOTHING;
