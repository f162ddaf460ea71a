//! Writing for several users, some of whom write themselves right then.
//!
//! A set is written at once for all whose streams nobody holds. Of those who are left the first is waited for, with nobody else's stream
//! locked, and then all are written at once whose streams are free by now: who held the first has mostly held the others too. One by one
//! they would be waited for once each, where several replicas write for the same users.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::slice::from_ref;
use std::time::{Duration, Instant};

use crate::StoreError;

/// How many who go on writing are waited for in a set.
const WAITED_FOR: usize = 2;

/// How often somebody is waited for, who goes on writing or not: those who are left have a turn at the next sweep.
const ROUNDS: usize = 8;

/// After so long nobody further is waited for. Whoever goes on writing is waited for two and a half seconds: then there is none after them,
/// for claims are held meanwhile, the shortest for five.
const PATIENCE: Duration = Duration::from_millis(250);

/// Writes items, one a user: all at once, and then what that leaves ([`write_rest`]).
pub(super) fn write_all<T: Clone>(
    items: Vec<T>,
    mut write: impl FnMut(&[T]) -> Result<Vec<T>, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let left = match items.as_slice() {
        [] | [_] => items,
        several => match write(several) {
            Err(StoreError::Busy(_)) => return Ok(items),
            left => left?,
        },
    };
    write_rest(left, write)
}

/// Writes what a set has left, an item a user. `write` waits for the user where it has one item ([`StoreError::Busy`]: not for ever), leaves
/// out those who are writing where it has several, and gives the items it left. Gives what is left at last: once [`WAITED_FOR`] users went
/// on writing, or others were waited for [`ROUNDS`] times or for [`PATIENCE`]. Which is first is left to chance: whoever is left by one sweep is
/// not by all.
pub(super) fn write_rest<T: Clone>(
    mut left: Vec<T>,
    mut write: impl FnMut(&[T]) -> Result<Vec<T>, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let begun = Instant::now();
    rotate(&mut left);
    let mut busy = Vec::new();
    for _ in 0..ROUNDS {
        if left.is_empty() || busy.len() >= WAITED_FOR || begun.elapsed() > PATIENCE {
            break;
        }
        let first = left.remove(0);
        match write(from_ref(&first)) {
            Err(StoreError::Busy(_)) => busy.push(first),
            written => busy.extend(written?),
        }
        if left.len() > 1 {
            match write(&left) {
                Err(StoreError::Busy(_)) => break,
                again => left = again?,
            }
        }
    }
    busy.append(&mut left);
    Ok(busy)
}

/// Begins anywhere. Of a time it would not be anywhere: clocks tick in round numbers.
fn rotate<T>(items: &mut [T]) {
    let many = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let first = RandomState::new().build_hasher().finish().checked_rem(many);
    items.rotate_left(first.and_then(|first| usize::try_from(first).ok()).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn two_who_go_on_are_waited_for_and_each_sometimes() {
        let mut ever = BTreeSet::new();
        for _ in 0..1_000 {
            let mut waited_for = Vec::new();
            let left = write_rest((0..5).collect(), |items| match items {
                [item] => {
                    waited_for.push(*item);
                    Err(StoreError::Busy(String::new()))
                }
                several => Ok(several.to_vec()),
            })
            .unwrap();
            assert_eq!((waited_for.len(), left.len()), (WAITED_FOR, 5));
            ever.extend(waited_for);
        }
        assert_eq!(ever, (0..5).collect());
    }

    #[test]
    fn who_held_many_is_waited_for_once() {
        let (mut statements, mut held) = (0, true);
        let left = write_rest((0..100).collect(), |items| {
            statements += 1;
            held &= items.len() > 1;
            Ok(if held { items.to_vec() } else { Vec::new() })
        });
        assert_eq!((left.unwrap(), statements), (vec![], 2));
    }

    #[test]
    fn nobody_is_waited_for_without_end() {
        let (mut alone, mut written) = (0, 0);
        let left = write_rest((0..100).collect(), |items| match items {
            [_] => {
                (alone, written) = (alone + 1, written + 1);
                Ok(Vec::new())
            }
            several => Ok(several.to_vec()),
        });
        assert_eq!((left.unwrap().len(), alone, written), (100 - ROUNDS, ROUNDS, ROUNDS));
    }

    #[test]
    fn nobody_is_waited_for_once_others_were_for_long() {
        let mut alone = 0;
        let left = write_rest((0..100).collect(), |items| match items {
            [_] => {
                alone += 1;
                std::thread::sleep(PATIENCE * 2 / 3);
                Ok(Vec::new())
            }
            several => Ok(several.to_vec()),
        });
        assert_eq!((left.unwrap().len(), alone), (98, 2));
    }

    #[test]
    fn any_other_error_ends_it() {
        let gone = |_: &[u8]| Err(StoreError::Unavailable("gone".to_owned()));
        assert!(matches!(write_rest(vec![1, 2], gone), Err(StoreError::Unavailable(_))));
        assert!(write_rest(vec![], gone).unwrap().is_empty());
    }
}
