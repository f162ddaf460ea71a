//! The one statement that writes.

use std::collections::{BTreeMap, BTreeSet};

use perennial_domain::Commit;

use super::busy::write_rest;
use super::sql::PgError;
use super::{Pg, Postgres};
use crate::apply::apply_each_for;
use crate::rows::outcome::{outcome, outcomes};
use crate::{Apply, Mode, Outcome, Refusal, StoreError};

/// Takes commits apart (schema/0001_apply.sql).
const WRITE: &str = "SELECT ix, answered, lease, counted, later \
     FROM perennial_apply($1::text::jsonb, $2::text, $3::bigint, $4::bigint)";

impl<S: Pg> Postgres<S> {
    /// Applies commits in one statement: the function does the rest.
    pub(super) fn write(&self, commits: &[Commit], how: Apply) -> Result<Vec<Outcome>, StoreError> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        let (mut outcomes, later) = self.write_at_once(commits, how)?;
        if !later.is_empty() {
            self.write_later(commits, how, &later, &mut outcomes)?;
        }
        Ok(outcomes)
    }

    /// Applies those commits whose users nobody else is writing for; gives what became of them, and the places of the others.
    fn write_at_once(
        &self,
        commits: &[Commit],
        how: Apply,
    ) -> Result<(Vec<Outcome>, BTreeSet<usize>), StoreError> {
        let Some(first) = commits.first() else { return Ok(Default::default()) };
        let mode = match how.mode {
            Mode::All => "all",
            Mode::Each => "each",
        };
        let documents = serde_json::to_string(commits)?;
        let parameters = [documents.into(), mode.into(), how.relay_for.into(), self.now(first.at)];
        let given = self.query(WRITE, &parameters, |row| {
            let outcome = outcome(row)?;
            Ok((outcome, row.integer()? == 1))
        })?;
        let later = given.iter().filter(|(_, later)| *later).map(|((index, _), _)| *index).collect();
        let given = given.into_iter().filter(|(_, later)| !later).map(|(outcome, _)| outcome).collect();
        Ok((outcomes(commits, given), later))
    }

    /// Applies what was left since its user was writing, with nobody else's stream locked where somebody is waited for. What is applied
    /// already stays so, and is told so, whatever becomes of the rest.
    fn write_later(
        &self,
        commits: &[Commit],
        how: Apply,
        later: &BTreeSet<usize>,
        outcomes: &mut [Outcome],
    ) -> Result<(), StoreError> {
        let mut of_users: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for index in later {
            if let (Some(commit), Some(slot)) = (commits.get(*index), outcomes.get_mut(*index)) {
                of_users.entry(commit.user.as_str()).or_default().push(*index);
                *slot = Outcome::Busy;
            }
        }
        let mut out_of_reach: Option<String> = None;
        write_rest(of_users.into_values().collect(), |users| {
            let places = users.concat();
            let theirs: Vec<Commit> =
                places.iter().filter_map(|place| commits.get(*place)).cloned().collect();
            let given = match (&out_of_reach, users) {
                (Some(why), _) => Ok(vec![Outcome::Lost(why.clone()); places.len()]),
                (None, [_]) => apply_each_for(self, &theirs, how.relay_for),
                (None, _) => match self.write_at_once(&theirs, how) {
                    Ok((mut given, later)) => {
                        for place in later {
                            if let Some(slot) = given.get_mut(place) {
                                *slot = Outcome::Busy;
                            }
                        }
                        Ok(given)
                    }
                    Err(error @ (StoreError::Unavailable(_) | StoreError::Busy(_))) => Err(error),
                    // Whose commit it was is found out when each is alone.
                    Err(_) => return Ok(users.to_vec()),
                },
            };
            let given = match given {
                Err(error @ StoreError::Busy(_)) => return Err(error),
                Err(error) if outcomes.iter().any(is_applied) => {
                    let why = error.to_string();
                    out_of_reach = Some(why.clone());
                    vec![Outcome::Lost(why); places.len()]
                }
                given => given?,
            };
            for (place, outcome) in places.iter().zip(given) {
                if let Some(slot) = outcomes.get_mut(*place) {
                    *slot = outcome;
                }
            }
            let is_busy = |place: &usize| outcomes.get(*place) == Some(&Outcome::Busy);
            Ok(users.iter().filter(|places| places.iter().any(is_busy)).cloned().collect())
        })?;
        Ok(())
    }
}

fn is_applied(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Applied(_) | Outcome::Counted(..))
}

/// Whether another transaction was in the way (serialization_failure, deadlock_detected): nothing was done, and the same may work now.
pub(super) fn was_in_the_way(error: &PgError) -> bool {
    matches!(error, PgError::Said { code, .. } if code == "40001" || code == "40P01")
}

/// What our own functions raise (raise_exception).
pub(super) const RAISED: &str = "P0001";

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
    if code == RAISED {
        if let Some(rest) = message.strip_prefix("expect:") {
            return StoreError::Changed(refusal(rest));
        }
        if let Some(rest) = message.strip_prefix("rule:") {
            return StoreError::Forbidden(refusal(rest));
        }
        if let Some(rest) = message.strip_prefix("exists:") {
            return StoreError::Duplicate(refusal(rest));
        }
        if message.starts_with("applied:") {
            return StoreError::AlreadyApplied;
        }
    }
    let text = format!("{code}: {message}");
    match code.get(..2).unwrap_or_default() {
        "23" if code == "23505" => StoreError::Duplicate(refusal(&constraint)),
        // Connection exception, insufficient resources, operator intervention, system error; what another was in the way of throughout,
        // and a server that takes no writes.
        "08" | "53" | "57" | "58" => StoreError::Unavailable(text),
        _ if code == "55P03" => StoreError::Busy(text),
        _ if matches!(code.as_str(), "40001" | "40P01" | "25006") => StoreError::Unavailable(text),
        _ => StoreError::Database(text),
    }
}
