//! Which reads are short enough to run where the guest runs.
//!
//! A hop to a thread that may block costs more than most reads. A read is tried at once, with a small budget and without
//! waiting for locks; one that needs more starts again on such a thread, and so do the next of its kind.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a read may compute at once, in steps of a thousand operations: about half a millisecond.
pub(super) const STEPS: u32 = 20;

/// How many reads of a kind are not tried at once after one that was too long.
const PASSED: u8 = 15;

/// How many kinds are remembered.
const KINDS: usize = 256;

/// The texts of the reads that were too long of late, with how many of their kind are still to be passed by.
#[derive(Default)]
pub(super) struct Quick(Mutex<HashMap<Box<str>, u8>>);

impl Quick {
    /// Whether the read is to be tried at once.
    pub fn may_be(&self, text: &str) -> bool {
        let mut long = self.lock();
        let Some(passed) = long.get_mut(text) else { return true };
        *passed = passed.saturating_sub(1);
        if *passed == 0 {
            long.remove(text);
        }
        false
    }

    /// The read was too long.
    pub fn was_not(&self, text: &str) {
        let mut long = self.lock();
        if long.len() >= KINDS {
            long.clear();
        }
        long.insert(text.into(), PASSED);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, u8>> {
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
