//! Forgetting what is a deleted user's, table by table and piece by piece, a few users at a time in turn.
//!
//! Their tasks are marked, and go as those do that were deleted long ago (`forget.rs`). Everything may be cut off anywhere: a user
//! is done with when nothing is found any more. Then their row is left, of which nothing but the id, the role and when they were
//! deleted is kept.

use perennial_domain::Timestamp;
use serde_json::json;

use super::forget;
use crate::StoreError;
use crate::sqlite::{Sql, Sqlite};

/// Users in one go.
const USERS: i64 = 10;

/// How long the events of a deleted user wait to be published, in milliseconds: an hour. Then they are dropped.
const PUBLISHED_WITHIN: i64 = 3_600_000;

/// When a user is looked at again of whom nothing is left but what waits to be published or sealed, in milliseconds: at first, and
/// at most. In between it is a tenth of the time since they were deleted.
const PAUSES: [i64; 2] = [5_000, 60_000];

/// How long the entries of a deleted user wait for a seal where their chain is broken, in milliseconds: a day. Then they are erased
/// without: the chain says for ever that they are gone.
const SEALED_WITHIN: i64 = 86_400_000;

/// How far ahead a turn lies at most, in milliseconds: one beyond it was given by a clock that was wrong.
const FURTHEST: i64 = 120_000;

/// Whether it is anyone's turn at `?1`.
pub(super) const LOOK: &str = "(EXISTS (SELECT 1 FROM user INDEXED BY user_forgotten WHERE forget_at <= ?1) \
     OR EXISTS (SELECT 1 FROM user INDEXED BY user_forgotten WHERE forget_at > ?1 + 120000))";

/// Those whose turn it is, and up to which event each stream goes: what is published, or all where it has waited too long.
const TURN: &str = "SELECT json_group_array(json_array(u.id, coalesce( \
     (SELECT iif(u.deleted_at BETWEEN ?1 - ?2 AND ?1 + ?3, s.published, s.sequence) FROM stream AS s WHERE s.id = u.id), 0))) \
     FROM (SELECT id, deleted_at FROM user INDEXED BY user_forgotten WHERE forget_at IS NOT NULL \
      AND (forget_at <= ?1 OR forget_at > ?1 + ?3) ORDER BY forget_at LIMIT ?4) AS u";

/// The tables whose rows have their user's id and hang on no task, with the conditions under which an index has them by it.
const TABLES: &[(&str, &[&str])] = &[
    ("token", &["revoked_at IS NULL", "revoked_at IS NOT NULL"]),
    ("channel", &["deleted_at IS NULL", "deleted_at IS NOT NULL"]),
    ("channel_v2", &["deleted_at IS NULL", "deleted_at IS NOT NULL"]),
    ("project", &["deleted_at IS NULL", "deleted_at IS NOT NULL"]),
    ("idempotency", &["true"]),
    ("audit", &["true"]),
    ("audit_v4", &["true"]),
    ("notice", &["true"]),
    ("message", &["true"]),
    ("confirmation", &["true"]),
    // Of which nothing is left: with a conversation goes what it has.
    ("conversation", &[EMPTY]),
    // Before the work that stands for those that are open.
    ("dead_letter", &["true"]),
    // Dead letters; all other work hangs on tasks.
    ("work", &["parked_at IS NOT NULL"]),
];

/// Conversations of which nothing is left but themselves.
const EMPTY: &str = "NOT EXISTS (SELECT 1 FROM message AS m WHERE m.user_id = conversation.user_id AND m.conversation_id = conversation.id) \
     AND NOT EXISTS (SELECT 1 FROM confirmation AS f WHERE f.user_id = conversation.user_id AND f.conversation_id = conversation.id)";

/// The audit's entries that go when their turn is: those that are sealed, and all where nobody waits for that any more. The others
/// stay, whoever would take them away.
const GOES: &str = "seq <= coalesce((SELECT iif(unsealed_go, 9223372036854775807, sealed) FROM stream WHERE id = user.id), 9223372036854775807)";

/// Nobody waits any more for the seals of the users `?1` that are deleted since before `?2`: what is not sealed never can be.
const GIVE_UP: &str = "UPDATE stream SET unsealed_go = 1, seal_at = NULL, seal_tries = 0 \
     WHERE id IN (SELECT value ->> 0 FROM json_each(?1)) AND unsealed_go = 0 AND ((audited > sealed AND seal_tries > 0) \
     OR (audited = sealed AND EXISTS (SELECT 1 FROM audit_v4 WHERE user_id = stream.id AND seq > sealed))) \
     AND EXISTS (SELECT 1 FROM user WHERE id = stream.id AND deleted_at < ?2)";

/// Whatever else is theirs.
const OTHERS: &[&str] = &[
    // The lanes that are named by them, and by their channels as long as those are known.
    "DELETE FROM lane WHERE ?2 > 0 AND kind IN ('successor', 'reminder', 'zone') AND again IN (0, 1) \
     AND lane IN (SELECT value ->> 0 FROM json_each(?1))",
    "DELETE FROM lane WHERE kind = 'notification' AND again IN (0, 1) AND lane IN ( \
     SELECT c.id FROM json_each(?1) AS u CROSS JOIN channel_v2 AS c ON c.rowid IN ( \
     SELECT rowid FROM channel_v2 WHERE user_id = u.value ->> 0 AND deleted_at IS NULL LIMIT ?2))",
    "DELETE FROM outbox WHERE rowid IN (SELECT o.rowid FROM json_each(?1) AS u CROSS JOIN outbox AS o ON o.rowid IN ( \
     SELECT rowid FROM outbox WHERE stream_id = u.value ->> 0 AND sequence <= u.value ->> 1 LIMIT ?2))",
    "DELETE FROM stream_topic WHERE ?2 > 0 AND stream_id IN (SELECT value ->> 0 FROM json_each(?1)) \
     AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.stream_id = stream_topic.stream_id)",
    "DELETE FROM hot_lane WHERE ?2 > 0 AND stream_id IN (SELECT value ->> 0 FROM json_each(?1)) \
     AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.stream_id = hot_lane.stream_id)",
    "DELETE FROM stream WHERE ?2 > 0 AND id IN (SELECT value ->> 0 FROM json_each(?1)) \
     AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.stream_id = stream.id)",
    "DELETE FROM task_tag WHERE (user_id, tag, status, task_id) IN ( \
     SELECT g.user_id, g.tag, g.status, g.task_id FROM json_each(?1) AS u CROSS JOIN task_tag AS g \
     ON g.user_id = u.value ->> 0 AND (g.tag, g.status, g.task_id) IN ( \
     SELECT tag, status, task_id FROM task_tag WHERE user_id = u.value ->> 0 LIMIT ?2))",
    // In a zone of nobody's: that a user has moved is noted, and that goes too.
    "UPDATE user SET tz = 'UTC' WHERE ?2 > 0 AND id IN (SELECT value ->> 0 FROM json_each(?1)) AND tz <> 'UTC'",
    "DELETE FROM zone_change WHERE ?2 > 0 AND user_id IN (SELECT value ->> 0 FROM json_each(?1))",
    // It counts the tasks that are there.
    "DELETE FROM usage WHERE ?2 > 0 AND user_id IN (SELECT value ->> 0 FROM json_each(?1)) AND NOT EXISTS ( \
     SELECT 1 FROM task INDEXED BY task_by_status WHERE user_id = usage.user_id AND deleted_at IS NULL)",
    "DELETE FROM listener WHERE ?2 > 0 AND user_id IN (SELECT value ->> 0 FROM json_each(?1))",
    "DELETE FROM identity WHERE ?2 > 0 AND user_id IN (SELECT value ->> 0 FROM json_each(?1))",
];

/// Tasks of theirs, as many as there is room for.
const MARK: [&str; 2] =
    ["task_by_status WHERE deleted_at IS NULL", "task_deleted WHERE deleted_at IS NOT NULL"];

/// Goes a piece further with the users whose turn it is: of each table about `limit` rows.
pub(super) fn forget<S: Sql>(store: &Sqlite<S>, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    let ids = store.query_one(
        TURN,
        &[now.into(), PUBLISHED_WITHIN.into(), FURTHEST.into(), USERS.into()],
        |row| row.json::<Vec<(String, i64)>>(),
    )?;
    let users = ids.unwrap_or_default();
    let Some(each) = i64::from(limit).checked_div(i64::try_from(users.len()).unwrap_or(USERS)) else {
        return Ok(());
    };
    let (ids, each) = (json!(users).to_string(), each.max(1));
    for index in MARK {
        let room = forget::room(store, limit)?;
        let mark = format!(
            "UPDATE task SET forgotten = 1, version = version + 1 WHERE id IN ( \
             SELECT t.id FROM json_each(?1) AS u CROSS JOIN task AS t ON t.id IN ( \
             SELECT id FROM task INDEXED BY {index} AND user_id = u.value ->> 0 AND forgotten IS NULL LIMIT ?2) LIMIT ?3)"
        );
        store.execute(&mark, &[ids.clone().into(), each.into(), room.into()])?;
    }
    let deleted_before = now.plus_millis(SEALED_WITHIN.saturating_neg());
    store.execute(GIVE_UP, &[ids.clone().into(), deleted_before.into()])?;
    for statement in OTHERS.iter().map(|other| (*other).to_owned()).chain(TABLES.iter().map(piece)) {
        store.execute(&statement, &[ids.clone().into(), each.into()])?;
    }
    let [first, longest] = PAUSES;
    store.execute(&next_turn(), &[ids.into(), now.into(), first.into(), longest.into()])?;
    Ok(())
}

/// Takes away up to `?2` rows of each of the users `?1`.
fn piece((table, conditions): &(&str, &[&str])) -> String {
    let rows: Vec<String> = conditions
        .iter()
        .map(|condition| format!("SELECT rowid FROM {table} WHERE user_id = u.value ->> 0 AND {condition}"))
        .collect();
    format!(
        "DELETE FROM {table} WHERE rowid IN (SELECT c.rowid FROM json_each(?1) AS u CROSS JOIN {table} AS c \
         ON c.rowid IN ({} LIMIT ?2))",
        rows.join(" UNION ALL ")
    )
}

/// The next turn of the users `?1` of whom anything is left: behind all who wait, and later where only the relay or the seals can go on. Their
/// chain stays, without its entries.
fn next_turn() -> String {
    let any = |table: &str, condition: &str| {
        format!("EXISTS (SELECT 1 FROM {table} WHERE user_id = user.id AND {condition})")
    };
    let mut left = vec![
        any("task INDEXED BY task_by_status", "deleted_at IS NULL"),
        any("task INDEXED BY task_deleted", "deleted_at IS NOT NULL"),
        any("task_tag", "true"),
        any("usage", "true"),
    ];
    for (table, conditions) in TABLES {
        let conditions = if *table == "audit_v4" { &[GOES] } else { *conditions };
        left.extend(conditions.iter().map(|condition| any(table, condition)));
    }
    format!(
        "UPDATE user SET forget_at = CASE WHEN {} THEN ?2 WHEN EXISTS (SELECT 1 FROM outbox WHERE stream_id = user.id) \
         OR EXISTS (SELECT 1 FROM stream WHERE id = user.id AND (audited = 0 OR (unsealed_go = 0 AND (audited > sealed \
         OR EXISTS (SELECT 1 FROM audit_v4 WHERE user_id = stream.id AND seq > sealed))))) \
         THEN ?2 + max(?3, min(?4, (?2 - deleted_at) / 10)) END \
         WHERE id IN (SELECT value ->> 0 FROM json_each(?1))",
        left.join(" OR ")
    )
}
