//! Shards of users: what a clock that many share sweeps one by one.

use perennial_domain::Timestamp;

use crate::postgres::{Pg, Postgres};
use crate::rows::Value;
use crate::{Shard, ShardStore, StoreError};

/// A shard as a parameter: NULL stands for all.
pub(super) fn number(shard: Option<Shard>) -> Value {
    shard.map_or(Value::Null, |shard| shard.number().into())
}

/// How far ahead a turn lies at most, in milliseconds: one beyond it was given by a clock that was wrong.
const FURTHEST: i64 = 120_000;

/// When the shard `$1` has something to do next, after `$2` and less than `$3` milliseconds later.
const NEXT: &str = "WITH c AS MATERIALIZED (SELECT perennial_now($2::bigint) AS now) \
     SELECT min(l.ready_at) FROM c CROSS JOIN (VALUES ('successor'), ('reminder')) AS k (kind) CROSS JOIN LATERAL ( \
     SELECT l.ready_at FROM lane AS l WHERE l.kind = k.kind AND NOT l.again AND l.shard = $1::bigint AND l.ready_at > c.now \
     AND l.ready_at < c.now + $3::bigint ORDER BY l.ready_at LIMIT 1) AS l";

impl<S: Pg> ShardStore for Postgres<S> {
    fn take_shard(&self, shard: Shard, now: Timestamp, hold_for: i64) -> Result<Option<i64>, StoreError> {
        self.query_one(
            "UPDATE shard AS s SET until = c.now + $3::bigint, fence = s.fence + 1, \
             wake_at = CASE WHEN s.wake_at > c.now THEN s.wake_at END \
             FROM (SELECT perennial_now($2::bigint) AS now) AS c \
             WHERE s.shard = $1::bigint AND (s.until <= c.now OR s.until > c.now + $4::bigint) RETURNING s.fence",
            &[shard.number().into(), self.now(now), hold_for.into(), FURTHEST.into()],
            |row| row.integer(),
        )
    }

    fn give_back_shard(&self, shard: Shard, fence: i64) -> Result<(), StoreError> {
        self.execute(
            "UPDATE shard SET until = 0 WHERE shard = $1::bigint AND fence = $2::bigint",
            &[shard.number().into(), fence.into()],
        )?;
        Ok(())
    }

    fn next_due(
        &self,
        shard: Shard,
        now: Timestamp,
        before: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let within = before.as_millis().saturating_sub(now.as_millis());
        let parameters = [shard.number().into(), self.now(now), within.into()];
        let found = self.query_one(NEXT, &parameters, |row| row.integer_or_null())?;
        Ok(found.flatten().map(Timestamp::from_millis))
    }

    fn wake_shard(&self, shard: Shard, at: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        let noted = self.execute(
            "UPDATE shard AS s SET wake_at = $2::bigint FROM (SELECT perennial_now($3::bigint) AS now) AS c \
             WHERE s.shard = $1::bigint AND (s.wake_at IS NULL OR s.wake_at > $2::bigint OR s.wake_at <= c.now) \
             RETURNING 1::bigint",
            &[shard.number().into(), at.into(), self.now(now)],
        )?;
        Ok(!noted.is_empty())
    }
}
