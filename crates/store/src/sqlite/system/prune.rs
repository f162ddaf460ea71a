//! Forgetting what is past its retention, a bounded number of rows at a time.

use perennial_domain::Timestamp;

use super::{conversations, forget, leave, letters};
use crate::StoreError;
use crate::sqlite::{Sql, Sqlite};

/// How long the answers of idempotent requests are kept, in milliseconds: 24 hours.
const KEEP_ANSWERS: i64 = 86_400_000;

/// How long notifications and notices that have ended are kept, in milliseconds: 30 days.
const KEEP_NOTICES: i64 = 2_592_000_000;

/// How long it is kept which events a consumer has applied, in milliseconds: 60 days, as long as an event may wait on a broker and
/// as a dead letter after it.
const KEEP_INBOX: i64 = 5_184_000_000;

/// How long dead letters are kept, in milliseconds: 30 days since anything became of them.
const KEEP_LETTERS: i64 = 2_592_000_000;

/// How long a lane is kept where nothing waits, in milliseconds: a day. It says how an endpoint did last, and whose turn it was.
const KEEP_LANES: i64 = 86_400_000;

/// How long it is kept how often a token wrote, in milliseconds: two days, which is longer than two windows may be.
const KEEP_RATES: i64 = 172_800_000;

/// Whether anything is past its retention: answers before `?3`, notifications, notices and dead letters before `?4`, lanes before `?5`, rates a day
/// before that, published events before `?7`. Answers and events are
/// forgotten in the order of their rows, which is that of their making; one that lies over a day ahead was made by a clock that
/// was wrong, or is looked at by one that is: it must neither keep all behind it nor be forgotten, and goes to the end. An event that
/// is old and still waits to be published is stepped over for an hour.
pub(super) const LOOK: &str = "(EXISTS (SELECT 1 FROM (SELECT created_at FROM idempotency ORDER BY rowid LIMIT 1) AS answer \
      WHERE answer.created_at < ?3 OR answer.created_at > ?3 + 172800000) \
     OR EXISTS (SELECT 1 FROM inbox WHERE at < ?4 - 2592000000) \
     OR EXISTS (SELECT 1 FROM dead_letter WHERE status_at < ?4) \
     OR EXISTS (SELECT 1 FROM listener WHERE until < ?5) \
     OR EXISTS (SELECT 1 FROM notification_v2 WHERE state <> 'pending' AND created_at < ?4) \
     OR EXISTS (SELECT 1 FROM notice WHERE state <> 'pending' AND created_at < ?4) \
     OR EXISTS (SELECT 1 FROM lane WHERE next_at IS NULL AND hold_until < ?5) \
     OR EXISTS (SELECT 1 FROM rate WHERE began < ?5 - 86400000) OR EXISTS (SELECT 1 FROM rate WHERE began > ?5 + 259200000) \
     OR EXISTS (SELECT 1 FROM (SELECT at FROM outbox WHERE rowid > (SELECT place FROM stepped WHERE only = 1) ORDER BY rowid LIMIT 1) AS o \
      WHERE o.at > ?1 + 86400000 OR o.at < ?7) \
     OR EXISTS (SELECT 1 FROM stepped WHERE only = 1 AND place > 0 AND (since < ?1 - 3600000 OR since > ?1 + 3600000)))";

/// What is forgotten before `?1` or put at the end, at most `?2` rows of each, and how long it is kept.
const FORGET: [(&str, i64); 9] = [
    (
        "DELETE FROM idempotency WHERE rowid IN (SELECT answer.rowid FROM (SELECT rowid, created_at FROM idempotency \
         ORDER BY rowid LIMIT ?2) AS answer WHERE answer.created_at < ?1)",
        KEEP_ANSWERS,
    ),
    (
        "UPDATE idempotency SET rowid = rowid + (SELECT max(rowid) FROM idempotency) - (SELECT min(rowid) FROM idempotency) + 1 \
         WHERE rowid IN (SELECT answer.rowid FROM (SELECT rowid, created_at FROM idempotency \
         ORDER BY rowid LIMIT ?2) AS answer WHERE answer.created_at > ?1 + 172800000)",
        KEEP_ANSWERS,
    ),
    (
        "DELETE FROM inbox WHERE (consumer, event_id) IN \
         (SELECT consumer, event_id FROM inbox WHERE at < ?1 LIMIT ?2)",
        KEEP_INBOX,
    ),
    (
        "DELETE FROM dead_letter WHERE place IN (SELECT place FROM dead_letter WHERE status_at < ?1 LIMIT ?2)",
        KEEP_LETTERS,
    ),
    ("DELETE FROM listener WHERE id IN (SELECT id FROM listener WHERE until < ?1 LIMIT ?2)", KEEP_LANES),
    (
        "DELETE FROM notification_v2 WHERE rowid IN \
         (SELECT rowid FROM notification_v2 WHERE state <> 'pending' AND created_at < ?1 LIMIT ?2)",
        KEEP_NOTICES,
    ),
    (
        "DELETE FROM notice WHERE rowid IN \
         (SELECT rowid FROM notice WHERE state <> 'pending' AND created_at < ?1 LIMIT ?2)",
        KEEP_NOTICES,
    ),
    (
        "DELETE FROM lane WHERE (kind, again, lane) IN \
         (SELECT kind, again, lane FROM lane WHERE next_at IS NULL AND hold_until < ?1 LIMIT ?2)",
        KEEP_LANES,
    ),
    (
        "DELETE FROM rate WHERE token IN (SELECT token FROM rate WHERE began < ?1 OR began > ?1 + 345600000 LIMIT ?2)",
        KEEP_RATES,
    ),
];

fn before(now: Timestamp, kept: i64) -> Timestamp {
    now.plus_millis(kept.saturating_neg())
}

/// Before when answers, notices, lanes, what was deleted and events are past their retention.
pub(super) fn ends(now: Timestamp, events: i64) -> [Timestamp; 5] {
    [KEEP_ANSWERS, KEEP_NOTICES, KEEP_LANES, forget::KEEP, events].map(|kept| before(now, kept))
}

pub(super) fn prune<S: Sql>(store: &Sqlite<S>, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    // Before letters are forgotten that are old.
    letters::keep_given_up(store, now, limit)?;
    for (forget, kept) in FORGET {
        store.execute(forget, &[before(now, kept).into(), limit.into()])?;
    }
    events(store, now, limit)?;
    conversations::forget(store, now, limit)?;
    forget::mark(store, before(now, forget::KEEP), limit)?;
    leave::forget(store, now, limit)?;
    forget::forget(store, limit)
}

/// Of the next `limit` events of all, those that are published and old are forgotten, those that lie ahead are put at the end, and
/// those at their head that are old and wait are stepped over. After an hour it is begun anew.
fn events<S: Sql>(store: &Sqlite<S>, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    const NEXT: &str = "(SELECT rowid, at, sequence, stream_id FROM outbox \
         WHERE rowid > (SELECT place FROM stepped WHERE only = 1) ORDER BY rowid LIMIT ?2) AS o";
    const PUBLISHED: &str = "o.sequence <= (SELECT published FROM stream WHERE id = o.stream_id)";
    let old = before(now, store.keeps.get());
    store.execute(
        "UPDATE stepped SET place = 0, since = ?1 WHERE only = 1 \
         AND (place = 0 OR since < ?1 - 3600000 OR since > ?1 + 3600000)",
        &[now.into()],
    )?;
    store.execute(
        &format!(
            "DELETE FROM outbox WHERE rowid IN (SELECT o.rowid FROM {NEXT} WHERE o.at < ?1 AND {PUBLISHED})"
        ),
        &[old.into(), limit.into()],
    )?;
    store.execute(
        &format!(
            "UPDATE outbox SET rowid = rowid + (SELECT max(rowid) FROM outbox) - (SELECT min(rowid) FROM outbox) + 1 \
             WHERE rowid IN (SELECT o.rowid FROM {NEXT} WHERE o.at > ?1 + 86400000)"
        ),
        &[now.into(), limit.into()],
    )?;
    store.execute(
        &format!(
            "UPDATE stepped SET place = coalesce((SELECT min(o.rowid) - 1 FROM {NEXT} WHERE o.at >= ?1 OR {PUBLISHED}), \
             (SELECT max(o.rowid) FROM {NEXT}), place) WHERE only = 1"
        ),
        &[old.into(), limit.into()],
    )?;
    Ok(())
}
