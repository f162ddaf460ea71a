//! How much a statement may compute: a bound that does not depend on how busy the machine is.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;

/// Operations of SQLite's virtual machine in one step of a budget.
const OPERATIONS: c_int = 1000;

/// No bound.
const ENDLESS: u32 = u32::MAX;

/// What the statement that runs on one connection may still compute. When it is used up, the statement is interrupted.
pub(super) struct Budget(Arc<AtomicU32>);

impl Budget {
    /// Watches a connection, without a bound at first.
    pub fn watch(connection: &mut Connection) -> rusqlite::Result<Self> {
        let left = Arc::new(AtomicU32::new(ENDLESS));
        let spent = left.clone();
        connection.progress_handler(OPERATIONS, Some(move || spend(&spent)))?;
        Ok(Self(left))
    }

    /// Grants so many steps of a thousand operations.
    pub fn grant(&self, steps: u32) {
        self.0.store(steps, Ordering::Relaxed);
    }

    /// Takes the bound away; whether it had been reached.
    pub fn lift(&self) -> bool {
        self.0.swap(ENDLESS, Ordering::Relaxed) == 0
    }
}

/// One step was computed; whether it was one too many.
fn spend(left: &AtomicU32) -> bool {
    match left.load(Ordering::Relaxed) {
        ENDLESS => false,
        steps => {
            left.store(steps.saturating_sub(1), Ordering::Relaxed);
            steps <= 1
        }
    }
}
