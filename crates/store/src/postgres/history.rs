//! A database that was put back from a backup goes on as another history: sequences that were given out after the backup are given out
//! again, and whoever has read them is told so.

use std::time::Duration;

use postgres::Client;
use thiserror::Error;

use super::migrate::told;

/// Why a history keeps its name.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// Others are connected, who may give sequences out under the name before.
    #[error("others are connected to this database, and a store in use stays as it is: {0}")]
    InUse(String),
    /// The server still reads its log, and takes no writes.
    #[error("this database is still being restored: it takes writes once pg_is_in_recovery() is false")]
    InRecovery,
    /// It has none.
    #[error("there is no store in this database: `perennial migrate` makes one")]
    None,
    /// The server was not reached, or the connection was lost.
    #[error("{}", told(.0))]
    Postgres(#[from] postgres::Error),
}

/// Who else is connected: each by the name that it gives itself.
const OTHERS: &str = "SELECT string_agg(DISTINCT coalesce(nullif(application_name, ''), 'somebody'), ', ') FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL";

/// Gives the history of a database another name; the names before and after. It waits for a lock for as long as `patience`.
///
/// # Errors
/// When others are connected to the database, it has no store, or it takes no writes.
pub fn rename_history(client: &mut Client, patience: Duration) -> Result<(String, String), HistoryError> {
    let state = "SELECT pg_is_in_recovery(), to_regclass('epoch') IS NOT NULL";
    let state = client.query_one(state, &[])?;
    match (state.get(0), state.get(1)) {
        (true, _) => return Err(HistoryError::InRecovery),
        (false, false) => return Err(HistoryError::None),
        (false, true) => {}
    }
    let mut change = client.transaction()?;
    // Who comes from now on waits for the new name. Who came before may have read the other.
    let limit = patience.as_millis();
    change.batch_execute(&format!(
        "SET LOCAL lock_timeout = {limit}; LOCK TABLE epoch IN ACCESS EXCLUSIVE MODE"
    ))?;
    if let Some(others) = change.query_one(OTHERS, &[])?.get(0) {
        return Err(HistoryError::InUse(others));
    }
    let before = change.query_one("SELECT id FROM epoch", &[])?.get(0);
    let another =
        "UPDATE epoch SET id = substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) RETURNING id";
    let after = change.query_one(another, &[])?.get(0);
    change.commit()?;
    Ok((before, after))
}
