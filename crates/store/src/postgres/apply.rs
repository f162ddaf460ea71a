//! The one statement that writes.

use perennial_domain::Commit;

use super::sql::PgError;
use super::{Pg, Postgres};
use crate::rows::outcome::{outcome, outcomes};
use crate::{Apply, Mode, Outcome, Refusal, StoreError};

/// Takes commits apart (schema/0001_apply.sql).
const WRITE: &str = "SELECT ix, answered, lease, counted \
     FROM perennial_apply($1::text::jsonb, $2::text, $3::bigint, $4::bigint)";

impl<S: Pg> Postgres<S> {
    /// Applies commits in one statement: the function does the rest.
    pub(super) fn write(&self, commits: &[Commit], how: Apply) -> Result<Vec<Outcome>, StoreError> {
        let Some(first) = commits.first() else { return Ok(Vec::new()) };
        let mode = match how.mode {
            Mode::All => "all",
            Mode::Each => "each",
        };
        let documents = serde_json::to_string(commits)?;
        let parameters = [documents.into(), mode.into(), how.relay_for.into(), self.now(first.at)];
        let given = self.query(WRITE, &parameters, outcome)?;
        Ok(outcomes(commits, given))
    }
}

/// Whether another transaction was in the way (serialization_failure, deadlock_detected): nothing was done, and the same may work now.
pub(super) fn was_in_the_way(error: &PgError) -> bool {
    matches!(error, PgError::Said { code, .. } if code == "40001" || code == "40P01")
}

/// What PostgreSQL's words mean for the commits that met them (SQLSTATE: PostgreSQL, appendix A).
pub(super) fn classify(error: PgError) -> StoreError {
    let PgError::Said { code, message, constraint } = error else {
        return match error {
            PgError::Lost(text) => StoreError::Unavailable(text),
            other => StoreError::Database(other.to_string()),
        };
    };
    let refusal = |rest: &str| {
        let mut words = rest.split_whitespace().next().unwrap_or_default().split('#');
        let what = words.next().unwrap_or_default().to_owned();
        Refusal { what, index: words.next().and_then(|index| index.parse().ok()).unwrap_or_default() }
    };
    if let Some((_, rest)) = message.split_once("expect:") {
        return StoreError::Changed(refusal(rest));
    }
    if let Some((_, rest)) = message.split_once("rule:") {
        return StoreError::Forbidden(refusal(rest));
    }
    if let Some((_, rest)) = message.split_once("exists:") {
        return StoreError::Duplicate(refusal(rest));
    }
    if message.contains("applied:") {
        return StoreError::AlreadyApplied;
    }
    let text = format!("{code}: {message}");
    match code.get(..2).unwrap_or_default() {
        "23" if code == "23505" => StoreError::Duplicate(refusal(&constraint)),
        // Connection exception, insufficient resources, operator intervention, system error; what another was in the way of throughout,
        // what waited for a lock too long, and a server that takes no writes.
        "08" | "53" | "57" | "58" => StoreError::Unavailable(text),
        _ if matches!(code.as_str(), "40001" | "40P01" | "55P03" | "25006") => StoreError::Unavailable(text),
        _ => StoreError::Database(text),
    }
}
