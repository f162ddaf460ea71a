-- Whose tokens of an issuer speak for which user, and the keys that verify them.

-- What is not here is nobody: a subject is never taken for the id of a user.
CREATE TABLE IF NOT EXISTS identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES user (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID
--;
-- A user has one, and lists of users show it.
CREATE UNIQUE INDEX IF NOT EXISTS identity_by_user ON identity (user_id)
--;
-- A key set by its address: the document, when it was fetched, and when it was last tried to fetch one, however that went.
CREATE TABLE IF NOT EXISTS jwks (
    url TEXT PRIMARY KEY,
    document TEXT,
    fetched_at INTEGER,
    tried_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
