//! Work lists (schema/0001_work.sql).
//!
//! A claim is one statement, short since others pass over what it has locked; what is to be done is read in the next. In that one is seen
//! all that was there when it was claimed: an item and what it stands for are written together.

use std::collections::BTreeMap;

use perennial_domain::{RecurrenceId, TaskId, Timestamp, UserId};
use serde_json::{Value, json};

use super::outbox::{FOR_MOMENTS, MAY_BE_LOST};
use super::shards::number;
use super::{audit, conversations, forget, leave, letters, prune, words};
use crate::postgres::busy::write_all;
use crate::postgres::records::{CHANNEL, USER};
use crate::postgres::series::Key;
use crate::postgres::{Pg, Postgres};
use crate::rows::Row;
use crate::rows::work::{
    CLAIMS, Look, Settled, claimed, due_series, fitting, notification, reminder, with_states,
};
use crate::{
    Claim, Claimed, DueNotification, DueReminder, DueSeries, DueWork, Settlement, Shard, Share, StoreError,
    Ticket, WorkKind, WorkStore,
};

/// What it takes to fire a reminder of the item `w`.
const REMINDER: &str = "(SELECT json_build_object('user', {USER}, 'priority', t.priority, 'reminder', a.reminder_id, 'fire_at', a.fire_at, \
     'misfire', CASE WHEN t.recurrence IS NULL OR jsonb_typeof(t.recurrence) = 'object' \
      THEN coalesce(t.recurrence ->> 'misfire', 'all') END, 'title', coalesce(o.title, t.title), \
     'due_local', o.due_local, 'due_tz', o.due_tz, 'due_at', o.due_at, \
     'channels', (SELECT coalesce(json_agg(there.channel), '[]') FROM (SELECT {CHANNEL} AS channel FROM channel AS c \
      WHERE c.user_id = w.user_id AND c.deleted_at IS NULL ORDER BY c.id LIMIT 100) AS there)) \
     FROM alarm AS a JOIN task AS t ON t.id = a.task_id AND t.deleted_at IS NULL JOIN account AS u ON u.id = a.user_id AND u.deleted_at IS NULL \
     JOIN occurrence AS o ON o.task_id = a.task_id AND o.recurrence_id = a.recurrence_id AND o.status = 'open' \
     WHERE a.task_id = w.task_id AND a.recurrence_id = w.recurrence_id AND a.reminder_id = w.item AND a.state = 'armed')";

/// What it takes to deliver the notification of the item `w` in the lane `l`: of a reminder, or of something else.
const NOTIFICATION: &str = "(SELECT json_build_object('user', {USER}, 'id', n.id, 'subject', n.subject, \
     'channel', {CHANNEL}, 'payload', n.payload::text, 'endpoint_failures', coalesce(l.failures, 0), 'proven', coalesce(l.proven::int, 0)) \
     FROM (SELECT id, user_id, channel_id, task_id AS subject, payload FROM notification WHERE id = w.item AND state = 'pending' \
     UNION ALL SELECT id, user_id, channel_id, subject, payload FROM notice WHERE id = w.item AND state = 'pending') AS n \
     JOIN account AS u ON u.id = n.user_id AND u.deleted_at IS NULL JOIN channel AS c ON c.id = n.channel_id AND c.deleted_at IS NULL)";

/// The lanes `l` of the items `w`. Each is looked up once: while a snapshot is held, its row is one of as many as it was served since.
const LANES: &str = ", l AS MATERIALIZED (SELECT l.lane, l.failures, l.proven FROM (SELECT DISTINCT w.kind, w.lane FROM w) AS o \
     CROSS JOIN LATERAL (SELECT l.lane, l.failures, l.proven FROM lane AS l \
      WHERE l.kind = o.kind AND l.again = ($3::bigint = 1) AND l.lane = o.lane LIMIT 1) AS l)";

/// What is told of each claimed item `w`.
const ITEM: &str = "'id', w.id, 'claim', w.claim, 'tries', w.tries, 'user', w.user_id, 'task', w.task_id, 'recurrence_id', w.recurrence_id";

/// About how many bytes the state of the series of the item `w` has as JSON. Nothing is read beyond what the state would hold.
const STATE_SIZE: &str = "(SELECT 2000 + octet_length(t.title) + octet_length(t.description) + octet_length(t.tags::text) \
     + octet_length(t.reminders::text) + coalesce(octet_length(t.recurrence::text), 0) \
     + (SELECT coalesce(sum(150 + coalesce(octet_length(v.title), 0)), 0) FROM ( \
      SELECT v.title FROM override AS v WHERE v.task_id = t.id ORDER BY v.recurrence_id LIMIT 500) AS v) \
     + (SELECT coalesce(sum(350 + coalesce(octet_length(o.title), 0) \
       + 120 * CASE jsonb_typeof(t.reminders) WHEN 'array' THEN jsonb_array_length(t.reminders) ELSE 0 END), 0) FROM ( \
      SELECT o.title FROM occurrence AS o WHERE o.task_id = t.id AND o.status = 'open' ORDER BY o.ordinal LIMIT 101) AS o) \
     FROM task AS t WHERE t.id = w.task_id)";

/// Has claims end at another time, and the holds of endpoints that are for them; gives those of users who are writing right now, where
/// there are several. Who writes for a user has their stream locked, so that nobody else waits for a lane while they hold others.
const RENEW: &str = "WITH told AS MATERIALIZED ( \
     SELECT e.id, e.claim, e.tries, e.\"user\" AS owner \
     FROM jsonb_to_recordset($1::text::jsonb) AS e (id bigint, claim text, tries bigint, \"user\" text) WHERE {FOR_MOMENTS} \
     ), free AS MATERIALIZED ( \
     SELECT s.id FROM (SELECT DISTINCT owner FROM told ORDER BY owner) AS o CROSS JOIN LATERAL ( \
      SELECT id FROM stream WHERE stream.id = o.owner FOR NO KEY UPDATE {SKIP}) AS s \
     ), held AS MATERIALIZED ( \
     SELECT w.id, w.lane, w.wake_at FROM free AS f JOIN told AS t ON t.owner = f.id CROSS JOIN LATERAL ( \
      SELECT id, lane, wake_at FROM work WHERE work.id = t.id AND claim = t.claim AND tries = t.tries AND kind = 'notification' \
      AND unsettled > 0 AND wake_at IS NOT NULL FOR NO KEY UPDATE {SKIP}) AS w \
     ), until AS MATERIALIZED (SELECT perennial_now($2::bigint) + $3::bigint AS at WHERE {MAY_BE_LOST} \
     ), endpoints AS ( \
     UPDATE lane SET hold_until = (SELECT at FROM until) WHERE kind = 'notification' AND again IN (false, true) \
      AND lane = ANY (ARRAY(SELECT lane FROM held)) \
      AND EXISTS (SELECT 1 FROM held AS h WHERE h.lane = lane.lane AND h.wake_at = lane.hold_until) \
     ), items AS ( \
     UPDATE work SET wake_at = (SELECT at FROM until) WHERE id = ANY (ARRAY(SELECT id FROM held)) \
     ) SELECT id FROM told AS t WHERE id NOT IN (SELECT id FROM held) AND EXISTS (SELECT 1 FROM stream WHERE stream.id = t.owner) \
     AND EXISTS (SELECT 1 FROM work WHERE work.id = t.id AND claim = t.claim AND tries = t.tries AND unsettled > 0 AND wake_at IS NOT NULL)";

impl<S: Pg> WorkStore for Postgres<S> {
    fn due_work_of(&self, shard: Option<Shard>, now: Timestamp, tzdata: &str) -> Result<DueWork, StoreError> {
        let look = format!(
            "WITH c AS MATERIALIZED (SELECT perennial_now($1::bigint) AS now) \
             SELECT json_build_object('kinds', d.kinds, 'zones', d.zones::int, 'relay', d.relay::int, 'ahead', d.ahead::int, \
             'words', d.words::int, 'letters', ({})::int, 'old', ({} OR {} OR {} OR {})::int, 'seals', ({})::int, 'anchors', ({})::int)::text \
             FROM c CROSS JOIN LATERAL perennial_due(c.now, $2::text, $3::bigint) AS d",
            letters::LOOK,
            prune::look("$4::bigint"),
            forget::look(),
            leave::LOOK,
            conversations::look("$5::bigint"),
            audit::LOOK,
            audit::LOOK_ANCHORS
        );
        let parameters = [
            self.now(now),
            tzdata.into(),
            number(shard),
            self.keeps.get().into(),
            self.keeps_conversations.get().into(),
        ];
        let found = self.query_one(&look, &parameters, Row::json::<Look>)?;
        Ok(found.map_or_else(DueWork::default, Look::due_work))
    }

    fn claim_successors(&self, claim: &Claim) -> Result<Vec<Claimed<DueSeries>>, StoreError> {
        self.claim_series(WorkKind::Successor, claim)
    }

    fn due_series(
        &self,
        user: &UserId,
        task: TaskId,
        asked: &RecurrenceId,
    ) -> Result<Option<DueSeries>, StoreError> {
        let found = self.series_of(&[(user, task, Some(asked))])?.pop();
        found.map(|(_, row)| row.and_then(due_series)).transpose()
    }

    fn owed_successors(
        &self,
        user: &UserId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(TaskId, RecurrenceId)>, StoreError> {
        self.query(
            "SELECT json_build_array(w.task_id, w.recurrence_id)::text FROM work AS w \
             WHERE w.kind = 'successor' AND NOT w.again AND w.lane = $1::text \
             AND w.wake_at <= (SELECT perennial_now($2::bigint)) ORDER BY w.wake_at LIMIT $3::bigint",
            &[user.as_str().into(), self.now(now), limit.into()],
            Row::json,
        )
    }

    fn claim_zones(&self, claim: &Claim) -> Result<Vec<Claimed<DueSeries>>, StoreError> {
        self.claim_series(WorkKind::Zone, claim)
    }

    fn claim_reminders(&self, claim: &Claim) -> Result<Vec<Claimed<DueReminder>>, StoreError> {
        let taken = self.claim(WorkKind::Reminder, claim, "w.id")?;
        claimed(&self.taken(claim, &taken, REMINDER, None)?, reminder)
    }

    fn claim_notifications(&self, claim: &Claim) -> Result<Vec<Claimed<DueNotification>>, StoreError> {
        let taken = self.claim(WorkKind::Notification, claim, "w.id")?;
        claimed(&self.taken(claim, &taken, NOTIFICATION, Some(claim.again))?, notification)
    }

    fn claim_shares(
        &self,
        claim: &Claim,
        shares: &[Share],
    ) -> Result<Vec<Claimed<DueNotification>>, StoreError> {
        let taken = self.query_one(
            "SELECT coalesce(json_agg(w.id), '[]')::text \
             FROM perennial_claim_shares($1::text, $2::bigint, $3::bigint, $4::bigint, $5::text::jsonb) AS w",
            &[
                claim.id.as_str().into(),
                self.now(claim.now),
                claim.lease_for.into(),
                claim.hold_for.into(),
                serde_json::to_string(shares)?.into(),
            ],
            Row::text,
        )?;
        claimed(
            &self.taken(claim, &taken.unwrap_or_else(|| "[]".to_owned()), NOTIFICATION, Some(false))?,
            notification,
        )
    }

    fn renew(&self, tickets: &[Ticket], now: Timestamp, lease_for: i64) -> Result<Vec<i64>, StoreError> {
        if tickets.is_empty() {
            return Ok(Vec::new());
        }
        let row = |ticket: &Ticket| json!({ "id": ticket.id, "claim": ticket.claim, "tries": ticket.tries, "user": ticket.user });
        let rows = tickets.iter().map(|ticket| (ticket, row(ticket))).collect();
        let left = user_by_user(rows, |rows, waits| self.renew_rows(rows, now, lease_for, waits))?;
        Ok(left.iter().filter_map(|row| row["id"].as_i64()).collect())
    }

    fn offer_zones(&self, tzdata: &str, limit: u32) -> Result<(), StoreError> {
        self.execute(
            "SELECT 1::bigint FROM perennial_offer_zones($1::text, $2::bigint)",
            &[tzdata.into(), limit.into()],
        )?;
        Ok(())
    }

    fn settle(&self, settled: &[(Ticket, Settlement)], now: Timestamp) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        let row = |(ticket, settlement): &(Ticket, Settlement)| {
            let Settled { after, tries, reason, parks } = Settled::new(ticket, settlement);
            json!({ "id": ticket.id, "claim": ticket.claim, "tries": ticket.tries, "user": ticket.user, "after": after,
                "tries_after": tries, "reason": reason, "parks": parks })
        };
        let rows = settled.iter().map(|one| (&one.0, row(one))).collect();
        let left = user_by_user(rows, |rows, _| self.settle_rows(rows, now))?;
        if !left.is_empty() {
            self.execute(UNCOUNT, &[serde_json::to_string(&left)?.into()])?;
        }
        Ok(())
    }

    fn clock_went_back(&self, now: Timestamp) -> Result<(), StoreError> {
        self.execute("SELECT 1::bigint FROM perennial_clock_went_back($1::bigint)", &[self.now(now)])?;
        Ok(())
    }

    fn prune(&self, now: Timestamp, limit: u32) -> Result<(), StoreError> {
        self.prune_all(now, limit)
    }

    fn make_words(&self, limit: u32) -> Result<(), StoreError> {
        words::make(self, limit)
    }
}

/// Takes back that items were claimed: nothing was tried, since their users go on writing. They are found when their claims end. It waits for
/// nobody, and moves nothing in the order of a lane.
const UNCOUNT: &str = "WITH told AS MATERIALIZED ( \
     SELECT e.id, e.claim, e.tries FROM jsonb_to_recordset($1::text::jsonb) AS e (id bigint, claim text, tries bigint) \
     WHERE (SELECT set_config('perennial.claims', 'on', true)) = 'on' \
     ), held AS MATERIALIZED ( \
     SELECT w.id FROM told AS t CROSS JOIN LATERAL ( \
      SELECT id FROM work WHERE work.id = t.id AND claim = t.claim AND tries = t.tries AND unsettled > 0 \
      FOR NO KEY UPDATE SKIP LOCKED) AS w \
     ) UPDATE work SET tries = tries - 1, unsettled = greatest(unsettled - 1, 1) WHERE id = ANY (ARRAY(SELECT id FROM held)) RETURNING id";

/// Writes rows of items, a statement for all of them, and what that leaves since their users were writing right then. Gives the rows that
/// are not written.
fn user_by_user(
    rows: Vec<(&Ticket, Value)>,
    write: impl Fn(&[Value], bool) -> Result<Vec<i64>, StoreError>,
) -> Result<Vec<Value>, StoreError> {
    let mut of_users: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (ticket, row) in rows {
        of_users.entry(ticket.user.as_str()).or_default().push(row);
    }
    let write = |users: &[Vec<Value>]| -> Result<Vec<Vec<Value>>, StoreError> {
        let busy = write(&users.concat(), users.len() == 1)?;
        let is_busy = |row: &Value| row["id"].as_i64().is_some_and(|id| busy.contains(&id));
        let left_of = |rows: &Vec<Value>| rows.iter().filter(|row| is_busy(row)).cloned().collect();
        Ok(users.iter().map(left_of).filter(|rows: &Vec<Value>| !rows.is_empty()).collect())
    };
    Ok(write_all(of_users.into_values().collect(), write)?.concat())
}

impl<S: Pg> Postgres<S> {
    /// Settles items; gives those of users who are writing right now, where there are several.
    fn settle_rows(&self, rows: &[Value], now: Timestamp) -> Result<Vec<i64>, StoreError> {
        self.query(
            "SELECT id FROM perennial_settle($1::text::jsonb, $2::bigint) AS s (id)",
            &[letters::sound(serde_json::to_string(rows)?)?.into(), self.now(now)],
            Row::integer,
        )
    }

    /// Has items be claimed for longer; gives those of users who are writing right now, where there are several.
    fn renew_rows(
        &self,
        rows: &[Value],
        now: Timestamp,
        lease_for: i64,
        waits: bool,
    ) -> Result<Vec<i64>, StoreError> {
        let skip = if waits { "" } else { "SKIP LOCKED" };
        self.query(
            &RENEW
                .replace("{SKIP}", skip)
                .replace("{MAY_BE_LOST}", MAY_BE_LOST)
                .replace("{FOR_MOMENTS}", FOR_MOMENTS),
            &[serde_json::to_string(rows)?.into(), self.now(now), lease_for.into()],
            Row::integer,
        )
    }

    /// Claims items of a kind, lane by lane: a JSON array of what is told of each, an expression about the item `w`.
    fn claim(&self, kind: WorkKind, claim: &Claim, told: &str) -> Result<String, StoreError> {
        let items = self.query_one(
            &format!(
                "SELECT coalesce(json_agg({told}), '[]')::text FROM perennial_claim($1::text, $2::text, $3::bigint = 1, $4::bigint, \
                 $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint, $10::bigint) AS w"
            ),
            &[
                claim.id.as_str().into(),
                kind.name().into(),
                i64::from(claim.again).into(),
                self.now(claim.now),
                claim.lease_for.into(),
                claim.hold_for.into(),
                claim.lanes.into(),
                claim.per_lane.into(),
                CLAIMS.into(),
                number(claim.shard),
            ],
            Row::text,
        )?;
        Ok(items.unwrap_or_else(|| "[]".to_owned()))
    }

    /// Reads what is to be done for the items that a claim has taken, a JSON array of their ids: one of them, in their order. `what` is the
    /// expression that says it for the item `w`, in the lane `l` where it asks of that: of those of items that were begun before, or not.
    fn taken(
        &self,
        claim: &Claim,
        ids: &str,
        what: &str,
        in_lane: Option<bool>,
    ) -> Result<String, StoreError> {
        if ids == "[]" {
            return Ok(ids.to_owned());
        }
        let what = what.replace("{USER}", USER).replace("{CHANNEL}", CHANNEL);
        let (lanes, joined) = in_lane.map_or(("", ""), |_| (LANES, "LEFT JOIN l ON l.lane = w.lane"));
        let mut parameters = vec![ids.into(), claim.id.as_str().into()];
        parameters.extend(in_lane.map(|again| i64::from(again).into()));
        let items = self.query_one(
            &format!(
                "WITH w AS MATERIALIZED (SELECT w.id, w.claim, w.tries, w.user_id, w.task_id, w.recurrence_id, w.item, w.kind, w.lane, i.place \
                 FROM json_array_elements_text($1::text::json) WITH ORDINALITY AS i (id, place) \
                 JOIN work AS w ON w.id = i.id::bigint AND w.claim = $2::text){lanes} \
                 SELECT coalesce(json_agg(json_build_object({ITEM}, 'what', {what}) ORDER BY w.place), '[]')::text FROM w {joined}"
            ),
            &parameters,
            Row::text,
        )?;
        Ok(items.unwrap_or_else(|| "[]".to_owned()))
    }

    /// Claims items that are about series, and reads these. Of states that together are too large for one answer those that
    /// do not fit are given back: nobody has tried them.
    fn claim_series(&self, kind: WorkKind, claim: &Claim) -> Result<Vec<Claimed<DueSeries>>, StoreError> {
        let told = format!("json_build_object({ITEM}, 'what', {STATE_SIZE})");
        let (tickets, too_many) =
            fitting(claimed(&self.claim(kind, claim, &told)?, |size: u64, _| Ok(size))?);
        let given_back: Vec<_> =
            too_many.into_iter().map(|ticket| (ticket, Settlement::Release { after: 0 })).collect();
        self.settle(&given_back, claim.now)?;
        if tickets.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Key<'_>> =
            tickets.iter().map(|ticket| (&ticket.user, ticket.task, Some(&ticket.recurrence_id))).collect();
        let states = self.series_of(&keys)?;
        Ok(with_states(tickets, states))
    }
}
