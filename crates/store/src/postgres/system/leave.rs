//! Forgetting what is a deleted user's, table by table and piece by piece, a few users at a time in turn.
//!
//! Their tasks are marked, and go as those do that were deleted long ago (`forget.rs`). Everything may be cut off anywhere: a user
//! is done with when nothing is found any more. Then their row is left, of which nothing but the id, the role and when they were
//! deleted is kept. Several may be at it at once: each takes the rows that are free.

use perennial_domain::Timestamp;
use serde_json::json;

use super::forget;
use super::prune::{by, none, taken};
use crate::StoreError;
use crate::postgres::{Pg, Postgres};

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

/// Whether it is anyone's turn at `c.now`.
pub(super) const LOOK: &str = "coalesce((SELECT u.forget_at FROM account AS u WHERE u.forget_at IS NOT NULL ORDER BY u.forget_at LIMIT 1) <= c.now \
     OR (SELECT u.forget_at FROM account AS u WHERE u.forget_at > c.now + 120000 ORDER BY u.forget_at LIMIT 1) IS NOT NULL, false)";

/// Those whose turn it is, and up to which event each stream goes: what is published, or all where it has waited too long.
const TURN: &str = "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) AS now) \
     SELECT json_build_array(u.id, coalesce((SELECT CASE WHEN u.deleted_at BETWEEN c.now - $2::bigint AND c.now + $3::bigint \
      THEN s.published ELSE s.sequence END FROM stream AS s WHERE s.id = u.id), 0))::text \
     FROM c CROSS JOIN LATERAL ( \
     (SELECT u.id, u.deleted_at, u.forget_at FROM account AS u WHERE u.forget_at <= c.now ORDER BY u.forget_at LIMIT $4::bigint) \
     UNION ALL (SELECT u.id, u.deleted_at, u.forget_at FROM account AS u WHERE u.forget_at > c.now + $3::bigint \
      ORDER BY u.forget_at LIMIT $4::bigint) ORDER BY forget_at LIMIT $4::bigint) AS u";

/// The users `$1`, each with up to where their events go.
const USERS_OF: &str =
    "(SELECT e ->> 0 AS id, (e ->> 1)::bigint AS up_to FROM json_array_elements($1::text::json) AS e) AS u";

/// The tables whose rows have their user's id and hang on no task: a table, which of a user's rows an index has, and the order of it.
const TABLES: [(&str, &str, &str); 14] = [
    ("token", "r.revoked_at IS NULL", "user_id"),
    ("token", "r.revoked_at IS NOT NULL", "user_id"),
    ("channel", "r.deleted_at IS NULL", "user_id"),
    ("channel", "r.deleted_at IS NOT NULL", "user_id"),
    ("project", "r.deleted_at IS NULL", "user_id"),
    ("project", "r.deleted_at IS NOT NULL", "user_id"),
    ("idempotency", "true", "user_id"),
    ("audit", GOES, "seq"),
    ("notice", "true", "user_id"),
    ("message", "true", "user_id"),
    ("confirmation", "true", "user_id"),
    // Of which nothing is left: with a conversation goes what it has.
    ("conversation", EMPTY, "user_id"),
    // Before the work that stands for those that are open.
    ("dead_letter", "true", "user_id"),
    // Dead letters; all other work hangs on tasks.
    ("work", "r.parked_at IS NOT NULL", "user_id"),
];

/// Conversations of which nothing is left but themselves.
const EMPTY: &str = "NOT EXISTS (SELECT 1 FROM message AS m WHERE m.user_id = r.user_id AND m.conversation_id = r.id) \
     AND NOT EXISTS (SELECT 1 FROM confirmation AS f WHERE f.user_id = r.user_id AND f.conversation_id = r.id)";

/// Which rows of such a table are the user's `u`.
fn theirs(condition: &str, order: &str) -> String {
    let is_theirs = if order == "user_id" { by("user_id", "u.id") } else { "r.user_id = u.id".to_owned() };
    format!("{is_theirs} AND {condition}")
}

/// The audit's entries that go when their turn is: those that are sealed, and all where nobody waits for that any more. The others
/// stay, whoever would take them away.
const GOES: &str = "r.seq <= coalesce((SELECT CASE WHEN s.unsealed_go THEN 9223372036854775807 ELSE s.sealed END FROM stream AS s \
     WHERE s.id = u.id), 9223372036854775807)";

/// Nobody waits any more for the seals of the users that are deleted since before `$2`: what is not sealed never can be.
const GIVE_UP: &str = "UPDATE stream AS s SET unsealed_go = true, seal_at = NULL, seal_tries = 0 WHERE s.id IN ( \
     SELECT s.id FROM stream AS s WHERE s.id IN (SELECT e ->> 0 FROM json_array_elements($1::text::json) AS e) ORDER BY s.id \
     FOR NO KEY UPDATE SKIP LOCKED) \
     AND NOT s.unsealed_go AND ((s.audited > s.sealed AND s.seal_tries > 0) \
     OR (s.audited = s.sealed AND EXISTS (SELECT 1 FROM audit AS a WHERE a.user_id = s.id AND a.seq > s.sealed))) \
     AND EXISTS (SELECT 1 FROM account AS u WHERE u.id = s.id AND u.deleted_at < perennial_now($2::bigint) - $3::bigint)";

/// Tasks of theirs, as many as there is room for.
const MARK: [&str; 2] = ["r.deleted_at IS NULL", "r.deleted_at IS NOT NULL"];

/// What else is theirs: a table, which of its rows are the user's `u`, and the order of the index that has them.
const OTHERS: [(&str, &str, &str); 8] = [
    // The lanes that are named by them, and by their channels as long as those are known.
    (
        "lane",
        "r.kind IN ('successor', 'reminder', 'zone') AND r.again IN (false, true) AND r.lane = u.id",
        "r.kind",
    ),
    (
        "lane",
        "r.kind = 'notification' AND r.again IN (false, true) AND r.lane = ANY (ARRAY( \
         SELECT h.id FROM channel AS h WHERE h.user_id = u.id AND h.deleted_at IS NULL ORDER BY h.id LIMIT $2::bigint))",
        "r.lane",
    ),
    ("outbox", "r.stream_id = u.id AND r.sequence <= u.up_to", "r.sequence"),
    ("task_tag", "r.user_id = u.id", "r.tag"),
    ("zone_change", "r.user_id = u.id", "r.turn"),
    // It counts the tasks that are there.
    (
        "usage",
        "r.user_id = u.id AND (SELECT t.id FROM task AS t WHERE t.user_id BETWEEN u.id AND u.id AND t.deleted_at IS NULL \
         ORDER BY t.user_id LIMIT 1) IS NULL",
        "r.tasks",
    ),
    ("listener", "r.user_id = u.id", "r.until"),
    ("identity", "r.user_id = u.id", "r.subject"),
];

/// Goes a piece further with the users whose turn it is: of each table about `limit` rows.
pub(super) fn forget<S: Pg>(store: &Postgres<S>, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    let users = store.query(
        TURN,
        &[store.now(now), PUBLISHED_WITHIN.into(), FURTHEST.into(), USERS.into()],
        |row| row.json::<(String, i64)>(),
    )?;
    let Some(each) = i64::from(limit).checked_div(i64::try_from(users.len()).unwrap_or(USERS)) else {
        return Ok(());
    };
    let (ids, each) = (json!(users).to_string(), each.max(1));
    for condition in MARK {
        let room = forget::room(store, limit)?;
        let those = format!(
            "SELECT t.id, t.user_id FROM {USERS_OF} CROSS JOIN LATERAL (SELECT r.id, r.user_id FROM task AS r \
             WHERE {} AND {condition} AND NOT r.forgotten ORDER BY r.user_id LIMIT $2::bigint) AS t LIMIT $3::bigint",
            by("user_id", "u.id")
        );
        let mark = format!("WITH {} SELECT count(*) FROM marked", forget::marked(&those));
        store.execute(&mark, &[ids.clone().into(), each.into(), room.into()])?;
    }
    store.execute(GIVE_UP, &[ids.clone().into(), store.now(now), SEALED_WITHIN.into()])?;
    for (table, is_theirs, order) in OTHERS {
        let piece = taken(table, USERS_OF, (is_theirs, order), "$2::bigint");
        store.execute(&piece, &[ids.clone().into(), each.into()])?;
    }
    store.execute(
        "SELECT 1::bigint FROM perennial_leave_streams(ARRAY(SELECT e ->> 0 FROM json_array_elements($1::text::json) AS e))",
        &[ids.clone().into()],
    )?;
    for (table, condition, order) in TABLES {
        let piece = taken(table, USERS_OF, (&theirs(condition, order), &format!("r.{order}")), "$2::bigint");
        store.execute(&piece, &[ids.clone().into(), each.into()])?;
    }
    let [first, longest] = PAUSES;
    store.execute(&next_turn(), &[ids.into(), store.now(now), first.into(), longest.into()])?;
    Ok(())
}

/// The next turn of the users `$1` of whom anything is left: behind all who wait, and later where only the relay or the seals can go on. Their
/// chain stays, without its entries. Of their own row what is theirs goes with the first.
fn next_turn() -> String {
    let any = |(table, condition, order): (&str, &str, &str)| {
        format!("NOT {}", none(table, &theirs(condition, order), order))
    };
    let tasks =
        [("task", "r.deleted_at IS NULL", "user_id"), ("task", "r.deleted_at IS NOT NULL", "user_id")];
    let others = [("task_tag", "true", "user_id"), ("usage", "true", "user_id")];
    let mut left: Vec<String> = tasks.into_iter().chain(others).chain(TABLES).map(any).collect();
    left.push("EXISTS (SELECT 1 FROM hot_lane AS h WHERE h.stream_id = u.id)".to_owned());
    format!(
        "WITH c AS MATERIALIZED (SELECT perennial_now($2::bigint) AS now) \
         UPDATE account AS u SET tz = 'UTC', forget_at = CASE WHEN {} THEN c.now \
         WHEN EXISTS (SELECT 1 FROM outbox AS o WHERE o.stream_id = u.id) \
         OR EXISTS (SELECT 1 FROM stream AS s WHERE s.id = u.id AND (s.audited = 0 OR (NOT s.unsealed_go AND (s.audited > s.sealed \
         OR EXISTS (SELECT 1 FROM audit AS a WHERE a.user_id = s.id AND a.seq > s.sealed))))) \
         THEN c.now + greatest($3::bigint, least($4::bigint, (c.now - u.deleted_at) / 10)) END \
         FROM c WHERE u.id IN (SELECT l.id FROM account AS l \
          WHERE l.id IN (SELECT e ->> 0 FROM json_array_elements($1::text::json) AS e) ORDER BY l.id FOR NO KEY UPDATE SKIP LOCKED)",
        left.join(" OR ")
    )
}
