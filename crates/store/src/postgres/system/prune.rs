//! Forgetting what is past its retention, a bounded number of rows at a time.
//!
//! Each kind goes in the order of time, from where it was left on (schema/0001_system.sql: expired): what is deleted and not yet vacuumed is
//! not walked over again. One at a time is at a kind, whoever else comes goes on to the next; and nobody waits for rows that others hold. What
//! a crash of the database takes of it is done again.

use perennial_domain::Timestamp;

use super::outbox::MAY_BE_LOST;
use super::{conversations, forget, leave};
use crate::StoreError;
use crate::postgres::{Pg, Postgres};

/// How long lanes and listeners are kept where nothing waits, in milliseconds: a day. A lane says how an endpoint did last, and whose
/// turn it was.
const KEEP_LANES: i64 = 86_400_000;

/// How long notifications and notices that have ended are kept, and dead letters since anything became of them, in milliseconds: 30 days.
const KEEP_LETTERS: i64 = 2_592_000_000;

/// How long it is kept how often a token wrote, in milliseconds: two days, which is longer than two windows may be.
const KEEP_RATES: i64 = 172_800_000;

/// After how long it is looked from the beginning for what was passed over, in milliseconds.
const ANEW: i64 = 3_600_000;

/// The kinds of which nothing but their age is asked.
const KINDS: [Kind; 8] = [
    // The answers of idempotent requests: 24 hours.
    Kind { name: "idempotency", at: "created_at", those: "true", kept: 86_400_000 },
    // Which events a consumer has applied: 60 days, as long as an event may wait on a broker and as a dead letter after it.
    Kind { name: "inbox", at: "at", those: "true", kept: 5_184_000_000 },
    Kind { name: "dead_letter", at: "status_at", those: "true", kept: KEEP_LETTERS },
    Kind { name: "listener", at: "until", those: "true", kept: KEEP_LANES },
    Kind { name: "notification", at: "created_at", those: "state <> 'pending'", kept: KEEP_LETTERS },
    Kind { name: "notice", at: "created_at", those: "state <> 'pending'", kept: KEEP_LETTERS },
    Kind { name: "lane", at: "hold_until", those: "next_at IS NULL", kept: KEEP_LANES },
    Kind { name: "rate", at: "began", those: "true", kept: KEEP_RATES },
];

/// Rows that are forgotten when they are old.
pub(super) struct Kind {
    /// Their table, and the name of what is kept of how far they are forgotten.
    pub name: &'static str,
    /// When they became what is forgotten after a time. An index has those in this order.
    pub at: &'static str,
    /// Which of the rows they are.
    pub those: &'static str,
    /// For how long they are kept, in milliseconds.
    pub kept: i64,
}

impl Kind {
    /// Whether any is past its retention at `c.now`: the first one there is.
    pub fn look(&self) -> String {
        let Self { name, at, those, kept } = self;
        format!(
            "coalesce((SELECT t.{at} FROM {name} AS t WHERE t.{at} >= (SELECT e.place FROM expired AS e WHERE e.name = '{name}') \
             AND {those} ORDER BY t.{at} LIMIT 1) < c.now - {kept}, false)"
        )
    }

    /// Walks over the next of those that are past their retention at `$1`, at most `$2`, from the beginning where `$3` is 1: tells `columns`
    /// of them as `gone`, with when they became so as `at`, which `what` makes use of. Who comes while another is at it finds none.
    pub fn walked(&self, columns: &str, what: &str) -> String {
        let Self { name, at, those, kept } = self;
        format!(
            "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) - {kept} AS ends), \
             p AS MATERIALIZED (SELECT e.place FROM expired AS e WHERE e.name = '{name}' FOR NO KEY UPDATE SKIP LOCKED), \
             gone AS MATERIALIZED (SELECT t.* FROM p CROSS JOIN c CROSS JOIN LATERAL ( \
              SELECT t.{at} AS at, {columns} FROM {name} AS t \
              WHERE t.{at} >= CASE WHEN $3::bigint = 1 THEN 0 ELSE p.place END AND t.{at} < c.ends AND {those} \
              ORDER BY t.{at} LIMIT $2::bigint FOR UPDATE SKIP LOCKED) AS t), {what} \
             UPDATE expired AS e SET place = CASE WHEN g.rows < $2::bigint THEN greatest(e.place, c.ends) ELSE g.last END \
             FROM (SELECT count(*) AS rows, max(g.at) AS last FROM gone AS g) AS g CROSS JOIN c CROSS JOIN p \
             WHERE e.name = '{name}' AND g.rows > 0 AND {MAY_BE_LOST}"
        )
    }

    /// The same, and deletes them.
    pub fn deleted(&self) -> String {
        self.walked(
            "t.ctid AS tid",
            &format!(
                "deleted AS (DELETE FROM {} AS d WHERE d.ctid = ANY (ARRAY(SELECT g.tid FROM gone AS g)))",
                self.name
            ),
        )
    }

    /// Executes such a statement.
    pub fn forget<S: Pg>(
        &self,
        store: &Postgres<S>,
        statement: &str,
        now: Timestamp,
        limit: u32,
        anew: &[String],
    ) -> Result<(), StoreError> {
        let anew = i64::from(anew.iter().any(|name| name == self.name));
        store.execute(statement, &[store.now(now), limit.into(), anew.into()])?;
        Ok(())
    }
}

/// Whether anything is past its retention at `c.now`, where published events are kept for `{keeps}` milliseconds. An event that is old and
/// still waits to be published is stepped over for an hour.
pub(super) fn look(keeps: &str) -> String {
    let kinds: Vec<String> = KINDS.iter().map(Kind::look).collect();
    format!(
        "({} OR (SELECT t.began FROM rate AS t WHERE t.began > c.now + {KEEP_RATES} ORDER BY t.began LIMIT 1) IS NOT NULL \
         OR coalesce((SELECT o.at FROM stepped AS s CROSS JOIN LATERAL (SELECT o.at FROM outbox AS o \
          WHERE (o.at, o.stream_id, o.sequence) > (s.at, s.stream_id, s.sequence) ORDER BY o.at, o.stream_id, o.sequence LIMIT 1) AS o \
          WHERE s.one = 1) < c.now - {keeps}, false) \
         OR EXISTS (SELECT 1 FROM stepped AS s WHERE s.one = 1 AND s.since > 0 \
          AND (s.since < c.now - {ANEW} OR s.since > c.now + {ANEW})))",
        kinds.join(" OR ")
    )
}

/// Where a column of the rows `r` has a value, by an index that begins with it: said so that no other way is thought to be shorter, as
/// where rows of one are taken for many and there are none.
pub(super) fn by(column: &str, value: &str) -> String {
    format!("r.{column} BETWEEN {value} AND {value}")
}

/// Whether there are no such rows `r` of a table, which an index has in an order.
pub(super) fn none(table: &str, those: &str, order: &str) -> String {
    format!("(SELECT r.{order} FROM {table} AS r WHERE {those} ORDER BY r.{order} LIMIT 1) IS NULL")
}

/// Takes away rows `r` of a table, of each of the things `of` those that are its, in an order that an index has: up to so many that are
/// free.
pub(super) fn taken(table: &str, of: &str, (is_its, order): (&str, &str), limit: &str) -> String {
    format!(
        "DELETE FROM {table} WHERE {MAY_BE_LOST} AND ctid = ANY (ARRAY(SELECT r.tid FROM {of} CROSS JOIN LATERAL ( \
         SELECT r.ctid AS tid FROM {table} AS r WHERE {is_its} ORDER BY {order} LIMIT {limit} FOR UPDATE SKIP LOCKED) AS r))"
    )
}

impl<S: Pg> Postgres<S> {
    /// Forgets what is past its retention, up to `limit` rows of each kind.
    pub(in crate::postgres) fn prune_all(&self, now: Timestamp, limit: u32) -> Result<(), StoreError> {
        // Noted before: where it takes too long, it is tried once an hour, and the rest goes on.
        let anew = self.query(
            &format!(
                "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) AS now) \
                 UPDATE expired AS e SET since = c.now, place = CASE e.name WHEN 'marked' THEN 0 ELSE e.place END FROM c \
                 WHERE e.name IN (SELECT x.name FROM expired AS x CROSS JOIN c \
                  WHERE x.since < c.now - {ANEW} OR x.since > c.now + {ANEW} ORDER BY x.name FOR NO KEY UPDATE OF x SKIP LOCKED) \
                 RETURNING e.name"
            ),
            &[self.now(now)],
            |row| row.text(),
        )?;
        for kind in &KINDS {
            kind.forget(self, &kind.deleted(), now, limit, &anew)?;
        }
        // Where a window lies ahead, a clock that was wrong has begun it.
        self.execute(
            &format!(
                "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) + {KEEP_RATES} AS ends) {}",
                taken("rate", "c", ("r.began > c.ends", "r.began"), "$2::bigint")
            ),
            &[self.now(now), limit.into()],
        )?;
        self.forget_events(now, limit, &anew)?;
        conversations::forget(self, now, limit, &anew)?;
        forget::mark(self, now, limit, &anew)?;
        leave::forget(self, now, limit)?;
        forget::forget(self, limit)
    }

    /// Of the next `limit` events that are old, those that are published are forgotten, and those that wait are stepped over. An hour
    /// after the first was it is begun anew.
    fn forget_events(&self, now: Timestamp, limit: u32, anew: &[String]) -> Result<(), StoreError> {
        let anew = i64::from(anew.iter().any(|name| name == "events"));
        self.execute(
            &format!(
                "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) AS now), \
                 p AS MATERIALIZED (SELECT s.at, s.stream_id, s.sequence, s.since, \
                  $4::bigint = 1 OR (s.since > 0 AND (s.since < c.now - {ANEW} OR s.since > c.now + {ANEW})) AS anew \
                  FROM stepped AS s CROSS JOIN c WHERE s.one = 1 FOR NO KEY UPDATE OF s SKIP LOCKED), \
                 o AS MATERIALIZED (SELECT o.tid, o.at, o.stream_id, o.sequence, \
                  coalesce(o.sequence <= (SELECT s.published FROM stream AS s WHERE s.id = o.stream_id), false) AS is_published \
                  FROM p CROSS JOIN c CROSS JOIN LATERAL (SELECT o.ctid AS tid, o.at, o.stream_id, o.sequence FROM outbox AS o \
                   WHERE (o.at, o.stream_id, o.sequence) > (CASE WHEN p.anew THEN 0 ELSE p.at END, \
                    CASE WHEN p.anew THEN '' ELSE p.stream_id END, CASE WHEN p.anew THEN 0 ELSE p.sequence END) \
                   AND o.at < c.now - $3::bigint \
                   ORDER BY o.at, o.stream_id, o.sequence LIMIT $2::bigint FOR UPDATE SKIP LOCKED) AS o), \
                 gone AS (DELETE FROM outbox AS d WHERE d.ctid = ANY (ARRAY(SELECT o.tid FROM o WHERE o.is_published))), \
                 last AS (SELECT o.at, o.stream_id, o.sequence FROM o ORDER BY o.at DESC, o.stream_id DESC, o.sequence DESC LIMIT 1), \
                 n AS (SELECT count(*) AS rows, count(*) FILTER (WHERE NOT o.is_published) AS waiting FROM o) \
                 UPDATE stepped AS s SET at = coalesce(l.at, p.at), stream_id = coalesce(l.stream_id, p.stream_id), \
                  sequence = coalesce(l.sequence, p.sequence), \
                  since = CASE WHEN p.since > 0 AND NOT p.anew THEN p.since WHEN n.waiting > 0 THEN c.now ELSE 0 END \
                 FROM p CROSS JOIN c CROSS JOIN n LEFT JOIN last AS l \
                  ON n.rows = $2::bigint OR (l.at, l.stream_id, l.sequence) > (p.at, p.stream_id, p.sequence) \
                 WHERE s.one = 1 AND (n.rows > 0 OR (p.anew AND p.since > 0)) AND {MAY_BE_LOST}"
            ),
            &[self.now(now), limit.into(), self.keeps.get().into(), anew.into()],
        )?;
        Ok(())
    }
}
