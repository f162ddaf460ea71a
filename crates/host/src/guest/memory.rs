//! How much memory a guest has, its bound, and who else counts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};

/// The memory of the guests that work for one connection, in bytes.
#[derive(Clone, Default)]
pub(crate) struct Held(Arc<AtomicUsize>);

impl Held {
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The memory of one guest.
pub(crate) struct Memory {
    limits: StoreLimits,
    bytes: usize,
    held: Held,
}

impl Memory {
    /// At most `limit` bytes of each linear memory.
    pub fn new(limit: usize) -> Self {
        let limits = StoreLimitsBuilder::new().memory_size(limit).build();
        Self { limits, bytes: 0, held: Held::default() }
    }

    /// Counts what this guest takes from now on as held for a connection.
    pub fn count_in(&mut self, held: Held) {
        held.0.fetch_add(self.bytes, Ordering::Relaxed);
        self.held.0.fetch_sub(self.bytes, Ordering::Relaxed);
        self.held = held;
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grows = self.limits.memory_growing(current, desired, maximum)?;
        if grows {
            let more = desired.saturating_sub(current);
            self.bytes = self.bytes.saturating_add(more);
            self.held.0.fetch_add(more, Ordering::Relaxed);
        }
        Ok(grows)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}
