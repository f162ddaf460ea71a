//! Forgetting conversations to which nobody has written for long.

use perennial_domain::Timestamp;

use super::outbox::MAY_BE_LOST;
use crate::StoreError;
use crate::postgres::{Pg, Postgres};

/// By which is remembered how far they are forgotten (prune.rs).
const NAME: &str = "conversation";

/// Whether there is any that nobody has written to for `{keeps}` milliseconds at `c.now`.
pub(super) fn look(keeps: &str) -> String {
    format!(
        "coalesce((SELECT t.last_at FROM conversation AS t WHERE t.last_at >= (SELECT e.place FROM expired AS e WHERE e.name = '{NAME}') \
         ORDER BY t.last_at LIMIT 1) < c.now - {keeps}, false)"
    )
}

/// Takes those away that have waited longest, whole, with what hangs on them: as many as have `limit` rows together, and the one with which
/// they have. It goes on from where it was left, as with all that is forgotten; what somebody writes to right now is passed over.
pub(super) fn forget<S: Pg>(
    store: &Postgres<S>,
    now: Timestamp,
    limit: u32,
    anew: &[String],
) -> Result<(), StoreError> {
    let anew = i64::from(anew.iter().any(|name| name == NAME));
    store.execute(
        &format!(
            "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) - $4::bigint AS ends), \
             p AS MATERIALIZED (SELECT e.place FROM expired AS e WHERE e.name = '{NAME}' FOR NO KEY UPDATE SKIP LOCKED), \
             old AS MATERIALIZED (SELECT t.* FROM p CROSS JOIN c CROSS JOIN LATERAL ( \
              SELECT t.ctid AS tid, t.last_at AS at, t.messages + t.confirmations + 1 AS rows FROM conversation AS t \
              WHERE t.last_at >= CASE WHEN $3::bigint = 1 THEN 0 ELSE p.place END AND t.last_at < c.ends \
              ORDER BY t.last_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED) AS t), \
             summed AS MATERIALIZED (SELECT o.tid, o.at, sum(o.rows) OVER (ORDER BY o.at, o.tid ROWS UNBOUNDED PRECEDING) - o.rows AS before \
              FROM old AS o), \
             gone AS MATERIALIZED (SELECT s.tid, s.at FROM summed AS s WHERE s.before < $2::bigint), \
             deleted AS (DELETE FROM conversation AS d WHERE d.ctid = ANY (ARRAY(SELECT g.tid FROM gone AS g))) \
             UPDATE expired AS e SET place = CASE WHEN o.rows < $2::bigint AND o.rows = g.rows THEN greatest(e.place, c.ends) ELSE g.last END \
             FROM (SELECT count(*) AS rows FROM old) AS o CROSS JOIN (SELECT count(*) AS rows, max(g.at) AS last FROM gone AS g) AS g \
             CROSS JOIN c CROSS JOIN p WHERE e.name = '{NAME}' AND g.rows > 0 AND {MAY_BE_LOST}"
        ),
        &[store.now(now), limit.into(), anew.into(), store.keeps_conversations.get().into()],
    )?;
    Ok(())
}
