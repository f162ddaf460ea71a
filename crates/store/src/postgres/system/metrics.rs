//! What an operator watches, in one statement. Each part of it looks at a bounded number of rows, by an index: where there are few of
//! what is looked for, it is the order that has it found by that.

use perennial_domain::Timestamp;

use super::audit;
use crate::postgres::{Pg, Postgres};
use crate::rows::Row;
use crate::{Metrics, MetricsStore, StoreError};

/// Streams and lanes whose oldest is looked at: of each shard a few.
const LOOKED_AT: i64 = 100;
const OF_EACH: i64 = 10;

/// Counters read at most, and the parts that each has.
const COUNTERS: i64 = 200;
const PARTS: i64 = 16;

/// Since when the oldest work of a kind `k` is due that was, or was not, begun before. A successor is owed at once, at time 0:
/// since its occurrence was completed.
const DUE_SINCE: &str = "(SELECT min(CASE WHEN l.next_at > 0 THEN l.next_at ELSE ( \
     SELECT o.completed_at FROM work AS w CROSS JOIN LATERAL (SELECT o.completed_at FROM occurrence AS o \
      WHERE (o.task_id, o.recurrence_id) >= (w.task_id, w.recurrence_id) AND (o.task_id, o.recurrence_id) <= (w.task_id, w.recurrence_id) \
      ORDER BY o.task_id, o.recurrence_id LIMIT 1) AS o \
     WHERE w.kind = k.name AND w.again = {again} AND w.lane = l.lane AND w.wake_at = 0 LIMIT 1) END) \
     FROM generate_series(0, 15) AS h (shard) CROSS JOIN LATERAL ( \
     SELECT l.lane, l.next_at FROM lane AS l WHERE l.kind = k.name AND l.again = {again} AND l.shard = h.shard AND l.ready_at <= c.now \
     ORDER BY l.ready_at LIMIT {OF_EACH}) AS l)";

/// How much work of a kind `k` is due and may be taken.
const DUE: &str = "(SELECT count(*) FROM (SELECT 1 FROM (VALUES (false), (true)) AS a (again) CROSS JOIN generate_series(0, 15) AS h (shard) \
     CROSS JOIN LATERAL (SELECT l.lane, l.next_at FROM lane AS l \
      WHERE l.kind = k.name AND l.again = a.again AND l.shard = h.shard AND l.ready_at <= c.now ORDER BY l.ready_at LIMIT {MOST}) AS l \
     CROSS JOIN LATERAL (SELECT 1 FROM work AS w \
      WHERE w.kind = k.name AND w.again = a.again AND w.lane = l.lane AND w.wake_at >= l.next_at AND w.wake_at <= c.now \
      ORDER BY w.wake_at LIMIT {MOST}) AS w \
     LIMIT {MOST}) AS counted)";

/// Since when the first event of the stream `s` waits.
const WAITS_SINCE: &str = "(SELECT o.at FROM outbox AS o WHERE o.stream_id = s.id AND o.sequence > s.published \
     ORDER BY o.sequence LIMIT 1)";

const METRICS: &str = "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) AS now) \
     SELECT json_build_object('schema', (SELECT version FROM schema_version LIMIT 1), \
     'outbox_since', (SELECT min(waits.since) FROM ( \
      SELECT {WAITS_SINCE} AS since FROM generate_series(0, 15) AS h (shard) CROSS JOIN LATERAL ( \
       SELECT s.id, s.published FROM stream AS s WHERE s.shard = h.shard AND s.relay_at IS NOT NULL ORDER BY s.relay_at LIMIT {OF_EACH}) AS s \
      UNION ALL SELECT {WAITS_SINCE} FROM ( \
       SELECT s.id, s.published FROM stream AS s WHERE s.relay_tries > 0 ORDER BY s.relay_tries DESC LIMIT {LOOKED_AT}) AS s) AS waits), \
     'streams', (SELECT count(*) FROM ( \
      SELECT 1 FROM stream AS s WHERE s.relay_at IS NOT NULL ORDER BY s.shard, s.relay_at LIMIT {MOST}) AS counted), \
     'due', (SELECT json_object_agg(k.name, json_build_object('count', {DUE}, 'since', least({first}, {again}))) \
      FROM (VALUES ('successor'), ('reminder'), ('zone'), ('notification')) AS k (name)), \
     'parked', (SELECT json_build_object('successor', count(*) FILTER (WHERE kind = 'successor'), \
      'reminder', count(*) FILTER (WHERE kind = 'reminder'), 'zone', count(*) FILTER (WHERE kind = 'zone'), \
      'notification', count(*) FILTER (WHERE kind = 'notification'), 'event', count(*) FILTER (WHERE kind = 'event')) \
      FROM (SELECT w.kind FROM work AS w WHERE w.parked_at IS NOT NULL ORDER BY w.user_id, w.id LIMIT {MOST}) AS counted), \
     'letters', (SELECT count(*) FROM (SELECT 1 FROM dead_letter AS d WHERE d.status = 'open' ORDER BY d.place LIMIT {MOST}) AS counted), \
     'unsealed_since', {UNSEALED_SINCE}, \
     'tally', (SELECT coalesce(json_object_agg(name, value), '{}') FROM (SELECT name, sum(value)::bigint AS value FROM ( \
      SELECT t.name, t.value FROM tally AS t ORDER BY t.name, t.part LIMIT {COUNTERS} * {PARTS}) AS parts GROUP BY name) AS counted))::text \
     FROM c";

impl<S: Pg> MetricsStore for Postgres<S> {
    fn metrics(&self, now: Timestamp) -> Result<Metrics, StoreError> {
        let statement = METRICS
            .replace("{first}", &DUE_SINCE.replace("{again}", "false"))
            .replace("{again}", &DUE_SINCE.replace("{again}", "true"))
            .replace("{DUE}", DUE)
            .replace("{WAITS_SINCE}", WAITS_SINCE)
            .replace("{UNSEALED_SINCE}", audit::UNSEALED_SINCE)
            .replace("{OF_EACH}", &OF_EACH.to_string())
            .replace("{LOOKED_AT}", &LOOKED_AT.to_string())
            .replace("{COUNTERS}", &COUNTERS.to_string())
            .replace("{PARTS}", &PARTS.to_string())
            .replace("{MOST}", &Metrics::MOST.to_string());
        Ok(self.query_one(&statement, &[self.now(now)], Row::json)?.unwrap_or_default())
    }
}
