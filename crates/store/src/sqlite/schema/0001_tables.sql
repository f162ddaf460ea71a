-- Instants are milliseconds since 1970-01-01T00:00:00Z. Lists and documents are JSON text.
-- Statements are separated by a line of `--;`: a host executes one statement at a time.

CREATE TABLE IF NOT EXISTS user (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    tz TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT
--;
-- The owner that the bootstrap token speaks for.
INSERT INTO user (id, name, role, tz, created_at) VALUES ('admin', 'admin', 'admin', 'UTC', 0)
ON CONFLICT DO NOTHING
--;
CREATE TABLE IF NOT EXISTS token (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT
--;
CREATE TABLE IF NOT EXISTS channel (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id),
    kind TEXT NOT NULL CHECK (kind IN ('webhook')),
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT
--;
CREATE INDEX IF NOT EXISTS channel_of_user ON channel (user_id) WHERE deleted_at IS NULL
--;
-- A stream orders the events of one user: its counter is advanced in the statement that writes the events.
CREATE TABLE IF NOT EXISTS stream (
    id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL DEFAULT 0,
    relay_until INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0
) STRICT
--;
-- The last sequence of a stream on each topic: the `previous` of the next event there.
CREATE TABLE IF NOT EXISTS stream_topic (
    stream_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (stream_id, topic)
) STRICT, WITHOUT ROWID
--;
CREATE TABLE IF NOT EXISTS outbox (
    stream_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    topic TEXT NOT NULL,
    previous INTEGER,
    event_id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL,
    data TEXT NOT NULL,
    at INTEGER NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id TEXT,
    traceparent TEXT,
    idempotency_key TEXT,
    published_at INTEGER,
    PRIMARY KEY (stream_id, sequence)
) STRICT
--;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (stream_id, sequence) WHERE published_at IS NULL
--;
CREATE TABLE IF NOT EXISTS inbox (
    consumer TEXT NOT NULL,
    event_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (consumer, event_id)
) STRICT, WITHOUT ROWID
--;
CREATE INDEX IF NOT EXISTS inbox_by_age ON inbox (at)
--;
CREATE TABLE IF NOT EXISTS idempotency (
    user_id TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    etag TEXT,
    location TEXT,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT
--;
CREATE INDEX IF NOT EXISTS idempotency_by_age ON idempotency (created_at)
--;
CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    tzdata TEXT NOT NULL
) STRICT
--;
CREATE TABLE IF NOT EXISTS task (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id),
    version INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    priority TEXT NOT NULL,
    tags TEXT NOT NULL,
    due_local TEXT,
    due_tz TEXT,
    recurrence TEXT,
    reminders TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    completed_at INTEGER,
    deleted_at INTEGER
) STRICT
--;
CREATE INDEX IF NOT EXISTS task_of_user ON task (user_id, id) WHERE deleted_at IS NULL
--;
-- One row per (series, recurrence id), and one successor per closed occurrence. A single task has one row, with an
-- empty recurrence id.
CREATE TABLE IF NOT EXISTS occurrence (
    id INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES task (id),
    recurrence_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    predecessor TEXT,
    ordinal INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'done', 'cancelled')),
    succession TEXT NOT NULL CHECK (succession IN ('none', 'due', 'pending', 'planned', 'ended')),
    title TEXT,
    due_local TEXT,
    due_tz TEXT,
    tzdata TEXT NOT NULL,
    due_at INTEGER,
    completed_at INTEGER,
    UNIQUE (task_id, recurrence_id),
    UNIQUE (task_id, predecessor)
) STRICT
--;
CREATE INDEX IF NOT EXISTS occurrence_open ON occurrence (task_id, ordinal) WHERE status = 'open'
--;
-- The scheduler's work list: closed ones that are owed a successor, and open ones that are owed one when they are due.
CREATE INDEX IF NOT EXISTS occurrence_owed ON occurrence (completed_at) WHERE succession = 'pending'
--;
CREATE INDEX IF NOT EXISTS occurrence_stacking ON occurrence (due_at) WHERE succession = 'due'
--;
-- What new zone data moves.
CREATE INDEX IF NOT EXISTS occurrence_zone_data ON occurrence (tzdata) WHERE status = 'open'
--;
-- How single occurrences differ from their series, opened or not.
CREATE TABLE IF NOT EXISTS override (
    task_id TEXT NOT NULL REFERENCES task (id),
    recurrence_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    title TEXT,
    due_local TEXT,
    due_tz TEXT,
    cancelled INTEGER NOT NULL,
    PRIMARY KEY (task_id, recurrence_id)
) STRICT, WITHOUT ROWID
--;
CREATE TABLE IF NOT EXISTS alarm (
    task_id TEXT NOT NULL REFERENCES task (id),
    recurrence_id TEXT NOT NULL,
    reminder_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    fire_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('armed', 'fired', 'cancelled', 'missed')),
    PRIMARY KEY (task_id, recurrence_id, reminder_id)
) STRICT
--;
CREATE INDEX IF NOT EXISTS alarm_armed ON alarm (fire_at) WHERE state = 'armed'
--;
-- One per (task, occurrence, reminder, channel).
CREATE TABLE IF NOT EXISTS notification (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    recurrence_id TEXT NOT NULL,
    reminder_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    payload TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    delivered_at INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (task_id, recurrence_id, reminder_id, channel_id)
) STRICT
--;
CREATE INDEX IF NOT EXISTS notification_of_user ON notification (user_id, id)
--;
CREATE INDEX IF NOT EXISTS notification_due ON notification (next_attempt_at) WHERE state = 'pending'
