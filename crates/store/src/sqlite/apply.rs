//! The one statement that writes.

use perennial_domain::Commit;

use super::view::view;
use super::{Sql, Sqlite, Sync};
use crate::rows::outcome::{outcome, outcomes};
use crate::{Apply, Mode, Outcome, Refusal, StoreError};

/// Takes commits apart (schema/0005_write.sql, 0005_new.sql and 0005_fired.sql there). Of each that is not refused it says
/// which it is, the answer that was stored under its key before, the relay's lease, and how often its token has written.
const WRITE: &str = "INSERT INTO {view} (ix, mode, relay_for, doc) {rows} \
     RETURNING ix, \
     (SELECT json_object('fingerprint', i.fingerprint, 'status', i.status, 'etag', i.etag, 'location', i.location, \
      'body', i.body, 'change_id', i.change_id) FROM idempotency AS i WHERE i.user_id = doc ->> 'user' AND i.key = doc ->> '$.idempotency.key' \
      AND i.commit_id IS NOT (doc ->> 'id')), \
     (SELECT json_object('stream', s.id, 'fence', s.fence, 'epoch', (SELECT id FROM epoch), 'places', json((SELECT json_group_array(json_array(sequence, previous)) \
      FROM (SELECT sequence, previous FROM outbox WHERE stream_id = s.id \
      AND sequence > s.sequence - json_array_length(doc, '$.events') ORDER BY sequence)))) \
      FROM stream AS s WHERE s.id = doc ->> 'stream' AND s.relay_by = doc ->> 'id'), {count}";

/// How often the token of a commit has written, where any is counted.
const COUNT: &str = "(SELECT json_object('count', r.count, 'left', r.began + (doc ->> '$.rate.window') - (doc ->> 'at')) \
     FROM rate AS r WHERE r.token = doc ->> '$.rate.token')";

/// A single commit is read once; out of an array it would be read, written out and read again, by way of a table of its own.
const ONE: &str = "VALUES (0, ?2, ?3, jsonb(?1))";

/// An array of commits.
const MANY: &str = "SELECT key, ?2, ?3, jsonb(value) FROM json_each(?1) WHERE true";

impl<S: Sql> Sqlite<S> {
    /// Applies commits in one statement: the trigger behind the view does the rest.
    pub(super) fn write(&self, commits: &[Commit], how: Apply) -> Result<Vec<Outcome>, StoreError> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        let mode = match how.mode {
            Mode::All => "all",
            Mode::Each => "each",
        };
        self.sync(Sync::Full)?;
        let (rows, documents) = match commits {
            [commit] => (ONE, serde_json::to_string(commit)?),
            _ => (MANY, serde_json::to_string(commits)?),
        };
        let count = if commits.iter().any(|commit| commit.rate.is_some()) { COUNT } else { "NULL" };
        let write = WRITE.replace("{view}", view(commits)).replace("{rows}", rows).replace("{count}", count);
        let given = self.query(&write, &[documents.into(), mode.into(), how.relay_for.into()], outcome)?;
        Ok(outcomes(commits, given))
    }
}

/// What SQLite's words mean for the commits that met them.
pub(super) fn classify(text: &str) -> StoreError {
    let refusal = |rest: &str| {
        let mut words = rest.split_whitespace().next().unwrap_or_default().split('#');
        let what = words.next().unwrap_or_default().to_owned();
        Refusal { what, index: words.next().and_then(|index| index.parse().ok()).unwrap_or_default() }
    };
    if let Some((_, rest)) = text.split_once("expect:") {
        return StoreError::Changed(refusal(rest));
    }
    if let Some((_, rest)) = text.split_once("rule:") {
        return StoreError::Forbidden(refusal(rest));
    }
    if let Some((_, rest)) = text.split_once("exists:") {
        return StoreError::Duplicate(refusal(rest));
    }
    if text.contains("applied:") {
        return StoreError::AlreadyApplied;
    }
    match text.split_once("UNIQUE constraint failed: ") {
        Some((_, columns)) => StoreError::Duplicate(refusal(columns)),
        None if OUT_OF_REACH.iter().any(|words| text.contains(words)) => {
            StoreError::Unavailable(text.to_owned())
        }
        None => StoreError::Database(text.to_owned()),
    }
}

/// SQLite's words for SQLITE_BUSY, SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY and SQLITE_NOMEM.
const OUT_OF_REACH: [&str; 7] = [
    "database is locked",
    "database table is locked",
    "disk is full",
    "disk I/O error",
    "unable to open database",
    "readonly database",
    "out of memory",
];
