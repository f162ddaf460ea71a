//! Shards of users: what a clock that many share sweeps one by one.

use perennial_domain::Timestamp;

use crate::sqlite::{Sql, Sqlite, Sync, Value};
use crate::{Shard, ShardStore, StoreError};

/// A shard as a parameter: NULL stands for all.
pub(super) fn number(shard: Option<Shard>) -> Value {
    shard.map_or(Value::Null, |shard| shard.number().into())
}

/// How far ahead a turn lies at most, in milliseconds: one beyond it was given by a clock that was wrong.
const FURTHEST: i64 = 120_000;

/// When the shard `?1` has something to do next, after `?2` and before `?3`.
const NEXT: &str = "SELECT min(at) FROM ( \
     SELECT (SELECT ready_at FROM lane WHERE kind = k.value AND again = 0 AND ready_at > ?2 AND ready_at < ?3 AND shard = ?1 \
      ORDER BY ready_at LIMIT 1) AS at FROM json_each('[\"successor\",\"reminder\"]') AS k)";

impl<S: Sql> ShardStore for Sqlite<S> {
    fn take_shard(&self, shard: Shard, now: Timestamp, hold_for: i64) -> Result<Option<i64>, StoreError> {
        self.sync(Sync::Normal)?;
        self.query_one(
            "UPDATE shard SET until = ?2 + ?3, fence = fence + 1, wake_at = CASE WHEN wake_at > ?2 THEN wake_at END \
             WHERE shard = ?1 AND (until <= ?2 OR until > ?2 + ?4) RETURNING fence",
            &[shard.number().into(), now.into(), hold_for.into(), FURTHEST.into()],
            |row| row.integer(),
        )
    }

    fn give_back_shard(&self, shard: Shard, fence: i64) -> Result<(), StoreError> {
        self.sync(Sync::Normal)?;
        self.execute(
            "UPDATE shard SET until = 0 WHERE shard = ?1 AND fence = ?2",
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
        let found = self.query_one(NEXT, &[shard.number().into(), now.into(), before.into()], |row| {
            row.integer_or_null()
        })?;
        Ok(found.flatten().map(Timestamp::from_millis))
    }

    fn wake_shard(&self, shard: Shard, at: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        self.sync(Sync::Normal)?;
        let noted = self.execute(
            "UPDATE shard SET wake_at = ?2 WHERE shard = ?1 AND (wake_at IS NULL OR wake_at > ?2 OR wake_at <= ?3) RETURNING 1",
            &[shard.number().into(), at.into(), now.into()],
        )?;
        Ok(!noted.is_empty())
    }
}
