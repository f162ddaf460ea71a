//! The wasm engine: how guests are compiled, where their memory comes from, and what stops one that spins.

use std::time::Duration;

use anyhow::Context;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often a running guest can be interrupted.
const EPOCH: Duration = Duration::from_millis(10);

/// Core instances of one component: the guest's module and the shims around it.
const CORE_INSTANCES_PER_GUEST: u32 = 8;

/// How much of a memory stays with the process between two guests. Guests that touch no more cost no page faults: what
/// they wrote is copied back, found by the kernel's scan of the page map (Linux 6.7; older kernels copy the whole start).
const KEPT_MEMORY: usize = 4 * 1024 * 1024;

/// The same for a table.
const KEPT_TABLE: usize = 64 * 1024;

/// How many memories, tables and stacks beyond that are given back at once: each time costs all processors a flush.
const DECOMMIT_BATCH: usize = 8;

/// Makes the engine with room for `guests` at once.
pub(crate) fn engine(guests: u32) -> anyhow::Result<Engine> {
    let engine = Engine::new(&config(Some(pool(guests)))).or_else(|error| {
        tracing::warn!(%error, "no address space for the instance pool: guests are allocated one by one");
        Engine::new(&config(None))
    });
    let engine = engine.map_err(anyhow::Error::from).context("the wasm engine cannot start")?;
    start_epochs(&engine)?;
    Ok(engine)
}

fn config(pool: Option<PoolingAllocationConfig>) -> Config {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    config.epoch_interruption(true);
    if let Some(pool) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

fn pool(guests: u32) -> PoolingAllocationConfig {
    let core = guests.saturating_mul(CORE_INSTANCES_PER_GUEST);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(guests)
        .total_core_instances(core)
        .total_memories(guests)
        .total_tables(core)
        .total_stacks(guests.saturating_mul(2))
        .max_core_instances_per_component(CORE_INSTANCES_PER_GUEST.saturating_mul(4))
        .max_memories_per_component(4)
        .max_tables_per_component(CORE_INSTANCES_PER_GUEST.saturating_mul(4))
        .max_component_instance_size(1024 * 1024)
        .max_core_instance_size(1024 * 1024)
        .table_elements(100_000);
    pool.linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(KEPT_TABLE)
        .decommit_batch_size(DECOMMIT_BATCH)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Advances the epoch until the engine is gone.
fn start_epochs(engine: &Engine) -> anyhow::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("epochs".into())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(EPOCH);
            }
        })
        .context("the epoch thread cannot start")?;
    Ok(())
}
