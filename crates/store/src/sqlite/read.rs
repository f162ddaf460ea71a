//! What one user's requests read. Every statement carries the user's id.

use perennial_domain::{
    Bound, Channel, ChannelId, Commit, Due, NotificationId, Occurrence, Override, RecurrenceId, ReminderId,
    Task, TaskId, TaskInput, TaskSpec, TaskStatus, UserId,
};

use super::row::Row;
use super::{Sql, Sqlite, Value};
use crate::{IdempotentAnswer, NotificationRecord, Page, Store, StoreError};

/// Columns of an occurrence `o`.
const OCCURRENCE: &str = "o.task_id, o.recurrence_id, o.predecessor, o.ordinal, o.status, o.succession, \
     o.title, o.due_local, o.due_tz, o.due_at, o.completed_at";

/// Columns of a task `t` and of its earliest open occurrence `o`.
fn task_query(condition: &str) -> String {
    format!(
        "SELECT t.id, t.version, t.title, t.description, t.priority, t.tags, t.due_local, t.due_tz, t.recurrence, \
         t.reminders, t.status, t.created_at, t.updated_at, t.completed_at, {OCCURRENCE} \
         FROM task AS t LEFT JOIN occurrence AS o ON o.id = (SELECT id FROM occurrence \
         WHERE task_id = t.id AND status = 'open' ORDER BY ordinal LIMIT 1) \
         WHERE t.user_id = ?1 AND t.deleted_at IS NULL AND {condition}"
    )
}

impl<S: Sql> Store for Sqlite<S> {
    fn apply(&self, commit: &Commit) -> Result<(), StoreError> {
        self.write(commit)
    }

    fn idempotent_answer(&self, user: &UserId, key: &str) -> Result<Option<IdempotentAnswer>, StoreError> {
        self.query_one(
            "SELECT fingerprint, status, etag, location, body FROM idempotency WHERE user_id = ?1 AND key = ?2",
            &[user.as_str().into(), key.into()],
            |row| {
                Ok(IdempotentAnswer {
                    fingerprint: row.text()?,
                    status: u16::try_from(row.integer()?)
                        .map_err(|_| StoreError::Corrupt("no HTTP status".to_owned()))?,
                    etag: row.text_or_null()?,
                    location: row.text_or_null()?,
                    body: row.text()?,
                })
            },
        )
    }

    fn task(&self, user: &UserId, id: TaskId) -> Result<Option<(Task, Option<Occurrence>)>, StoreError> {
        self.query_one(
            &task_query("t.id = ?2"),
            &[user.as_str().into(), id.to_string().into()],
            task_and_occurrence,
        )
    }

    fn tasks(
        &self,
        user: &UserId,
        status: Option<TaskStatus>,
        page: &Page,
    ) -> Result<Vec<(Task, Option<Occurrence>)>, StoreError> {
        let status = status.map(|status| match status {
            TaskStatus::Open => "open",
            TaskStatus::Done => "done",
        });
        self.query(
            &task_query("t.id > ?2 AND t.status = coalesce(?3, t.status) ORDER BY t.id LIMIT ?4"),
            &[user.as_str().into(), after(page), status.into(), page.limit.into()],
            task_and_occurrence,
        )
    }

    fn occurrence(
        &self,
        user: &UserId,
        task: TaskId,
        id: &RecurrenceId,
    ) -> Result<Option<Occurrence>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {OCCURRENCE} FROM occurrence AS o WHERE o.user_id = ?1 AND o.task_id = ?2 AND o.recurrence_id = ?3"
            ),
            &[user.as_str().into(), task.to_string().into(), id.as_str().into()],
            occurrence,
        )
    }

    fn open_occurrences(&self, user: &UserId, task: TaskId) -> Result<Vec<Occurrence>, StoreError> {
        self.query(
            &format!(
                "SELECT {OCCURRENCE} FROM occurrence AS o \
                 WHERE o.user_id = ?1 AND o.task_id = ?2 AND o.status = 'open' ORDER BY o.ordinal LIMIT 100"
            ),
            &[user.as_str().into(), task.to_string().into()],
            occurrence,
        )
    }

    fn last_closed(&self, user: &UserId, task: TaskId) -> Result<Option<Occurrence>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {OCCURRENCE} FROM occurrence AS o \
                 WHERE o.user_id = ?1 AND o.task_id = ?2 AND o.status <> 'open' \
                 AND (o.status = 'done' OR o.succession <> 'none') ORDER BY o.ordinal DESC LIMIT 1"
            ),
            &[user.as_str().into(), task.to_string().into()],
            occurrence,
        )
    }

    fn occurrences(
        &self,
        user: &UserId,
        task: TaskId,
        page: &Page,
    ) -> Result<Vec<(String, Occurrence)>, StoreError> {
        let place = page.after.as_ref().and_then(|after| after.parse::<i64>().ok()).unwrap_or_default();
        self.query(
            &format!(
                "SELECT o.id, {OCCURRENCE} FROM occurrence AS o \
                 WHERE o.user_id = ?1 AND o.task_id = ?2 AND o.id > ?3 ORDER BY o.id LIMIT ?4"
            ),
            &[user.as_str().into(), task.to_string().into(), place.into(), page.limit.into()],
            |row| Ok((row.integer()?.to_string(), occurrence(row)?)),
        )
    }

    fn occurrences_between(
        &self,
        user: &UserId,
        task: TaskId,
        (from, to): (Bound, Bound),
        limit: usize,
    ) -> Result<Vec<Occurrence>, StoreError> {
        // Local due dates are text of one form, so that they compare as text; a whole day stands for its midnight.
        let place = |bound: Bound| match bound {
            Bound::Instant(at) => ("o.due_at", at.into()),
            Bound::Local(at) => (
                "substr(o.due_local || 'T00:00:00', 1, 19)",
                at.format("%Y-%m-%dT%H:%M:%S").to_string().into(),
            ),
        };
        let ((from_column, from), (to_column, to)): ((_, Value), (_, Value)) = (place(from), place(to));
        self.query(
            &format!(
                "SELECT {OCCURRENCE} FROM occurrence AS o WHERE o.user_id = ?1 AND o.task_id = ?2 \
                 AND {from_column} >= ?3 AND {to_column} < ?4 ORDER BY o.due_at LIMIT ?5"
            ),
            &[
                user.as_str().into(),
                task.to_string().into(),
                from,
                to,
                i64::try_from(limit).unwrap_or(i64::MAX).into(),
            ],
            occurrence,
        )
    }

    fn occurrences_named_from(
        &self,
        user: &UserId,
        task: TaskId,
        from: &RecurrenceId,
    ) -> Result<Vec<Occurrence>, StoreError> {
        self.query(
            &format!(
                "SELECT {OCCURRENCE} FROM occurrence AS o WHERE o.user_id = ?1 AND o.task_id = ?2 \
                 AND o.recurrence_id >= ?3 ORDER BY o.recurrence_id LIMIT 500"
            ),
            &[user.as_str().into(), task.to_string().into(), from.as_str().into()],
            occurrence,
        )
    }

    fn last_opened(&self, user: &UserId, task: TaskId) -> Result<Option<RecurrenceId>, StoreError> {
        self.query_one(
            "SELECT recurrence_id FROM occurrence WHERE user_id = ?1 AND task_id = ?2 \
             AND (status <> 'cancelled' OR succession <> 'none') ORDER BY ordinal DESC LIMIT 1",
            &[user.as_str().into(), task.to_string().into()],
            |row| Ok(RecurrenceId::from_text(row.text()?)),
        )
    }

    fn overrides(&self, user: &UserId, task: TaskId) -> Result<Vec<Override>, StoreError> {
        self.query(
            "SELECT recurrence_id, title, due_local, due_tz, cancelled FROM override \
             WHERE user_id = ?1 AND task_id = ?2 ORDER BY recurrence_id LIMIT 500",
            &[user.as_str().into(), task.to_string().into()],
            |row| {
                Ok(Override {
                    recurrence_id: RecurrenceId::from_text(row.text()?),
                    title: row.text_or_null()?,
                    due: due(row)?,
                    cancelled: row.integer()? != 0,
                })
            },
        )
    }

    fn has_ended(&self, user: &UserId, task: TaskId) -> Result<bool, StoreError> {
        let found = self.query_one(
            "SELECT 1 FROM occurrence WHERE user_id = ?1 AND task_id = ?2 AND succession = 'ended' LIMIT 1",
            &[user.as_str().into(), task.to_string().into()],
            |row| row.integer(),
        )?;
        Ok(found.is_some())
    }

    fn channels(&self, user: &UserId) -> Result<Vec<Channel>, StoreError> {
        self.query(
            "SELECT id, kind, url, secret, created_at FROM channel \
             WHERE user_id = ?1 AND deleted_at IS NULL ORDER BY id LIMIT 100",
            &[user.as_str().into()],
            channel,
        )
    }

    fn channel(&self, user: &UserId, id: &ChannelId) -> Result<Option<Channel>, StoreError> {
        self.query_one(
            "SELECT id, kind, url, secret, created_at FROM channel \
             WHERE user_id = ?1 AND id = ?2 AND deleted_at IS NULL",
            &[user.as_str().into(), id.as_str().into()],
            channel,
        )
    }

    fn notifications(
        &self,
        user: &UserId,
        task: Option<TaskId>,
        page: &Page,
    ) -> Result<Vec<NotificationRecord>, StoreError> {
        self.query(
            "SELECT id, task_id, recurrence_id, reminder_id, channel_id, state, attempts, next_attempt_at, \
             delivered_at, last_error, created_at FROM notification \
             WHERE user_id = ?1 AND id > ?2 AND task_id = coalesce(?3, task_id) ORDER BY id LIMIT ?4",
            &[user.as_str().into(), after(page), task.map(|task| task.to_string()).into(), page.limit.into()],
            notification,
        )
    }
}

pub(super) fn after(page: &Page) -> Value {
    page.after.clone().unwrap_or_default().into()
}

fn task_and_occurrence(row: &mut Row) -> Result<(Task, Option<Occurrence>), StoreError> {
    let id = row.id(TaskId::parse)?;
    let version = row.integer()?;
    let spec = spec(row)?;
    let task = Task {
        id,
        version,
        spec,
        status: row.name()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
        completed_at: row.instant_or_null()?,
        deleted_at: None,
    };
    let has_open = row.text_or_null()?.is_some();
    Ok((task, has_open.then(|| rest_of_occurrence(row, id)).transpose()?))
}

fn spec(row: &mut Row) -> Result<TaskSpec, StoreError> {
    let (title, description, priority, tags) = (row.text()?, row.text()?, row.name()?, row.json()?);
    let due = due(row)?;
    let recurrence = row.text_or_null()?.map(|text| serde_json::from_str(&text)).transpose()?;
    let reminders = row.json()?;
    let stored = TaskInput { title, description, priority, tags, due: None, recurrence, reminders };
    TaskSpec::from_stored(stored, due).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn due(row: &mut Row) -> Result<Option<Due>, StoreError> {
    let (local, tz) = (row.text_or_null()?, row.text_or_null()?);
    local
        .map(|local| Due::from_stored(&local, tz.as_deref()))
        .transpose()
        .map_err(|error| StoreError::Corrupt(error.to_string()))
}

pub(super) fn occurrence(row: &mut Row) -> Result<Occurrence, StoreError> {
    let task = row.id(TaskId::parse)?;
    rest_of_occurrence(row, task)
}

fn rest_of_occurrence(row: &mut Row, task: TaskId) -> Result<Occurrence, StoreError> {
    Ok(Occurrence {
        task,
        recurrence_id: RecurrenceId::from_text(row.text()?),
        predecessor: row.text_or_null()?.map(RecurrenceId::from_text),
        ordinal: row.integer()?,
        status: row.name()?,
        succession: row.name()?,
        title: row.text_or_null()?,
        due: due(row)?,
        due_at: row.instant_or_null()?,
        completed_at: row.instant_or_null()?,
    })
}

fn channel(row: &mut Row) -> Result<Channel, StoreError> {
    Ok(Channel {
        id: ChannelId::new(row.text()?),
        kind: row.name()?,
        url: row.text()?,
        secret: row.text()?,
        created_at: row.instant()?,
    })
}

fn notification(row: &mut Row) -> Result<NotificationRecord, StoreError> {
    Ok(NotificationRecord {
        id: row.id(NotificationId::parse)?,
        task_id: row.id(TaskId::parse)?,
        recurrence_id: RecurrenceId::from_text(row.text()?),
        reminder_id: row.id(ReminderId::parse)?,
        channel_id: ChannelId::new(row.text()?),
        state: row.name()?,
        attempts: row.integer()?,
        next_attempt_at: row.instant_or_null()?,
        delivered_at: row.instant_or_null()?,
        last_error: row.text_or_null()?,
        created_at: row.instant()?,
    })
}
