//! Lanes: the streams that a hot user's events are published in (schema/0001_tables.sql: hot_lane).
//!
//! A user's log is one stream and is published in its order, up to one place. What comes before an event in its lane is kept beside it, and
//! is as exact after a cut as before: it is noted after publishing and before the mark, and says which of both it is about.

use super::outbox::{FOR_MOMENTS, MAY_BE_LOST};
use crate::postgres::{Pg, Postgres};
use crate::rows::relay;
use crate::{LaneEnd, Lanes, Lease, StoreError};

/// The lanes of the leased streams `$1`, one row each, and one with no lane of a stream that has none yet; no row of a stream whose lease
/// was overtaken: its rows may tell of what another has published since.
const LAST: &str = "SELECT s.id, h.lane, h.topic, CASE WHEN h.last <= (e ->> 2)::bigint THEN h.last ELSE h.before END \
     FROM json_array_elements($1::text::json) AS e JOIN stream AS s ON s.id = e ->> 0 AND s.fence = (e ->> 1)::bigint \
     LEFT JOIN hot_lane AS h ON h.stream_id = s.id";

/// Notes the ends `$1` of lanes. An event that is gone was of a user who is: nothing is kept of theirs.
fn noted() -> String {
    format!(
        "WITH e AS MATERIALIZED (SELECT e.n, e.doc ->> 0 AS stream_id, (e.doc ->> 1)::bigint AS fence, (e.doc ->> 2)::bigint AS lane, \
          e.doc ->> 3 AS topic, (e.doc ->> 4)::bigint AS last, (e.doc ->> 5)::bigint AS before \
          FROM json_array_elements($1::text::json) WITH ORDINALITY AS e (doc, n) WHERE {FOR_MOMENTS}), \
         l AS MATERIALIZED (SELECT s.id FROM stream AS s WHERE (s.id, s.fence) IN (SELECT e.stream_id, e.fence FROM e) \
          ORDER BY s.id FOR NO KEY UPDATE) \
         INSERT INTO hot_lane (stream_id, lane, topic, last, before) \
         SELECT DISTINCT ON (l.id, e.lane, e.topic) l.id, e.lane, e.topic, e.last, e.before FROM e JOIN l ON l.id = e.stream_id \
         WHERE EXISTS (SELECT 1 FROM outbox AS o WHERE o.stream_id = l.id AND o.sequence = e.last) AND {MAY_BE_LOST} \
         ORDER BY l.id, e.lane, e.topic, e.n DESC \
         ON CONFLICT (stream_id, lane, topic) DO UPDATE SET last = excluded.last, before = excluded.before"
    )
}

/// The lanes of those of these streams that are hot.
pub(super) fn of<S: Pg>(store: &Postgres<S>, leases: &[Lease]) -> Result<Vec<Lanes>, StoreError> {
    let hot = relay::hot(&store.hot.borrow(), leases);
    if hot.is_empty() {
        return Ok(Vec::new());
    }
    let rows = store.query(LAST, &[relay::asked(&hot)?.into()], relay::last)?;
    Ok(relay::lanes(&hot, rows))
}

pub(super) fn note<S: Pg>(store: &Postgres<S>, ends: &[LaneEnd]) -> Result<(), StoreError> {
    if ends.is_empty() {
        return Ok(());
    }
    store.execute(&noted(), &[relay::ends(ends)?.into()])?;
    Ok(())
}
