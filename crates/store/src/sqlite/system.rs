//! Statements across users: sweeps, the relay, authentication and administration. Nothing that a user's request says
//! reaches a statement here but the hash of a token, or an admin's words.

use perennial_domain::{
    DueAlarm, Notification, NotificationId, RecurrenceId, ReminderId, StreamId, TaskId, Timestamp, TokenId,
    TokenRow, User, UserId,
};
use perennial_recurrence::Zone;

use super::read::after;
use super::row::Row;
use super::{Sql, Sqlite, migrate};
use crate::{
    Lease, OccurrenceKey, Page, QueuedAlarm, QueuedNotification, StoreError, SystemStore, TokenOwner,
    WaitingEvent,
};

/// How long the answers of idempotent requests are kept, in milliseconds: 24 hours.
const KEEP_ANSWERS: i64 = 86_400_000;

/// How long published events and the inbox are kept, in milliseconds: 30 days, as long as a dead letter may wait.
const KEEP_EVENTS: i64 = 2_592_000_000;

impl<S: Sql> SystemStore for Sqlite<S> {
    fn schema_version(&self) -> Result<(i64, i64), StoreError> {
        Ok((migrate::version(self)?, migrate::VERSION))
    }

    fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.query_one(
            "SELECT id, name, role, tz, created_at FROM user WHERE id = ?1",
            &[id.as_str().into()],
            user,
        )
    }

    fn users(&self, page: &Page) -> Result<Vec<User>, StoreError> {
        self.query(
            "SELECT id, name, role, tz, created_at FROM user WHERE id > ?1 ORDER BY id LIMIT ?2",
            &[after(page), page.limit.into()],
            user,
        )
    }

    fn token_owner(&self, hash: &str, now: Timestamp) -> Result<Option<TokenOwner>, StoreError> {
        self.query_one(
            "SELECT t.id, t.scopes, u.id, u.name, u.role, u.tz, u.created_at \
             FROM token AS t JOIN user AS u ON u.id = t.user_id \
             WHERE t.hash = ?1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ?2)",
            &[hash.into(), now.into()],
            |row| Ok(TokenOwner { token: row.id(TokenId::parse)?, scopes: row.json()?, user: user(row)? }),
        )
    }

    fn token(&self, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        self.query_one(&token_query("id = ?1"), &[id.to_string().into()], token)
    }

    fn tokens(&self, page: &Page) -> Result<Vec<TokenRow>, StoreError> {
        self.query(&token_query("id > ?1 ORDER BY id LIMIT ?2"), &[after(page), page.limit.into()], token)
    }

    fn owed_successors(&self, now: Timestamp, limit: u32) -> Result<Vec<OccurrenceKey>, StoreError> {
        self.query(
            "SELECT user_id, task_id, recurrence_id FROM ( \
             SELECT user_id, task_id, recurrence_id, completed_at AS since FROM occurrence WHERE succession = 'pending' \
             UNION ALL SELECT user_id, task_id, recurrence_id, due_at FROM occurrence \
             WHERE succession = 'due' AND due_at <= ?1) ORDER BY since LIMIT ?2",
            &[now.into(), limit.into()],
            occurrence_key,
        )
    }

    fn stale_occurrences(&self, tzdata: &str, limit: u32) -> Result<Vec<OccurrenceKey>, StoreError> {
        self.query(
            "SELECT user_id, task_id, recurrence_id FROM occurrence \
             WHERE status = 'open' AND (tzdata < ?1 OR tzdata > ?1) LIMIT ?2",
            &[tzdata.into(), limit.into()],
            occurrence_key,
        )
    }

    fn due_alarms(&self, now: Timestamp, limit: u32) -> Result<Vec<QueuedAlarm>, StoreError> {
        self.query(
            "SELECT a.user_id, a.task_id, a.recurrence_id, a.reminder_id, a.fire_at, \
             coalesce(t.recurrence ->> 'misfire', 'all'), coalesce(o.title, t.title), o.due_local, o.due_tz, \
             o.due_at FROM alarm AS a JOIN task AS t ON t.id = a.task_id \
             JOIN occurrence AS o ON o.task_id = a.task_id AND o.recurrence_id = a.recurrence_id \
             WHERE a.state = 'armed' AND a.fire_at <= ?1 ORDER BY a.fire_at LIMIT ?2",
            &[now.into(), limit.into()],
            |row| Ok(QueuedAlarm { user: UserId::new(row.text()?), alarm: alarm(row)? }),
        )
    }

    fn due_notifications(&self, now: Timestamp, limit: u32) -> Result<Vec<QueuedNotification>, StoreError> {
        self.query(
            "SELECT user_id, id FROM notification \
             WHERE state = 'pending' AND next_attempt_at <= ?1 ORDER BY next_attempt_at LIMIT ?2",
            &[now.into(), limit.into()],
            |row| {
                Ok(QueuedNotification { user: UserId::new(row.text()?), id: row.id(NotificationId::parse)? })
            },
        )
    }

    fn claim_notification(
        &self,
        id: NotificationId,
        now: Timestamp,
        lease_end: Timestamp,
    ) -> Result<Option<Notification>, StoreError> {
        self.query_one(
            "UPDATE notification SET attempts = attempts + 1, next_attempt_at = ?3 \
             WHERE id = ?1 AND state = 'pending' AND next_attempt_at <= ?2 \
             RETURNING id, task_id, (SELECT url FROM channel WHERE id = channel_id), \
             (SELECT secret FROM channel WHERE id = channel_id), payload, attempts",
            &[id.to_string().into(), now.into(), lease_end.into()],
            |row| {
                Ok(Notification {
                    id: row.id(NotificationId::parse)?,
                    task: row.id(TaskId::parse)?,
                    url: row.text()?,
                    secret: row.text()?,
                    payload: row.text()?,
                    attempt: row.integer()?,
                })
            },
        )
    }

    fn waiting_streams(&self, now: Timestamp, limit: u32) -> Result<Vec<StreamId>, StoreError> {
        self.query(
            "SELECT s.id FROM stream AS s WHERE s.relay_until <= ?1 AND EXISTS ( \
             SELECT 1 FROM outbox AS o WHERE o.stream_id = s.id AND o.published_at IS NULL) LIMIT ?2",
            &[now.into(), limit.into()],
            |row| Ok(StreamId::new(row.text()?)),
        )
    }

    fn lease_stream(
        &self,
        id: &StreamId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>, StoreError> {
        // A look first: a stream that someone else is at costs no write.
        let free = self.query_one(
            "SELECT 1 FROM stream WHERE id = ?1 AND relay_until <= ?2 AND EXISTS ( \
             SELECT 1 FROM outbox WHERE stream_id = ?1 AND published_at IS NULL)",
            &[id.as_str().into(), now.into()],
            |row| row.integer(),
        )?;
        if free.is_none() {
            return Ok(None);
        }
        self.query_one(
            "UPDATE stream SET relay_until = ?3, fence = fence + 1 WHERE id = ?1 AND relay_until <= ?2 RETURNING fence",
            &[id.as_str().into(), now.into(), until.into()],
            |row| Ok(Lease { stream: id.clone(), fence: row.integer()? }),
        )
    }

    fn waiting_events(&self, id: &StreamId, limit: u32) -> Result<Vec<WaitingEvent>, StoreError> {
        self.query(
            "SELECT stream_id, sequence, topic, previous, event_id, type, subject, user_id, data, at, correlation_id, \
             causation_id, traceparent, idempotency_key FROM outbox \
             WHERE stream_id = ?1 AND published_at IS NULL ORDER BY sequence LIMIT ?2",
            &[id.as_str().into(), limit.into()],
            event,
        )
    }

    fn mark_published(&self, lease: &Lease, up_to: i64, now: Timestamp) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO relay (stream_id, fence, up_to, at) VALUES (?1, ?2, ?3, ?4)",
            &[lease.stream.as_str().into(), lease.fence.into(), up_to.into(), now.into()],
        )?;
        Ok(())
    }

    fn prune(&self, now: Timestamp, limit: u32) -> Result<(), StoreError> {
        let answers = now.plus_millis(KEEP_ANSWERS.saturating_neg());
        let events = now.plus_millis(KEEP_EVENTS.saturating_neg());
        // A look first: most sweeps find nothing to forget, and then cost no write.
        for (look, forget, before) in [
            (
                "SELECT 1 FROM idempotency WHERE created_at < ?1 LIMIT 1",
                "DELETE FROM idempotency WHERE rowid IN \
                 (SELECT rowid FROM idempotency WHERE created_at < ?1 LIMIT ?2)",
                answers,
            ),
            (
                "SELECT 1 FROM inbox WHERE at < ?1 LIMIT 1",
                "DELETE FROM inbox WHERE (consumer, event_id) IN \
                 (SELECT consumer, event_id FROM inbox WHERE at < ?1 LIMIT ?2)",
                events,
            ),
            (
                "SELECT 1 FROM (SELECT at, published_at FROM outbox ORDER BY rowid LIMIT 1) \
                 WHERE at < ?1 AND published_at IS NOT NULL",
                "DELETE FROM outbox WHERE rowid IN (SELECT rowid FROM outbox \
                 WHERE at < ?1 AND published_at IS NOT NULL ORDER BY rowid LIMIT ?2)",
                events,
            ),
        ] {
            if !self.execute(look, &[before.into()])?.is_empty() {
                self.execute(forget, &[before.into(), limit.into()])?;
            }
        }
        Ok(())
    }
}

fn occurrence_key(row: &mut Row) -> Result<OccurrenceKey, StoreError> {
    Ok(OccurrenceKey {
        user: UserId::new(row.text()?),
        task: row.id(TaskId::parse)?,
        recurrence_id: RecurrenceId::from_text(row.text()?),
    })
}

fn user(row: &mut Row) -> Result<User, StoreError> {
    Ok(User {
        id: UserId::new(row.text()?),
        name: row.text()?,
        role: row.name()?,
        zone: Zone::parse(&row.text()?).map_err(|error| StoreError::Corrupt(error.to_string()))?,
        created_at: row.instant()?,
    })
}

fn token_query(condition: &str) -> String {
    format!(
        "SELECT id, user_id, name, hash, scopes, created_at, expires_at, revoked_at FROM token \
         WHERE revoked_at IS NULL AND {condition}"
    )
}

fn token(row: &mut Row) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        id: row.id(TokenId::parse)?,
        user_id: UserId::new(row.text()?),
        name: row.text()?,
        hash: row.text()?,
        scopes: row.json()?,
        created_at: row.instant()?,
        expires_at: row.instant_or_null()?,
        revoked_at: row.instant_or_null()?,
    })
}

fn alarm(row: &mut Row) -> Result<DueAlarm, StoreError> {
    Ok(DueAlarm {
        task: row.id(TaskId::parse)?,
        recurrence_id: RecurrenceId::from_text(row.text()?),
        reminder: row.id(ReminderId::parse)?,
        fire_at: row.instant()?,
        misfire: row.name()?,
        title: row.text()?,
        due_local: row.text_or_null()?,
        due_tz: row.text_or_null()?,
        due_at: row.instant_or_null()?,
    })
}

fn event(row: &mut Row) -> Result<WaitingEvent, StoreError> {
    Ok(WaitingEvent {
        stream: StreamId::new(row.text()?),
        sequence: row.integer()?,
        topic: row.text()?,
        previous: row.integer_or_null()?,
        event_id: row.text()?,
        kind: row.text()?,
        subject: row.text()?,
        user: UserId::new(row.text()?),
        data: row.json()?,
        at: row.instant()?,
        correlation_id: row.text()?,
        causation_id: row.text_or_null()?,
        traceparent: row.text_or_null()?,
        idempotency_key: row.text_or_null()?,
    })
}
