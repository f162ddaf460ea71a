//! Lanes: the streams that a hot user's events are published in (schema/0007_lanes.sql).
//!
//! A user's log is one stream and is published in its order, up to one place. What comes before an event in its lane is kept beside it, and
//! is as exact after a cut as before: it is noted after publishing and before the mark, and says which of both it is about.

use crate::rows::relay;
use crate::sqlite::{Sql, Sqlite, Sync};
use crate::{LaneEnd, Lanes, Lease, StoreError};

/// The lanes of the leased streams `?1`, one row each, and one with no lane of a stream that has none yet; no row of a stream whose lease
/// was overtaken: its rows may tell of what another has published since.
const LAST: &str = "SELECT s.id, h.lane, h.topic, iif(h.last <= e.value ->> 2, h.last, h.before) \
     FROM json_each(?1) AS e CROSS JOIN stream AS s ON s.id = e.value ->> 0 AND s.fence = e.value ->> 1 \
     LEFT JOIN hot_lane AS h ON h.stream_id = s.id";

/// Notes the ends `?1` of lanes. An event that is gone was of a user who is: nothing is kept of theirs.
const NOTE: &str = "INSERT INTO hot_lane (stream_id, lane, topic, last, before) \
     SELECT s.id, e.value ->> 2, e.value ->> 3, e.value ->> 4, e.value ->> 5 \
     FROM json_each(?1) AS e CROSS JOIN stream AS s ON s.id = e.value ->> 0 AND s.fence = e.value ->> 1 \
     WHERE EXISTS (SELECT 1 FROM outbox WHERE stream_id = s.id AND sequence = e.value ->> 4) \
     ON CONFLICT (stream_id, lane, topic) DO UPDATE SET last = excluded.last, before = excluded.before";

/// The lanes of those of these streams that are hot.
pub(super) fn of<S: Sql>(store: &Sqlite<S>, leases: &[Lease]) -> Result<Vec<Lanes>, StoreError> {
    let hot = relay::hot(&store.hot.borrow(), leases);
    if hot.is_empty() {
        return Ok(Vec::new());
    }
    let rows = store.query(LAST, &[relay::asked(&hot)?.into()], relay::last)?;
    Ok(relay::lanes(&hot, rows))
}

pub(super) fn note<S: Sql>(store: &Sqlite<S>, ends: &[LaneEnd]) -> Result<(), StoreError> {
    if ends.is_empty() {
        return Ok(());
    }
    store.sync(Sync::Normal)?;
    store.execute(NOTE, &[relay::ends(ends)?.into()])?;
    Ok(())
}
