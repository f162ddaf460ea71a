//! The relay: publishes what waits in the outbox, stream by stream, in order.
//!
//! A lease keeps two relays from one stream, and a fence keeps one that was overtaken from marking. An event may be
//! published twice (a cut between publishing and marking), never skipped.

use perennial_domain::{StreamId, Timestamp};
use perennial_store::{StoreError, SystemStore};
use thiserror::Error;

use crate::{Bus, BusError};

/// How long a lease holds, in milliseconds: longer than any slice takes.
const LEASE: i64 = 10_000;

/// Events published under one lease.
const SLICE: u32 = 100;

/// Slices of one stream in one go.
const SLICES: u32 = 5;

/// Why a relay stopped early. What waits goes on waiting for the next.
#[derive(Debug, Error)]
pub enum RelayError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bus failed.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Publishes what waits in one stream; gives the number of events published. `now` gives the time anew at each slice.
pub async fn relay_stream(
    store: &impl SystemStore,
    bus: &impl Bus,
    stream: &StreamId,
    now: &impl Fn() -> Timestamp,
) -> Result<u32, RelayError> {
    let mut published: u32 = 0;
    for _ in 0..SLICES {
        let at = now();
        let Some(lease) = store.lease_stream(stream, at, at.plus_millis(LEASE))? else { break };
        let mut up_to = 0;
        let mut failure = None;
        for event in store.waiting_events(stream, SLICE)? {
            let (sequence, topic) = (event.sequence, event.topic.clone());
            match bus.publish(&topic, &event.into()).await {
                Ok(()) => up_to = sequence,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            published = published.saturating_add(1);
        }
        // Gives the lease back even where nothing was published. What was written meanwhile is found by the next round.
        store.mark_published(&lease, up_to, now())?;
        if let Some(error) = failure {
            return Err(error.into());
        }
    }
    Ok(published)
}

/// Publishes what waits in up to `streams` streams.
pub async fn relay_all(
    store: &impl SystemStore,
    bus: &impl Bus,
    streams: u32,
    now: &impl Fn() -> Timestamp,
) -> Result<u32, RelayError> {
    let mut published: u32 = 0;
    for stream in store.waiting_streams(now(), streams)? {
        published = published.saturating_add(relay_stream(store, bus, &stream, now).await?);
    }
    Ok(published)
}
