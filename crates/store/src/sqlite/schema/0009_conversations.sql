-- The ninth schema: conversations with an assistant (conversations.rs). Each key begins with the user.

-- What a conversation has is counted here, so that whoever adds to it need not read it. `turn_fence` grows with each turn that is taken;
-- a turn that was given back is nobody's (`turn_by`).
CREATE TABLE IF NOT EXISTS conversation (
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    messages INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    confirmations INTEGER NOT NULL DEFAULT 0,
    turn_by TEXT,
    turn_until INTEGER NOT NULL DEFAULT 0,
    turn_fence INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, id)
) STRICT
--;
-- Those that nobody has written to for long.
CREATE INDEX IF NOT EXISTS conversation_old ON conversation (last_at)
--;
CREATE TABLE IF NOT EXISTS message (
    user_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (user_id, conversation_id, sequence)
) STRICT
--;
-- A call of a tool that waits, or has waited, until it was confirmed.
CREATE TABLE IF NOT EXISTS confirmation (
    user_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    id TEXT NOT NULL,
    message INTEGER NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    settled_at INTEGER,
    call_id TEXT NOT NULL,
    tool TEXT NOT NULL,
    arguments TEXT NOT NULL,
    versions TEXT NOT NULL,
    PRIMARY KEY (user_id, conversation_id, id)
) STRICT
--;
CREATE TRIGGER IF NOT EXISTS conversation_deleted_v9 AFTER DELETE ON conversation BEGIN
    DELETE FROM message WHERE user_id = OLD.user_id AND conversation_id = OLD.id;
    DELETE FROM confirmation WHERE user_id = OLD.user_id AND conversation_id = OLD.id;
END
--;
-- What is added to a conversation: who inserts a row has looked whether it may be, and says so (`verdict`).
CREATE VIEW IF NOT EXISTS conversation_addition_v9 (user_id, conversation_id, after, at, until, bytes, doc, verdict) AS
SELECT '', '', 0, 0, 0, 0, '', '' WHERE false
--;
CREATE TRIGGER IF NOT EXISTS conversation_added_v9 INSTEAD OF INSERT ON conversation_addition_v9
WHEN NEW.verdict = 'applied' BEGIN
    UPDATE conversation SET
        messages = messages + json_array_length(NEW.doc, '$.messages'),
        confirmations = confirmations + json_array_length(NEW.doc, '$.confirmations'),
        bytes = bytes + NEW.bytes,
        last_at = max(last_at, NEW.at)
    WHERE user_id = NEW.user_id AND id = NEW.conversation_id;
    INSERT INTO message (user_id, conversation_id, sequence, id, role, created_at, body)
    SELECT NEW.user_id, NEW.conversation_id, NEW.after + 1 + m.key, m.value ->> 'id', m.value ->> 'role', NEW.at, m.value ->> 'body'
    FROM json_each(NEW.doc, '$.messages') AS m;
    INSERT INTO confirmation (user_id, conversation_id, id, message, state, created_at, expires_at, call_id, tool, arguments, versions)
    SELECT NEW.user_id, NEW.conversation_id, f.value ->> 'id', f.value ->> 'message', 'pending', NEW.at, NEW.until,
        f.value ->> 'call_id', f.value ->> 'tool', f.value ->> 'arguments', f.value ->> 'versions'
    FROM json_each(NEW.doc, '$.confirmations') AS f;
END
