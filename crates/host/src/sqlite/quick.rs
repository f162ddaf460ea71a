//! Which reads are short enough to run where the guest runs.
//!
//! A hop to a thread that may block costs more than most reads. A read is tried at once, with a small budget and without
//! waiting for locks; one that needs more starts again on such a thread, and so do the next of its kind.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a read may compute at once, in steps of a thousand operations: about half a millisecond.
pub(super) const STEPS: u32 = 20;

/// How many reads of a kind are not tried at once after one that was too long.
const PASSED: u8 = 15;

/// How many kinds are remembered.
const KINDS: usize = 256;

/// The reads that were too long of late, by the hashes of their texts, with how many of their kind are still to be passed by.
/// Two kinds with one hash only cost a hop more.
#[derive(Default)]
pub(super) struct Quick(Mutex<HashMap<u64, u8>>);

impl Quick {
    /// Whether the read is to be tried at once.
    pub fn may_be(&self, text: &str) -> bool {
        let mut long = self.lock();
        let kind = long.hasher().hash_one(text);
        let Some(passed) = long.get_mut(&kind) else { return true };
        *passed = passed.saturating_sub(1);
        if *passed == 0 {
            long.remove(&kind);
        }
        false
    }

    /// The read was too long.
    pub fn was_not(&self, text: &str) {
        let mut long = self.lock();
        if long.len() >= KINDS {
            long.clear();
        }
        let kind = long.hasher().hash_one(text);
        long.insert(kind, PASSED);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{PASSED, Quick};

    #[test]
    fn a_long_read_is_tried_at_once_again_after_a_while() {
        let quick = Quick::default();
        quick.was_not("long");
        for _ in 0..PASSED {
            assert!(!quick.may_be("long") && quick.may_be("short"));
        }
        assert!(quick.may_be("long"));
    }
}
