-- The eighth schema: notifications of reminders that have ended are forgotten after a month, as notices are.
CREATE INDEX IF NOT EXISTS notification_v2_old ON notification_v2 (created_at) WHERE state <> 'pending'
