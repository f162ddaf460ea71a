//! BYSETPOS: which places of a period are chosen.
#![expect(clippy::arithmetic_side_effects, reason = "a period has under 2^25 times, positions are below 367")]

use crate::rule::Parts;

/// BYSETPOS of a rule, sorted, without repetition.
pub(super) fn positions(parts: &Parts) -> Vec<i64> {
    let mut positions: Vec<i64> = parts.by_set_pos.iter().map(|&place| i64::from(place)).collect();
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// The chosen places, from 0, in a period of `size` times, in order.
pub(super) fn places(positions: &[i64], size: i64) -> Vec<i64> {
    let place = |&position: &i64| if position > 0 { position - 1 } else { size + position };
    let mut places: Vec<i64> =
        positions.iter().map(place).filter(|place| (0..size).contains(place)).collect();
    places.sort_unstable();
    places.dedup();
    places
}
