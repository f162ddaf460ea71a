-- What is kept. Ids, names and places in order are text that compares byte by byte, as everywhere else (COLLATE "C"); instants are
-- milliseconds since 1970-01-01T00:00:00Z; what is kept as JSON is jsonb.

CREATE TABLE account (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    -- admin, member
    role text NOT NULL,
    tz text NOT NULL,
    settings jsonb,
    version bigint NOT NULL DEFAULT 1,
    created_at bigint NOT NULL,
    deleted_at bigint,
    -- When what is left of a deleted user is taken away next.
    forget_at bigint
);
CREATE INDEX account_admin ON account (id) WHERE role = 'admin' AND deleted_at IS NULL;
CREATE INDEX account_there ON account (id) WHERE deleted_at IS NULL;
CREATE INDEX account_forgotten ON account (forget_at) WHERE forget_at IS NOT NULL;
-- Whom the bootstrap token speaks for.
INSERT INTO account (id, name, role, tz, created_at) VALUES ('admin', 'admin', 'admin', 'UTC', 0);

CREATE TABLE identity (
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL UNIQUE REFERENCES account (id),
    created_at bigint NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE TABLE jwks (
    url text COLLATE "C" PRIMARY KEY,
    document text,
    fetched_at bigint,
    tried_at bigint NOT NULL
);

CREATE TABLE token (
    id text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES account (id),
    name text NOT NULL,
    hash text COLLATE "C" NOT NULL UNIQUE,
    scopes jsonb NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint
);
CREATE INDEX token_of_user ON token (user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX token_revoked ON token (user_id) WHERE revoked_at IS NOT NULL;

CREATE TABLE rate (
    token text COLLATE "C" PRIMARY KEY,
    began bigint NOT NULL,
    count bigint NOT NULL
);
CREATE INDEX rate_by_began ON rate (began);

CREATE TABLE usage (
    user_id text COLLATE "C" PRIMARY KEY,
    tasks bigint NOT NULL
);

CREATE TABLE channel (
    id text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES account (id),
    kind text NOT NULL,
    config jsonb NOT NULL,
    created_at bigint NOT NULL,
    deleted_at bigint
);
CREATE INDEX channel_of_user ON channel (user_id, id) WHERE deleted_at IS NULL;
CREATE INDEX channel_deleted ON channel (user_id) WHERE deleted_at IS NOT NULL;

-- The types of events that channels take, apart from reminders.
CREATE TABLE channel_type (
    user_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    channel_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, type, channel_id)
);

CREATE TABLE project (
    id text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES account (id),
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text NOT NULL,
    archived boolean NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    -- The last change that was told of it.
    change_id text COLLATE "C"
);
CREATE INDEX project_in_order ON project (user_id, id) WHERE deleted_at IS NULL;
CREATE INDEX project_by_name ON project (user_id, name) WHERE deleted_at IS NULL;
CREATE INDEX project_deleted ON project (user_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX project_old ON project (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE task (
    id text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES account (id),
    version bigint NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    priority text COLLATE "C" NOT NULL,
    rank bigint NOT NULL GENERATED ALWAYS AS (
        CASE priority WHEN 'urgent' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END) STORED,
    tags jsonb NOT NULL,
    due_local text,
    due_tz text,
    start_local text,
    start_tz text,
    duration text,
    duration_s bigint,
    recurrence jsonb,
    reminders jsonb NOT NULL,
    metadata jsonb,
    project_id text COLLATE "C",
    parent_id text COLLATE "C",
    position text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    completed_at bigint,
    deleted_at bigint,
    -- When its earliest open occurrence is due; where none is open, when the last one was.
    next_due_at bigint,
    title_lower text COLLATE "C",
    -- The last change that was told of it.
    change_id text COLLATE "C",
    has_words boolean NOT NULL DEFAULT false,
    -- Deleted for so long that it is being taken away.
    forgotten boolean NOT NULL DEFAULT false
);
CREATE INDEX task_by_status ON task (user_id, status, id) WHERE deleted_at IS NULL;
CREATE INDEX task_by_due ON task (user_id, status, next_due_at, id) WHERE deleted_at IS NULL;
CREATE INDEX task_by_rank ON task (user_id, status, rank, id) WHERE deleted_at IS NULL;
CREATE INDEX task_by_updated ON task (user_id, status, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX task_by_position ON task (user_id, status, position, id) WHERE deleted_at IS NULL AND position IS NOT NULL;
CREATE INDEX task_place ON task (user_id, position) WHERE position IS NOT NULL;
CREATE INDEX task_in_project ON task (user_id, project_id, status, id) WHERE deleted_at IS NULL AND project_id IS NOT NULL;
CREATE INDEX task_in_project_by_due ON task (user_id, project_id, status, next_due_at, id)
WHERE deleted_at IS NULL AND project_id IS NOT NULL;
CREATE INDEX task_in_project_by_rank ON task (user_id, project_id, status, rank, id)
WHERE deleted_at IS NULL AND project_id IS NOT NULL;
CREATE INDEX task_in_project_by_updated ON task (user_id, project_id, status, updated_at, id)
WHERE deleted_at IS NULL AND project_id IS NOT NULL;
CREATE INDEX task_in_project_by_position ON task (user_id, project_id, status, position, id)
WHERE deleted_at IS NULL AND project_id IS NOT NULL AND position IS NOT NULL;
CREATE INDEX task_part ON task (parent_id, id) WHERE parent_id IS NOT NULL;
CREATE INDEX task_part_kept ON task (parent_id, id) WHERE parent_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX task_deleted ON task (user_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX task_in_bin ON task (user_id, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX task_old ON task (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX task_forgotten ON task (id) WHERE forgotten;
CREATE INDEX task_without_words ON task (id) WHERE NOT has_words AND deleted_at IS NULL;

CREATE TABLE task_tag (
    user_id text COLLATE "C" NOT NULL,
    tag text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    task_id text COLLATE "C" NOT NULL,
    due_at bigint,
    PRIMARY KEY (user_id, tag, status, task_id)
);
CREATE INDEX task_tag_by_due ON task_tag (user_id, tag, status, due_at, task_id);

-- The words that a search finds tasks by.
CREATE TABLE task_word (
    task_id text COLLATE "C" NOT NULL,
    word text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    places text NOT NULL,
    PRIMARY KEY (task_id, word)
);
CREATE INDEX task_word_of_user ON task_word (user_id, word, task_id);

CREATE TABLE occurrence (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id text COLLATE "C" NOT NULL REFERENCES task (id),
    recurrence_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    predecessor text COLLATE "C",
    ordinal bigint NOT NULL,
    -- open, done, cancelled
    status text COLLATE "C" NOT NULL,
    -- none, due, pending, planned, ended
    succession text COLLATE "C" NOT NULL,
    title text,
    due_local text COLLATE "C",
    due_tz text,
    tzdata text COLLATE "C" NOT NULL,
    due_at bigint,
    start_local text,
    start_tz text,
    start_at bigint,
    completed_at bigint,
    -- The zone data that it is to be laid on, and the newest that it has been compared with.
    zone_offered text COLLATE "C",
    zone_seen text COLLATE "C" NOT NULL GENERATED ALWAYS AS (greatest(tzdata, coalesce(zone_offered, ''))) STORED,
    CONSTRAINT occurrence_recurrence_id UNIQUE (task_id, recurrence_id),
    CONSTRAINT occurrence_predecessor UNIQUE (task_id, predecessor)
);
CREATE INDEX occurrence_open ON occurrence (task_id, ordinal) WHERE status = 'open';
CREATE INDEX occurrence_closed ON occurrence (task_id, ordinal)
WHERE status <> 'open' AND (status = 'done' OR succession <> 'none');
CREATE INDEX occurrence_in_order ON occurrence (task_id, id);
CREATE INDEX occurrence_by_due_at ON occurrence (task_id, due_at);
CREATE INDEX occurrence_by_due_local ON occurrence (task_id, substr(due_local || 'T00:00:00', 1, 19));
CREATE INDEX occurrence_zone_seen ON occurrence (zone_seen) WHERE status = 'open';

CREATE TABLE override (
    task_id text COLLATE "C" NOT NULL REFERENCES task (id),
    recurrence_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    title text,
    due_local text,
    due_tz text,
    cancelled boolean NOT NULL,
    PRIMARY KEY (task_id, recurrence_id)
);

CREATE TABLE alarm (
    task_id text COLLATE "C" NOT NULL REFERENCES task (id),
    recurrence_id text COLLATE "C" NOT NULL,
    reminder_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    fire_at bigint NOT NULL,
    -- armed, fired, cancelled, missed
    state text COLLATE "C" NOT NULL,
    snoozed_from bigint,
    PRIMARY KEY (task_id, recurrence_id, reminder_id)
);

-- One delivery of a reminder over a channel.
CREATE TABLE notification (
    id text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL,
    task_id text COLLATE "C" NOT NULL REFERENCES task (id),
    recurrence_id text COLLATE "C" NOT NULL,
    reminder_id text COLLATE "C" NOT NULL,
    channel_id text COLLATE "C" NOT NULL,
    fire_at bigint NOT NULL,
    -- pending, delivered, failed, cancelled
    state text COLLATE "C" NOT NULL,
    payload jsonb NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    next_attempt_at bigint,
    delivered_at bigint,
    last_error text,
    created_at bigint NOT NULL,
    CONSTRAINT notification_once UNIQUE (task_id, recurrence_id, reminder_id, channel_id, fire_at)
);
CREATE INDEX notification_of_user ON notification (user_id, id);
CREATE INDEX notification_of_task ON notification (task_id, id);
CREATE INDEX notification_of_channel ON notification (channel_id, id) WHERE channel_id <> 'inbox';
CREATE INDEX notification_waiting ON notification (channel_id) WHERE state = 'pending';

-- One delivery of an event that is no reminder, over a channel that takes its type; and those that test a channel, of no event.
CREATE TABLE notice (
    id text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL,
    channel_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    event_id text COLLATE "C",
    subject text COLLATE "C" NOT NULL,
    payload jsonb NOT NULL,
    state text COLLATE "C" NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    next_attempt_at bigint,
    delivered_at bigint,
    last_error text,
    created_at bigint NOT NULL,
    CONSTRAINT notice_once UNIQUE (event_id, channel_id)
);
CREATE INDEX notice_of_user ON notice (user_id, id);
CREATE INDEX notice_of_subject ON notice (subject, id);
CREATE INDEX notice_of_channel ON notice (channel_id, id);
CREATE INDEX notice_waiting ON notice (channel_id, type) WHERE state = 'pending';
CREATE INDEX notice_ended ON notice (created_at) WHERE state <> 'pending';

CREATE TABLE idempotency (
    user_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint text NOT NULL,
    status bigint NOT NULL,
    etag text,
    location text,
    body text NOT NULL,
    created_at bigint NOT NULL,
    commit_id text COLLATE "C" NOT NULL,
    change_id text,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE inbox (
    consumer text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_by_age ON inbox (at);

-- Names this history of the store. A store that was restored has another: sequences that are given out again are then told from those
-- that readers have seen.
CREATE TABLE epoch (
    one bigint PRIMARY KEY CHECK (one = 1),
    id text COLLATE "C" NOT NULL
);

-- A stream: the unit of order. Its row is locked before all else by whoever writes what is its user's.
CREATE TABLE stream (
    id text COLLATE "C" PRIMARY KEY,
    shard bigint NOT NULL GENERATED ALWAYS AS (greatest(strpos('0123456789abcdef', right(id, 1)) - 1, 0)) STORED,
    sequence bigint NOT NULL DEFAULT 0,
    published bigint NOT NULL DEFAULT 0,
    -- When it is relayed next (NULL: nothing waits), by whom, under which fence, and how often that has failed in a row.
    relay_at bigint,
    relay_by text COLLATE "C",
    fence bigint NOT NULL DEFAULT 0,
    relay_tries bigint NOT NULL DEFAULT 0,
    -- How often in a row whoever takes its events has failed at one of them: the one that comes after this place.
    refused_after bigint,
    refusals bigint NOT NULL DEFAULT 0,
    -- How many entries its user's audit chain has, how many of them are sealed, since when one waits to be (NULL: none does), how often
    -- that failed in a row, and whether entries are erased without a seal, since they never can have one.
    audited bigint NOT NULL DEFAULT 0,
    sealed bigint NOT NULL DEFAULT 0,
    seal_at bigint,
    seal_tries bigint NOT NULL DEFAULT 0,
    unsealed_go boolean NOT NULL DEFAULT false,
    -- When the chain is to be anchored next (NULL: nothing was added since it was).
    anchor_at bigint
);
CREATE INDEX stream_due ON stream (shard, relay_at) WHERE relay_at IS NOT NULL;
CREATE INDEX stream_failing ON stream (relay_tries) WHERE relay_tries > 0;
CREATE INDEX stream_unsealed ON stream (seal_at) WHERE seal_at IS NOT NULL;
CREATE INDEX stream_broken ON stream (seal_tries) WHERE seal_tries > 0;
CREATE INDEX stream_unanchored ON stream (anchor_at) WHERE anchor_at IS NOT NULL;

CREATE TABLE stream_topic (
    stream_id text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (stream_id, topic)
);

-- What was published last in a lane of a hot user's stream, on a topic, and what came before it. The row is written before the stream is
-- marked: where the stream is published as far as `last`, that is what comes before the next event; where it is not, whoever wrote it
-- was cut off, and `before` is.
CREATE TABLE hot_lane (
    stream_id text COLLATE "C" NOT NULL,
    lane bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    last bigint NOT NULL,
    before bigint,
    PRIMARY KEY (stream_id, lane, topic)
);

-- Every event there was: the change log and the outbox. `place` is the order of their making, which retention goes by.
CREATE TABLE outbox (
    stream_id text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    -- The sequence of the stream's event before it on the same topic.
    previous bigint,
    event_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    data jsonb NOT NULL,
    at bigint NOT NULL,
    correlation_id text NOT NULL,
    causation_id text,
    traceparent text,
    idempotency_key text,
    PRIMARY KEY (stream_id, sequence),
    CONSTRAINT outbox_event UNIQUE (event_id)
);
CREATE INDEX outbox_by_age ON outbox (at);

-- After which event of that age the outbox is looked through for what is past its retention, and since when: what waits to be
-- published is stepped over, and looked at again an hour later.
CREATE TABLE stepped (
    one bigint PRIMARY KEY CHECK (one = 1),
    at bigint NOT NULL,
    stream_id text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    since bigint NOT NULL
);

-- The audit: each user's entries form a chain, in the order of commits. An entry has its place in the chain from its own commit; it is
-- sealed right after.
CREATE TABLE audit (
    user_id text COLLATE "C" NOT NULL,
    -- Its place in the user's chain, from 1 on without gaps.
    seq bigint NOT NULL,
    -- Whether its user was told of it, as of a change of a task.
    told boolean NOT NULL,
    -- The commit that it is of.
    id text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL,
    action text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    correlation_id text NOT NULL,
    tzdata text NOT NULL,
    before jsonb,
    after jsonb,
    previous text COLLATE "C",
    -- What its digest is salted with: it goes when the entry does.
    salt text NOT NULL,
    PRIMARY KEY (user_id, seq),
    CONSTRAINT audit_once UNIQUE (user_id, told, id)
);
CREATE INDEX audit_of_subject ON audit (user_id, subject, seq);
CREATE INDEX audit_untold ON audit (user_id, subject, seq) WHERE NOT told;
CREATE INDEX audit_deleted ON audit (user_id, subject, seq) WHERE action IN ('task.delete', 'project.delete');

-- The seals: each binds the digest of its entry to all before it. They stay when a user's entries are erased: a salted digest tells
-- nothing of what is gone.
CREATE TABLE seal (
    user_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    -- The commit that the entry is of.
    audit_id text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    digest text NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (user_id, seq)
);

-- Work lists: what is owed or due.
CREATE TABLE work (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- successor, reminder, zone, notification; event: a dead letter.
    kind text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    -- Whom it is taken round by: the user, or the channel that a notification goes to.
    lane text COLLATE "C" NOT NULL,
    task_id text COLLATE "C" NOT NULL,
    recurrence_id text COLLATE "C" NOT NULL,
    -- The reminder, the notification or the event; empty where the occurrence says it all.
    item text COLLATE "C" NOT NULL DEFAULT '',
    -- When it is to be taken next; NULL: parked.
    wake_at bigint,
    tries bigint NOT NULL DEFAULT 0,
    -- Claims that were never settled: whoever took it was cut off, or it brought them down.
    unsettled bigint NOT NULL DEFAULT 0,
    again boolean NOT NULL GENERATED ALWAYS AS (unsettled > 0) STORED,
    claim text COLLATE "C",
    reason text,
    parked_at bigint,
    CONSTRAINT work_once UNIQUE (task_id, kind, recurrence_id, item)
);
CREATE INDEX work_due ON work (kind, again, lane, wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX work_parked ON work (user_id, id) WHERE parked_at IS NOT NULL;

-- Who has work, of which kind, and when they may be served next.
CREATE TABLE lane (
    kind text COLLATE "C" NOT NULL,
    again boolean NOT NULL,
    lane text COLLATE "C" NOT NULL,
    shard bigint NOT NULL GENERATED ALWAYS AS (greatest(strpos('0123456789abcdef', right(lane, 1)) - 1, 0)) STORED,
    next_at bigint,
    hold_until bigint NOT NULL DEFAULT 0,
    ready_at bigint GENERATED ALWAYS AS (CASE WHEN next_at IS NOT NULL THEN greatest(next_at, hold_until) END) STORED,
    -- Attempts in a row that hung; whether the last was answered promptly; whether it waits for its user's other endpoints.
    failures bigint NOT NULL DEFAULT 0,
    proven boolean NOT NULL DEFAULT false,
    waits boolean NOT NULL DEFAULT false,
    claim text COLLATE "C",
    served_at bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, again, lane)
);
CREATE INDEX lane_ready ON lane (kind, again, shard, ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX endpoint_ready ON lane (kind, again, proven, ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX lane_claimed ON lane (claim) WHERE claim IS NOT NULL;
CREATE INDEX lane_idle ON lane (hold_until) WHERE next_at IS NULL;
CREATE INDEX lane_held_by_claim ON lane (hold_until) WHERE failures <= 0;
CREATE INDEX lane_held_by_failure ON lane (hold_until) WHERE failures > 0;

-- Users whose zone has changed: their occurrences are laid on the new one.
CREATE TABLE zone_change (
    user_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    after text COLLATE "C" NOT NULL,
    -- Whose turn it is: who had one stands behind all the others, however often they move.
    turn bigint NOT NULL
);
CREATE INDEX zone_change_in_turn ON zone_change (turn);

-- Sweeps of a clock that many share.
CREATE TABLE shard (
    shard bigint PRIMARY KEY CHECK (shard BETWEEN 0 AND 15),
    until bigint NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    -- For when a clock was last asked to wake it (NULL: no time before its next tick).
    wake_at bigint
);

-- Who follows a user's events, and until when at most.
CREATE TABLE listener (
    id text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL,
    until bigint NOT NULL
);
CREATE INDEX listener_of_user ON listener (user_id, until);
CREATE INDEX listener_gone ON listener (until);

-- Events that someone has given up on, with their reasons. One is kept for each consumer that gave up; '' stands for one that is not
-- known, as where a broker did.
CREATE TABLE dead_letter (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    -- Whose event it is; '' where it says no user that there is.
    user_id text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    -- A message that is no event has a digest of its text in place of an id.
    event_id text COLLATE "C" NOT NULL,
    consumer text COLLATE "C" NOT NULL,
    -- Its stream and its place there, where it says them.
    stream_id text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    -- '' of a message that is no event.
    type text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    error text NOT NULL,
    -- transient, permanent
    error_class text NOT NULL,
    tries bigint NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    instance text NOT NULL,
    -- open, replaying, replayed, discarded
    status text COLLATE "C" NOT NULL,
    status_at bigint NOT NULL,
    -- How often it was asked to be sent again, and how often that met a bus that was away, this time.
    replays bigint NOT NULL DEFAULT 0,
    replay_tries bigint NOT NULL DEFAULT 0,
    -- The event as it was received, its end cut off where it is longer than an event may be.
    event text NOT NULL,
    CONSTRAINT dead_letter_once UNIQUE (event_id, consumer, topic)
);
CREATE INDEX dead_letter_by_status ON dead_letter (status, place);
CREATE INDEX dead_letter_of_user ON dead_letter (user_id, place);
CREATE INDEX dead_letter_of_nobody ON dead_letter (user_id) WHERE user_id = '' AND status = 'open';
CREATE INDEX dead_letter_to_replay ON dead_letter (stream_id, sequence, place) WHERE status = 'replaying';
CREATE INDEX dead_letter_old ON dead_letter (status_at);

-- Streams with letters that are to be sent again, in turn: whoever had one comes after the others, and one whose letter was not taken
-- pauses.
CREATE TABLE replay_stream (
    stream_id text COLLATE "C" PRIMARY KEY,
    turn_at bigint NOT NULL
);
CREATE INDEX replay_stream_in_turn ON replay_stream (turn_at, stream_id);

-- Who sends dead letters again, and until when nobody else may.
CREATE TABLE replay (
    one bigint PRIMARY KEY CHECK (one = 1),
    until bigint NOT NULL,
    fence bigint NOT NULL
);

-- What has happened so often since the store was made; the sum of a name's parts. Many commits at once count in parts of their own.
CREATE TABLE tally (
    -- A metric, with its labels.
    name text COLLATE "C" NOT NULL,
    part bigint NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (name, part)
);

CREATE TABLE probe (
    one bigint PRIMARY KEY CHECK (one = 1),
    filler text NOT NULL
);

INSERT INTO epoch (one, id) VALUES (1, substr(replace(gen_random_uuid()::text, '-', ''), 1, 16));
INSERT INTO stepped (one, at, stream_id, sequence, since) VALUES (1, 0, '', 0, 0);
INSERT INTO replay (one, until, fence) VALUES (1, 0, 0);
INSERT INTO shard (shard) SELECT generate_series(0, 15);
