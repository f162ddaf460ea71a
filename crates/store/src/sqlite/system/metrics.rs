//! What an operator watches, in one statement. Each part of it looks at a bounded number of rows, by an index.

use perennial_domain::Timestamp;

use super::audit;
use crate::rows::Row;
use crate::sqlite::{Sql, Sqlite};
use crate::{Metrics, MetricsStore, StoreError};

/// Streams and lanes whose oldest is looked at: of each shard a few.
const LOOKED_AT: i64 = 100;
const OF_EACH: i64 = 10;

/// Counters read at most.
const COUNTERS: i64 = 200;

/// The kinds of work that comes due.
const DUE: &str = "[\"successor\",\"reminder\",\"zone\",\"notification\"]";

/// Since when the oldest work of a kind `k` is due that was, or was not, begun before. A successor is owed at once, at time 0:
/// since its occurrence was completed.
const DUE_SINCE: &str = "(SELECT min(CASE WHEN walked.next_at > 0 THEN walked.next_at ELSE \
     (SELECT o.completed_at FROM work AS w CROSS JOIN occurrence AS o ON o.task_id = w.task_id AND o.recurrence_id = w.recurrence_id \
     WHERE w.kind = k.value AND w.again = {again} AND w.lane = walked.lane AND w.wake_at = 0 LIMIT 1) END) \
     FROM shard AS s CROSS JOIN lane AS walked ON s.shard BETWEEN 0 AND 15 AND walked.kind = k.value AND walked.again = {again} AND walked.lane IN ( \
     SELECT lane FROM lane WHERE kind = k.value AND again = {again} AND shard = s.shard AND ready_at <= ?1 \
     ORDER BY ready_at LIMIT {OF_EACH}))";

/// Since when the first event of the stream `walked` waits.
const WAITS_SINCE: &str = "(SELECT o.at FROM outbox AS o WHERE o.stream_id = walked.id AND o.sequence > walked.published \
     ORDER BY o.sequence LIMIT 1)";

const METRICS: &str = "SELECT json_object('schema', (SELECT version FROM schema_version WHERE only = 1), \
     'outbox_since', (SELECT min(since) FROM ( \
      SELECT {WAITS_SINCE} AS since FROM shard AS s CROSS JOIN stream AS walked ON s.shard BETWEEN 0 AND 15 AND walked.id IN ( \
       SELECT id FROM stream WHERE shard = s.shard AND relay_at IS NOT NULL ORDER BY relay_at LIMIT {OF_EACH}) \
      UNION ALL SELECT {WAITS_SINCE} FROM ( \
       SELECT id, published FROM stream WHERE relay_tries > 0 ORDER BY relay_tries DESC LIMIT {LOOKED_AT}) AS walked)), \
     'streams', (SELECT count(*) FROM (SELECT 1 FROM stream WHERE relay_at IS NOT NULL LIMIT {MOST})), \
     'due', json((SELECT json_group_object(k.value, json_object('count', \
      (SELECT count(*) FROM (SELECT 1 FROM lane AS l INDEXED BY lane_ready_v6 CROSS JOIN work AS w ON w.kind = l.kind AND w.again = l.again AND w.lane = l.lane \
       AND w.wake_at <= ?1 WHERE l.kind = k.value AND l.again IN (0, 1) AND l.shard IN (SELECT shard FROM shard WHERE shard BETWEEN 0 AND 15) AND l.ready_at <= ?1 \
       LIMIT {MOST})), \
      'since', coalesce(min({first}, {again}), {first}, {again}))) FROM json_each('{DUE}') AS k)), \
     'parked', json((SELECT json_object('successor', count(*) FILTER (WHERE kind = 'successor'), 'reminder', count(*) FILTER (WHERE kind = 'reminder'), \
      'zone', count(*) FILTER (WHERE kind = 'zone'), 'notification', count(*) FILTER (WHERE kind = 'notification'), 'event', count(*) FILTER (WHERE kind = 'event')) \
      FROM (SELECT kind FROM work WHERE parked_at IS NOT NULL LIMIT {MOST}) AS walked)), \
     'letters', (SELECT count(*) FROM (SELECT 1 FROM dead_letter WHERE status = 'open' LIMIT {MOST})), \
     'unsealed_since', {UNSEALED_SINCE}, \
     'tally', json((SELECT json_group_object(name, value) FROM (SELECT name, value FROM tally LIMIT {COUNTERS}) AS walked)))";

impl<S: Sql> MetricsStore for Sqlite<S> {
    fn metrics(&self, now: Timestamp) -> Result<Metrics, StoreError> {
        let statement = METRICS
            .replace("{first}", &DUE_SINCE.replace("{again}", "0"))
            .replace("{again}", &DUE_SINCE.replace("{again}", "1"))
            .replace("{WAITS_SINCE}", WAITS_SINCE)
            .replace("{UNSEALED_SINCE}", audit::UNSEALED_SINCE)
            .replace("{OF_EACH}", &OF_EACH.to_string())
            .replace("{LOOKED_AT}", &LOOKED_AT.to_string())
            .replace("{COUNTERS}", &COUNTERS.to_string())
            .replace("{MOST}", &Metrics::MOST.to_string())
            .replace("{DUE}", DUE);
        Ok(self.query_one(&statement, &[now.into()], Row::json)?.unwrap_or_default())
    }
}
