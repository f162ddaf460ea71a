//! Work lists (schema/0002_work.sql).

use perennial_domain::{RecurrenceId, TaskId, Timestamp, UserId};
use serde_json::{Value, json};

use super::shards::number;
use super::{ahead, audit, conversations, forget, leave, letters, prune, words};
use crate::rows::Row;
use crate::rows::work::{
    CLAIMS, Look, Settled, claimed, due_series, fitting, notification, reminder, with_states,
};
use crate::sqlite::records::{CHANNEL, USER};
use crate::sqlite::series::Key;
use crate::sqlite::{Sql, Sqlite, Sync};
use crate::{
    Claim, Claimed, DueNotification, DueReminder, DueSeries, DueWork, Settlement, Shard, Share, StoreError,
    Ticket, WorkKind, WorkStore,
};

/// What it takes to fire a reminder of the item `w`. What is no JSON must not spoil the whole statement.
const REMINDER: &str = "(SELECT json_object('user', json({USER}), 'priority', t.priority, 'reminder', a.reminder_id, 'fire_at', a.fire_at, \
     'misfire', CASE WHEN json_valid(coalesce(t.recurrence, '{}')) \
      THEN coalesce(t.recurrence ->> 'misfire', 'all') END, 'title', coalesce(o.title, t.title), \
     'due_local', o.due_local, 'due_tz', o.due_tz, 'due_at', o.due_at, \
     'channels', json((SELECT json_group_array(json(j)) FROM (SELECT {CHANNEL} AS j FROM channel_v2 AS c \
      WHERE c.user_id = w.user_id AND c.deleted_at IS NULL ORDER BY c.id LIMIT 100)))) \
     FROM alarm AS a JOIN task AS t ON t.id = a.task_id AND t.deleted_at IS NULL JOIN user AS u ON u.id = a.user_id AND u.deleted_at IS NULL \
     JOIN occurrence AS o ON o.task_id = a.task_id AND o.recurrence_id = a.recurrence_id AND o.status = 'open' \
     WHERE a.task_id = w.task_id AND a.recurrence_id = w.recurrence_id AND a.reminder_id = w.item AND a.state = 'armed')";

/// What it takes to deliver the notification of the item `w`: of a reminder, or of something else.
const NOTIFICATION: &str = "(SELECT json_object('user', json({USER}), 'id', n.id, 'subject', n.subject, \
     'channel', json({CHANNEL}), 'payload', n.payload, 'endpoint_failures', l.failures, 'proven', l.proven) \
     FROM (SELECT id, user_id, channel_id, task_id AS subject, payload FROM notification_v2 WHERE id = w.item AND state = 'pending' \
     UNION ALL SELECT id, user_id, channel_id, subject, payload FROM notice WHERE id = w.item AND state = 'pending') AS n \
     CROSS JOIN user AS u ON u.id = n.user_id AND u.deleted_at IS NULL CROSS JOIN channel_v2 AS c ON c.id = n.channel_id \
     AND c.deleted_at IS NULL)";

/// What is told of each claimed item `w`.
const ITEM: &str = "'id', w.id, 'claim', w.claim, 'tries', w.tries, 'user', w.user_id, 'task', w.task_id, 'recurrence_id', w.recurrence_id";

fn due_notification() -> String {
    NOTIFICATION.replace("{USER}", USER).replace("{CHANNEL}", CHANNEL)
}

/// About how many bytes the state of the series of the item `w` has as JSON. Nothing is read beyond what the state would hold.
/// What is no JSON must not spoil the whole statement.
const STATE_SIZE: &str = "(SELECT 2000 + octet_length(t.title) + octet_length(t.description) + octet_length(t.tags) \
     + octet_length(t.reminders) + coalesce(octet_length(t.recurrence), 0) \
     + (SELECT coalesce(sum(150 + coalesce(octet_length(title), 0)), 0) FROM ( \
      SELECT v.title FROM override AS v WHERE v.task_id = t.id LIMIT 500)) \
     + (SELECT coalesce(sum(350 + coalesce(octet_length(title), 0) + 120 * coalesce(json_array_length(CASE WHEN json_valid(t.reminders) THEN t.reminders END), 0)), 0) FROM ( \
      SELECT o.title FROM occurrence AS o WHERE o.task_id = t.id AND o.status = 'open' LIMIT 101)) \
     FROM task AS t WHERE t.id = w.task_id)";

/// The kinds of work, each with whether it was claimed before and never settled: that comes last.
const KINDS: &str = "[[\"successor\",0],[\"reminder\",0],[\"zone\",0],[\"notification\",0],\
     [\"successor\",1],[\"reminder\",1],[\"zone\",1],[\"notification\",1]]";

impl<S: Sql> WorkStore for Sqlite<S> {
    fn due_work_of(&self, shard: Option<Shard>, now: Timestamp, tzdata: &str) -> Result<DueWork, StoreError> {
        let look = format!(
            "SELECT json_object('kinds', json((SELECT json_group_array(json_array(k.kind, k.again)) FROM ( \
             SELECT value ->> 0 AS kind, value ->> 1 AS again FROM json_each('{KINDS}')) AS k WHERE EXISTS (SELECT 1 FROM shard AS s CROSS JOIN lane AS l WHERE s.shard BETWEEN coalesce(?8, 0) AND coalesce(?8, 15) \
             AND l.kind = k.kind AND l.again = k.again AND l.shard = s.shard AND l.ready_at <= ?1))), \
             'zones', (EXISTS (SELECT 1 FROM occurrence WHERE status = 'open' AND zone_seen < ?2) OR EXISTS (SELECT 1 FROM zone_change)), \
             'relay', EXISTS (SELECT 1 FROM shard AS s CROSS JOIN stream AS w ON w.shard = s.shard \
              WHERE s.shard BETWEEN coalesce(?8, 0) AND coalesce(?8, 15) AND w.relay_at <= ?1), 'letters', {}, 'old', {} OR {} OR {} OR {} OR {}, 'ahead', {}, 'words', {}, \
             'seals', {}, 'anchors', {})",
            letters::LOOK,
            prune::LOOK,
            forget::LOOK,
            leave::LOOK,
            conversations::LOOK,
            letters::GIVEN_UP,
            ahead::LOOK,
            words::LOOK,
            audit::LOOK,
            audit::LOOK_ANCHORS
        );
        let [answers, notices, lanes, deleted, events] = prune::ends(now, self.keeps.get());
        let found = self.query_one(
            &look,
            &[
                now.into(),
                tzdata.into(),
                answers.into(),
                notices.into(),
                lanes.into(),
                deleted.into(),
                events.into(),
                number(shard),
                conversations::ends(self, now).into(),
            ],
            Row::json::<Look>,
        )?;
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
            "SELECT json_array(task_id, recurrence_id) FROM work WHERE kind = 'successor' AND again = 0 AND lane = ?1 \
             AND wake_at <= ?2 ORDER BY wake_at LIMIT ?3",
            &[user.as_str().into(), now.into(), limit.into()],
            Row::json,
        )
    }

    fn claim_zones(&self, claim: &Claim) -> Result<Vec<Claimed<DueSeries>>, StoreError> {
        self.claim_series(WorkKind::Zone, claim)
    }

    fn claim_reminders(&self, claim: &Claim) -> Result<Vec<Claimed<DueReminder>>, StoreError> {
        let what = REMINDER.replace("{USER}", USER).replace("{CHANNEL}", CHANNEL);
        claimed(&self.claim(WorkKind::Reminder, claim, &what)?, reminder)
    }

    fn claim_notifications(&self, claim: &Claim) -> Result<Vec<Claimed<DueNotification>>, StoreError> {
        claimed(&self.claim(WorkKind::Notification, claim, &due_notification())?, notification)
    }

    fn claim_shares(
        &self,
        claim: &Claim,
        shares: &[Share],
    ) -> Result<Vec<Claimed<DueNotification>>, StoreError> {
        self.sync(Sync::Normal)?;
        let what = due_notification();
        let taken = self.query(
            &format!(
                "INSERT INTO claim_notification_v3 (id, now, lease_for, hold_for, lanes, per_lane, proven, per_user) \
                 SELECT ?1 || ' ' || e.key, ?2, ?3, ?4, e.value ->> 'lanes', e.value ->> 'per_lane', e.value ->> 'proven', \
                 e.value ->> 'per_user' FROM json_each(?5) AS e RETURNING (SELECT json_group_array(json_object({ITEM}, \
                 'what', json({what}))) FROM lane AS l CROSS JOIN work AS w ON w.kind = l.kind AND w.again = 1 \
                 AND w.lane = l.lane AND w.wake_at = ?2 + ?3 AND w.claim = l.claim \
                 WHERE l.claim = claim_notification_v3.id)"
            ),
            &[
                claim.id.as_str().into(),
                claim.now.into(),
                claim.lease_for.into(),
                claim.hold_for.into(),
                serde_json::to_string(shares)?.into(),
            ],
            Row::text,
        )?;
        let taken = taken.iter().map(|items| claimed(items, notification));
        Ok(taken.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    fn renew(&self, tickets: &[Ticket], now: Timestamp, lease_for: i64) -> Result<Vec<i64>, StoreError> {
        if tickets.is_empty() {
            return Ok(Vec::new());
        }
        self.sync(Sync::Normal)?;
        let tickets = serde_json::to_string(&tickets.iter().map(ticket_row).collect::<Vec<_>>())?;
        // A hold that is longer than its claim, where this is cut off between the two, is over in its time.
        for renewal in RENEWALS {
            self.execute(renewal, &[tickets.clone().into(), now.plus_millis(lease_for).into()])?;
        }
        Ok(Vec::new())
    }

    fn offer_zones(&self, tzdata: &str, limit: u32) -> Result<(), StoreError> {
        self.sync(Sync::Normal)?;
        self.follow_users(limit)?;
        self.execute(
            "UPDATE occurrence SET zone_offered = ?1 WHERE id IN ( \
             SELECT id FROM occurrence WHERE status = 'open' AND zone_seen < ?1 LIMIT ?2)",
            &[tzdata.into(), limit.into()],
        )?;
        Ok(())
    }

    fn settle(&self, settled: &[(Ticket, Settlement)], now: Timestamp) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> =
            settled.iter().map(|(ticket, settlement)| settlement_row(ticket, settlement, now)).collect();
        // What was given up must not come back by a power cut; the rest would only be tried again.
        let parks = settled.iter().any(|(_, settlement)| matches!(settlement, Settlement::Park { .. }));
        self.sync(if parks { Sync::Full } else { Sync::Normal })?;
        self.execute(
            "UPDATE work SET wake_at = CASE WHEN e.value ->> 'parked_at' IS NULL THEN coalesce(e.value ->> 'wake_at', ( \
              SELECT o.due_at FROM occurrence AS o WHERE work.kind = 'successor' AND o.task_id = work.task_id \
              AND o.recurrence_id = work.recurrence_id AND o.succession = 'due' AND o.due_at > ?2)) END, \
             unsettled = 0, tries = e.value ->> 'tries_after', \
             reason = e.value ->> 'reason', parked_at = e.value ->> 'parked_at' \
             FROM json_each(?1) AS e WHERE work.id = e.value ->> 'id' AND work.tries = e.value ->> 'tries' \
             AND work.claim = e.value ->> 'claim' AND work.unsettled > 0",
            &[serde_json::to_string(&rows)?.into(), now.into()],
        )?;
        Ok(())
    }

    fn clock_went_back(&self, now: Timestamp) -> Result<(), StoreError> {
        self.sync(Sync::Normal)?;
        for mend in ahead::MEND {
            self.execute(mend, &[now.into()])?;
        }
        Ok(())
    }

    fn prune(&self, now: Timestamp, limit: u32) -> Result<(), StoreError> {
        self.sync(Sync::Normal)?;
        prune::prune(self, now, limit)
    }

    fn make_words(&self, limit: u32) -> Result<(), StoreError> {
        words::make(self, limit)
    }
}

/// Has the holds of endpoints end at another time that are for claims, and then the claims.
const RENEWALS: [&str; 2] = [
    "WITH held AS MATERIALIZED ( \
     SELECT w.lane, w.wake_at FROM json_each(?1) AS e CROSS JOIN work AS w ON w.id = e.value ->> 'id' AND w.claim = e.value ->> 'claim' \
      AND w.tries = e.value ->> 'tries' AND w.kind = 'notification' AND w.unsettled > 0) \
     UPDATE lane SET hold_until = ?2 FROM held WHERE lane.kind = 'notification' AND lane.again IN (0, 1) \
     AND lane.lane = held.lane AND lane.hold_until = held.wake_at",
    "UPDATE work SET wake_at = ?2 WHERE id IN ( \
     SELECT w.id FROM json_each(?1) AS e CROSS JOIN work AS w ON w.id = e.value ->> 'id' AND w.claim = e.value ->> 'claim' \
      AND w.tries = e.value ->> 'tries' AND w.kind = 'notification' AND w.unsettled > 0 AND w.wake_at IS NOT NULL)",
];

/// Of the open task `t`, the open occurrences whose instants hang on the user's zone. They lie on no zone data until they are
/// laid on some again.
const UPROOT: &str = "UPDATE occurrence SET tzdata = '' WHERE id IN ( \
     SELECT o.id FROM (SELECT t.id FROM task AS t WHERE t.user_id = ?1 AND t.deleted_at IS NULL AND t.status = 'open' AND t.id > ?2 \
      ORDER BY t.id LIMIT ?3) AS t CROSS JOIN occurrence AS o ON o.task_id = t.id AND o.status = 'open' \
     WHERE o.user_id = ?1 AND ((o.due_local IS NOT NULL AND o.due_tz IS NULL) OR (o.start_local IS NOT NULL AND o.start_tz IS NULL)))";

impl<S: Sql> Sqlite<S> {
    /// Goes some tasks further with a user whose zone has changed. What is uprooted twice, because this was cut off or the zone
    /// changed once more, is computed twice.
    fn follow_users(&self, limit: u32) -> Result<(), StoreError> {
        let moved = self.query_one(
            "SELECT z.user_id, z.version, z.after, (SELECT max(id) FROM ( \
             SELECT t.id FROM task AS t WHERE t.user_id = z.user_id AND t.deleted_at IS NULL AND t.status = 'open' AND t.id > z.after \
             ORDER BY t.id LIMIT ?1)) FROM zone_change AS z ORDER BY z.turn LIMIT 1",
            &[limit.into()],
            |row| Ok((row.text()?, row.integer()?, row.text()?, row.text_or_null()?)),
        )?;
        let Some((user, version, after, last)) = moved else { return Ok(()) };
        self.execute(UPROOT, &[user.clone().into(), after.clone().into(), limit.into()])?;
        let (mark, last) = match last {
            Some(last) => (
                "UPDATE zone_change SET after = ?4, turn = (SELECT max(turn) + 1 FROM zone_change) WHERE user_id = ?1 AND version = ?2 AND after = ?3",
                last,
            ),
            None => (
                "DELETE FROM zone_change WHERE user_id = ?1 AND version = ?2 AND after = ?3 AND ?4 = ''",
                String::new(),
            ),
        };
        self.execute(mark, &[user.into(), version.into(), after.into(), last.into()])?;
        Ok(())
    }

    /// Claims items of a kind, lane by lane: a JSON array of them. `what` is the expression that says what is to be done for
    /// the item `w` in the lane `l`.
    fn claim(&self, kind: WorkKind, claim: &Claim, what: &str) -> Result<String, StoreError> {
        self.sync(Sync::Normal)?;
        let items = self.query_one(
            &format!(
                "INSERT INTO claim_v6 (id, kind, again, now, lease_for, hold_for, lanes, per_lane, most, shard) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING (SELECT json_group_array(json_object({ITEM}, \
                 'what', json({what}))) FROM lane AS l CROSS JOIN work AS w ON w.kind = l.kind AND w.again = 1 \
                 AND w.lane = l.lane AND w.wake_at = ?4 + ?5 AND w.claim = ?1 WHERE l.claim = ?1)"
            ),
            &[
                claim.id.as_str().into(),
                kind.name().into(),
                i64::from(claim.again).into(),
                claim.now.into(),
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

    /// Claims items that are about series, and reads these. Of states that together are too large for one answer those that
    /// do not fit are given back: nobody has tried them.
    fn claim_series(&self, kind: WorkKind, claim: &Claim) -> Result<Vec<Claimed<DueSeries>>, StoreError> {
        let (tickets, too_many) =
            fitting(claimed(&self.claim(kind, claim, STATE_SIZE)?, |size: u64, _| Ok(size))?);
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

/// What names a claim on an item.
fn ticket_row(ticket: &Ticket) -> Value {
    json!({ "id": ticket.id, "claim": ticket.claim, "tries": ticket.tries })
}

/// The columns that a settled item gets.
fn settlement_row(ticket: &Ticket, settlement: &Settlement, now: Timestamp) -> Value {
    let Settled { after, tries, reason, parks } = Settled::new(ticket, settlement);
    json!({ "id": ticket.id, "claim": ticket.claim, "tries": ticket.tries, "wake_at": after.map(|after| now.plus_millis(after)),
        "tries_after": tries, "reason": reason, "parked_at": parks.then_some(now) })
}
