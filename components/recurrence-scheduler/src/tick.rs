//! One slice of the clock's work: a sweep, what it led to is published, and then what may bring us down.

use perennial_domain::{Ids, Timestamp};
use perennial_store::{SealStore, Shard, ShardStore, Store, StoreError, WorkStore};
use serde::Serialize;

use crate::{Swept, sweep_fresh};

/// How long it is to the next tick, in milliseconds.
const TICK: i64 = 1_000;

/// How long the sweep of a shard is one's own, in milliseconds: longer than it takes.
const SWEEP: i64 = 15_000;

/// Where events go.
#[expect(async_fn_in_trait, reason = "guests run on one thread; no caller needs the future to be Send")]
pub trait Outlet {
    /// The sweep is done: whoever waits for it may be told, before anything goes where it may hang.
    async fn swept(&self) {}
    /// Publishes what waits, of one shard where one is named; gives the number of events.
    async fn relay(&self, shard: Option<Shard>) -> Result<u32, String>;
    /// Has the clock call for a shard once more at an instant that lies before its next tick.
    async fn wake(&self, shard: Shard, at: Timestamp) -> Result<(), String>;
    /// Sends dead letters again that are to be; gives their number.
    async fn replay(&self) -> Result<u32, String>;
}

/// What one slice of the clock's work came to.
#[derive(Debug, Default, Serialize)]
pub struct Ticked {
    /// What the sweep came to.
    #[serde(flatten)]
    pub swept: Swept,
    /// Events that were published.
    pub relayed: u32,
    /// Dead letters sent again.
    pub replayed: u32,
    /// Why not all of it was done: the first reason.
    #[serde(skip)]
    pub failed: Option<String>,
}

impl Ticked {
    /// What was done; what was not holds up nothing else.
    fn note(&mut self, done: Result<u32, String>) -> u32 {
        done.unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            0
        })
    }
}

/// Does one slice of the clock's work, of all shards or of one; `None`: another is at the sweep of that one. Ticks that were missed
/// all come at once.
///
/// The shard is ours for the sweep alone: streams and what is claimed have leases of their own, and a bus that hangs holds no
/// shard. Publishing comes before what may bring us down, and where it fails, that is done all the same.
///
/// # Errors
/// When the store fails.
pub async fn tick<S: Store + WorkStore + SealStore + ShardStore>(
    store: &S,
    shard: Option<Shard>,
    now: &impl Fn() -> Timestamp,
    ids: &mut dyn Ids,
    outlet: &impl Outlet,
) -> Result<Option<Ticked>, StoreError> {
    let hold = match shard {
        Some(shard) => match store.take_shard(shard, now(), SWEEP)? {
            Some(fence) => Some((shard, fence)),
            None => return Ok(None),
        },
        None => None,
    };
    let swept = sweep_fresh(store, shard, now, &mut *ids);
    if let Some((shard, fence)) = hold {
        store.give_back_shard(shard, fence)?;
    }
    let (swept, unfinished) = swept?;
    outlet.swept().await;
    let mut ticked = Ticked { swept, ..Ticked::default() };
    if let Some(shard) = shard {
        wake(store, shard, now(), outlet, &mut ticked).await?;
    }
    if ticked.swept.relay {
        let relayed = outlet.relay(shard).await;
        ticked.relayed = ticked.note(relayed);
    }
    if !unfinished.is_empty() {
        ticked.swept.relay = false;
        unfinished.sweep(store, now, ids, &mut ticked.swept)?;
        if ticked.swept.relay && ticked.failed.is_none() {
            let relayed = outlet.relay(shard).await;
            ticked.relayed = ticked.relayed.saturating_add(ticked.note(relayed));
        }
    }
    if ticked.swept.letters {
        let replayed = outlet.replay().await;
        ticked.replayed = ticked.note(replayed);
    }
    Ok(Some(ticked))
}

/// Has a shard woken for what comes due in it before its next tick, unless that is asked for already. Where it fails, the next tick finds
/// what is due.
async fn wake(
    store: &impl ShardStore,
    shard: Shard,
    now: Timestamp,
    outlet: &impl Outlet,
    ticked: &mut Ticked,
) -> Result<(), StoreError> {
    let Some(at) = store.next_due(shard, now, now.plus_millis(TICK))? else { return Ok(()) };
    if store.wake_shard(shard, at, now)?
        && let Err(error) = outlet.wake(shard, at).await
    {
        ticked.swept.failures.push(format!("a shard is woken by its next tick only: {error}"));
    }
    Ok(())
}
