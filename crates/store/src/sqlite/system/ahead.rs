//! After the clock has gone back: holds and leases that were made at a later time bind no longer than they were meant to.
//!
//! A lease holds for a minute at most, a stream of dead letters pauses no longer, a lane that is no endpoint's is held for no time at all, and an endpoint that hung for an hour.

/// Whether there are such at `?1`: the furthest of each sort says it.
pub(super) const LOOK: &str = "(EXISTS (SELECT 1 FROM lane WHERE failures <= 0 AND hold_until > ?1 + 120000) \
     OR EXISTS (SELECT 1 FROM lane WHERE failures > 0 AND hold_until > ?1 + 3700000) \
     OR EXISTS (SELECT 1 FROM shard AS s CROSS JOIN stream AS w ON w.shard = s.shard \
      WHERE s.shard BETWEEN 0 AND 15 AND w.relay_at > ?1 + 120000) \
     OR EXISTS (SELECT 1 FROM replay_stream WHERE turn_at > ?1 + 120000) \
     OR EXISTS (SELECT 1 FROM json_each('[\"successor\",\"reminder\",\"zone\",\"notification\"]') AS k CROSS JOIN shard AS s CROSS JOIN lane AS l \
      WHERE l.kind = k.value AND l.again = 1 AND s.shard BETWEEN 0 AND 15 AND l.shard = s.shard AND l.ready_at > ?1 + 120000 \
      AND l.next_at > ?1 + 120000))";

/// What takes them back at `?1`.
pub(super) const MEND: [&str; 5] = [
    "UPDATE lane SET hold_until = ?1, served_at = min(served_at, ?1) WHERE failures <= 0 AND hold_until > ?1 + 120000",
    "UPDATE lane SET hold_until = ?1, served_at = min(served_at, ?1) WHERE failures > 0 AND hold_until > ?1 + 3700000",
    "UPDATE stream SET relay_at = ?1 WHERE shard IN (SELECT shard FROM shard WHERE shard BETWEEN 0 AND 15) AND relay_at > ?1 + 120000",
    "UPDATE replay_stream SET turn_at = ?1 WHERE turn_at > ?1 + 120000",
    "UPDATE work SET wake_at = ?1 WHERE kind IN ('successor', 'reminder', 'zone', 'notification') AND again = 1 \
     AND wake_at > ?1 + 120000",
];
