//! What a write gives of each commit that is not refused: its place in the set, the answer that was stored under its key before, the
//! relay's lease, and how often its token has written.

use perennial_domain::{Commit, StreamId};
use serde::Deserialize;

use super::Row;
use crate::{IdempotentAnswer, Lease, Outcome, OwnLease, RateCount, StoreError};

/// A lease as a statement gives it.
#[derive(Deserialize)]
struct Taken {
    stream: StreamId,
    fence: i64,
    epoch: String,
    places: Vec<(i64, Option<i64>)>,
}

/// Reads one.
pub(crate) fn outcome(row: &mut Row) -> Result<(usize, Outcome), StoreError> {
    let index = usize::try_from(row.integer()?).unwrap_or(usize::MAX);
    let answered = row.json_or_null::<IdempotentAnswer>()?;
    let taken = row.json_or_null::<Taken>()?;
    let counted = row.json_or_null::<RateCount>()?;
    let own = taken.map(Taken::lease);
    Ok((
        index,
        match (answered, counted) {
            (Some(answer), _) => Outcome::Answered(answer),
            (None, Some(counted)) => Outcome::Counted(counted, own),
            (None, None) => Outcome::Applied(own),
        },
    ))
}

/// What became of each commit, of those that a write gave.
pub(crate) fn outcomes(commits: &[Commit], given: Vec<(usize, Outcome)>) -> Vec<Outcome> {
    let mut outcomes = vec![Outcome::Refused; commits.len()];
    for (index, outcome) in given {
        if let Some(place) = outcomes.get_mut(index) {
            *place = outcome;
        }
    }
    outcomes
}

impl Taken {
    fn lease(self) -> OwnLease {
        let published = self.places.first().map_or(0, |(sequence, _)| sequence.saturating_sub(1));
        let lease = Lease { stream: self.stream, fence: self.fence, published, tries: 0, refusals: 0 };
        OwnLease { lease, places: self.places, epoch: self.epoch }
    }
}
