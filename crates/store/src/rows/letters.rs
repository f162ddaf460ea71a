//! What becomes of dead letters, as statements are told it and tell it.

use serde_json::{Value, json};

use super::Row;
use crate::{Keeping, Replayed, StoreError};

/// Letters looked at for one page.
pub(crate) const WALK: u32 = 10_000;

/// Bytes of letters that are read at once to be sent again, about.
pub(crate) const LARGEST_ANSWER: u32 = 4 << 20;

/// How far ahead the turn of whoever sends letters again lies at most, in milliseconds: one beyond it was given by a clock that was
/// wrong.
pub(crate) const FURTHEST: i64 = 60_000;

/// What became of an event that was given up.
pub(crate) fn keeping(row: &mut Row) -> Result<Keeping, StoreError> {
    Ok(match row.text()?.as_str() {
        "deleted" => Keeping::Deleted,
        "applied" => Keeping::Applied,
        "kept" => Keeping::Kept,
        _ => Keeping::NoRoom,
    })
}

/// What became of letters that were to be sent again: `[[place, status, tries, error]]`.
pub(crate) fn replayed(letters: &[Replayed]) -> Vec<Value> {
    let letter = |Replayed { place, status, tries, error }: &Replayed| json!([place, status, tries, error]);
    letters.iter().map(letter).collect()
}

/// The metric that counts what a consumer was given again.
pub(crate) fn repeated(consumer: &str) -> String {
    format!("duplicate_events_total{{consumer=\"{consumer}\"}}")
}
