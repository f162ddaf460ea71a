-- Conversations with an assistant. Each key begins with the user.

-- What a conversation has is counted here, so that whoever adds to it need not read it. turn_fence grows with each turn that is taken;
-- a turn that was given back is nobody's (turn_by).
CREATE TABLE conversation (
    user_id text COLLATE "C" NOT NULL REFERENCES account (id),
    id text COLLATE "C" NOT NULL,
    title text NOT NULL,
    created_at bigint NOT NULL,
    last_at bigint NOT NULL,
    messages bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    confirmations bigint NOT NULL DEFAULT 0,
    turn_by text COLLATE "C",
    turn_until bigint NOT NULL DEFAULT 0,
    turn_fence bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, id)
);
-- Those that nobody has written to for long.
CREATE INDEX conversation_old ON conversation (last_at);
INSERT INTO expired (name) VALUES ('conversation');

CREATE TABLE message (
    user_id text COLLATE "C" NOT NULL,
    conversation_id text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (user_id, conversation_id, sequence),
    FOREIGN KEY (user_id, conversation_id) REFERENCES conversation (user_id, id) ON DELETE CASCADE
);

-- A call of a tool that waits, or has waited, until it was confirmed.
CREATE TABLE confirmation (
    user_id text COLLATE "C" NOT NULL,
    conversation_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    message bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    settled_at bigint,
    call_id text NOT NULL,
    tool text NOT NULL,
    arguments text NOT NULL,
    versions text NOT NULL,
    PRIMARY KEY (user_id, conversation_id, id),
    FOREIGN KEY (user_id, conversation_id) REFERENCES conversation (user_id, id) ON DELETE CASCADE
);

-- Begins a conversation, and says what became of it. With the user's row locked: of two who begin one each at once, the second counts the
-- first's, and one who is being deleted begins none.
CREATE FUNCTION perennial_begin_conversation(who text, conversation text, called text, told bigint, most bigint) RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    now bigint;
BEGIN
    PERFORM 1 FROM account AS a WHERE a.id = who AND a.deleted_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'missing';
    END IF;
    IF EXISTS (SELECT 1 FROM conversation AS c WHERE c.user_id = who AND c.id = conversation) THEN
        RETURN 'there';
    END IF;
    IF (SELECT count(*) FROM (SELECT 1 FROM conversation AS c WHERE c.user_id = who LIMIT most) AS counted) >= most THEN
        RETURN 'full';
    END IF;
    now := perennial_now(told);
    INSERT INTO conversation (user_id, id, title, created_at, last_at) VALUES (who, conversation, called, now, now);
    RETURN 'begun';
END
$$;

-- Adds messages to a conversation, and what waits to be confirmed for a time, or nothing; says which. With the conversation locked, and
-- looked at by statements that come after that: they see what whoever was waited for has done.
CREATE FUNCTION perennial_add_messages(
    who text, conversation text, after bigint, fence bigint, told bigint, lasts bigint, size bigint, doc jsonb, most bigint[]
) RETURNS text LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    now bigint;
    c record;
    added bigint := jsonb_array_length(doc -> 'messages');
    asked bigint := jsonb_array_length(doc -> 'confirmations');
BEGIN
    SELECT t.messages, t.bytes, t.confirmations, t.turn_by, t.turn_fence INTO c
    FROM conversation AS t WHERE t.user_id = who AND t.id = conversation FOR NO KEY UPDATE;
    IF NOT FOUND OR NOT EXISTS (SELECT 1 FROM account AS a WHERE a.id = who AND a.deleted_at IS NULL) THEN
        RETURN 'missing';
    END IF;
    IF EXISTS (SELECT 1 FROM message AS m WHERE m.user_id = who AND m.conversation_id = conversation AND m.sequence = after + 1
        AND m.id = doc #>> '{messages,0,id}') THEN
        RETURN 'there';
    END IF;
    IF c.turn_by IS NULL OR c.turn_fence <> fence OR c.messages <> after THEN
        RETURN 'changed';
    END IF;
    IF c.messages + added > most[1] THEN
        RETURN 'messages';
    END IF;
    IF c.bytes + size > most[2] THEN
        RETURN 'bytes';
    END IF;
    now := perennial_now(told);
    IF asked > 0 AND asked + (SELECT count(*) FROM confirmation AS f WHERE f.user_id = who AND f.conversation_id = conversation
        AND f.state = 'pending' AND f.expires_at > now) > most[3] THEN
        RETURN 'pending';
    END IF;
    IF c.confirmations + asked > most[4] THEN
        RETURN 'confirmations';
    END IF;
    UPDATE conversation AS t SET messages = t.messages + added, bytes = t.bytes + size, confirmations = t.confirmations + asked,
        last_at = greatest(t.last_at, now)
    WHERE t.user_id = who AND t.id = conversation;
    INSERT INTO message (user_id, conversation_id, sequence, id, role, created_at, body)
    SELECT who, conversation, after + m.place, m.value ->> 'id', m.value ->> 'role', now, m.value ->> 'body'
    FROM jsonb_array_elements(doc -> 'messages') WITH ORDINALITY AS m (value, place);
    INSERT INTO confirmation (user_id, conversation_id, id, message, state, created_at, expires_at, call_id, tool, arguments, versions)
    SELECT who, conversation, f.value ->> 'id', (f.value ->> 'message')::bigint, 'pending', now, now + lasts,
        f.value ->> 'call_id', f.value ->> 'tool', f.value ->> 'arguments', f.value ->> 'versions'
    FROM jsonb_array_elements(doc -> 'confirmations') AS f (value);
    RETURN 'applied';
END
$$;
