//! How much memory a guest has, its bound, and who else counts it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    counted: Counted,
}

/// What one guest holds, and for which connection.
#[derive(Clone, Default)]
pub(crate) struct Counted(Arc<Mutex<(usize, Held)>>);

impl Counted {
    /// From now on it counts as held for this connection.
    pub fn count_in(&self, held: Held) {
        let mut counted = self.lock();
        counted.1.0.fetch_sub(counted.0, Ordering::Relaxed);
        held.0.fetch_add(counted.0, Ordering::Relaxed);
        counted.1 = held;
    }

    /// Its answer is sent: what it holds from now on, it holds for no connection.
    pub fn is_sent(&self) {
        self.count_in(Held::default());
    }

    fn grow(&self, more: usize) {
        let mut counted = self.lock();
        counted.0 = counted.0.saturating_add(more);
        counted.1.0.fetch_add(more, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, (usize, Held)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// At most `limit` bytes of each linear memory.
    pub fn new(limit: usize) -> Self {
        let limits = StoreLimitsBuilder::new().memory_size(limit).build();
        Self { limits, counted: Counted::default() }
    }

    /// Counts what this guest takes as held for a connection, until its answer is sent.
    pub fn count_in(&self, held: Held) -> Counted {
        self.counted.count_in(held);
        self.counted.clone()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.counted.is_sent();
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
            self.counted.grow(desired.saturating_sub(current));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_holds_memory_for_its_connection_until_its_answer_is_sent() {
        let (held, memory) = (Held::default(), Memory::new(1 << 20));
        memory.counted.grow(100);
        let counted = memory.count_in(held.clone());
        memory.counted.grow(50);
        assert_eq!(held.bytes(), 150);
        counted.is_sent();
        memory.counted.grow(50);
        assert_eq!(held.bytes(), 0);
        drop(memory);
        assert_eq!(held.bytes(), 0);
        let memory = Memory::new(1 << 20);
        memory.count_in(held.clone());
        memory.counted.grow(7);
        assert_eq!(held.bytes(), 7);
        drop(memory);
        assert_eq!(held.bytes(), 0);
    }
}
