//! What one user's requests read. Every statement carries the user's id.

use perennial_domain::{
    Between, Bound, Channel, ChannelId, Commit, Identity, Override, Project, ProjectId, RecurrenceId,
    SeriesState, TaskId, Timestamp, TokenId, TokenRow, UserId,
};

use super::listed::{self, Listed, Question};
use super::records::{CHANNEL, OVERRIDE};
use super::series::Bin;
use super::shown::{occurrences, task};
use super::system::accounts::token_query;
use super::{Sql, Sqlite, Value, parked};
use crate::rows::Row;
use crate::rows::accounts::token;
use crate::rows::records::ChannelRow;
use crate::rows::shown::{Projection, notification, tasks};
use crate::{
    Apply, ChangeRecord, EventPage, ExportPart, ExportPiece, IdempotentAnswer, KeptLetter, Listing,
    NotificationRecord, OccurrenceRecord, Outcome, Page, ParkedItem, Place, Store, StoreError, Tasks, Told,
};

impl<S: Sql> Store for Sqlite<S> {
    fn apply(&self, commits: &[Commit], how: Apply) -> Result<Vec<Outcome>, StoreError> {
        self.write(commits, how)
    }

    fn idempotent_answer(&self, user: &UserId, key: &str) -> Result<Option<IdempotentAnswer>, StoreError> {
        self.query_one(
            "SELECT json_object('fingerprint', fingerprint, 'status', status, 'etag', etag, 'location', location, \
             'body', body, 'change_id', change_id) FROM idempotency WHERE user_id = ?1 AND key = ?2",
            &[user.as_str().into(), key.into()],
            Row::json,
        )
    }

    fn series(
        &self,
        user: &UserId,
        id: TaskId,
        asked: Option<&RecurrenceId>,
    ) -> Result<Option<SeriesState>, StoreError> {
        let keys = [(user, id, asked)];
        match self.series_of(&keys)?.pop() {
            Some(row) => Ok(Some(row.1?.state()?)),
            None => Ok(None),
        }
    }

    fn task(&self, user: &UserId, id: TaskId) -> Result<Option<Tasks>, StoreError> {
        let parameters = [user.as_str().into(), id.to_string().into()];
        self.query_one(&task(), &parameters, tasks)
    }

    fn tasks(
        &self,
        user: &UserId,
        listing: &Listing,
        after: Option<&Place>,
        limit: u32,
    ) -> Result<Tasks, StoreError> {
        match &listing.search {
            // One more than is shown is not asked for: it is known whether there is any.
            Some(query) => {
                let shown = usize::try_from(limit.saturating_sub(1)).unwrap_or(usize::MAX);
                self.found(user, (listing, query), after, shown)
            }
            None => self.shown(&listed::list(user, listing, after, limit)),
        }
    }

    fn deleted_series(&self, user: &UserId, id: TaskId) -> Result<Option<SeriesState>, StoreError> {
        match self.series_in(Bin::Inside, &[(user, id, None)])?.pop() {
            Some(row) => Ok(Some(row.1?.state()?)),
            None => Ok(None),
        }
    }

    fn events(&self, user: &UserId, after: i64, limit: u32) -> Result<EventPage, StoreError> {
        self.events_of(user, after, limit)
    }

    fn begin_listening(
        &self,
        user: &UserId,
        id: &str,
        during: (Timestamp, Timestamp),
        most: u32,
    ) -> Result<bool, StoreError> {
        self.note_listener(user, id, during, most)
    }

    fn end_listening(&self, user: &UserId, id: &str) -> Result<(), StoreError> {
        self.forget_listener(user, id)
    }

    fn beside(&self, user: &UserId, id: TaskId, after: bool) -> Result<Option<Between>, StoreError> {
        self.place_beside(user, id, after)
    }

    fn taken(&self, user: &UserId, id: TaskId, place: &str) -> Result<Option<Between>, StoreError> {
        self.taken_place(user, id, place)
    }

    fn may_be_part(&self, user: &UserId, part: TaskId, parent: TaskId) -> Result<bool, StoreError> {
        self.has_room_for(user, part, parent)
    }

    fn projects(&self, user: &UserId, page: &Page) -> Result<Vec<Project>, StoreError> {
        self.projects_of(user, page)
    }

    fn project(&self, user: &UserId, id: ProjectId) -> Result<Option<Project>, StoreError> {
        self.project_of(user, id)
    }

    fn tags(&self, user: &UserId, page: &Page) -> Result<Vec<String>, StoreError> {
        self.tags_of(user, page)
    }

    fn changes(
        &self,
        user: &UserId,
        subject: Option<&str>,
        page: &Page,
    ) -> Result<Vec<ChangeRecord>, StoreError> {
        self.changes_of(user, subject, page)
    }

    fn change(&self, user: &UserId, id: &str) -> Result<Option<(ChangeRecord, bool)>, StoreError> {
        self.change_of(user, id)
    }

    fn occurrences(
        &self,
        user: &UserId,
        task: TaskId,
        page: &Page,
    ) -> Result<Vec<OccurrenceRecord>, StoreError> {
        let place = page.after.as_ref().and_then(|after| after.parse::<i64>().ok()).unwrap_or_default();
        self.query(
            &occurrences("o.id", "o.id > ?3 AND (SELECT deleted_at FROM task WHERE id = ?2) IS NULL", "?4"),
            &[user.as_str().into(), task.to_string().into(), place.into(), page.limit.into()],
            Row::json,
        )
    }

    fn occurrences_between(
        &self,
        user: &UserId,
        task: TaskId,
        (from, to): (Bound, Bound),
        limit: usize,
    ) -> Result<Vec<OccurrenceRecord>, StoreError> {
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
            &occurrences(from_column, &format!("{from_column} >= ?3 AND {to_column} < ?4"), "?5"),
            &[
                user.as_str().into(),
                task.to_string().into(),
                from,
                to,
                i64::try_from(limit).unwrap_or(i64::MAX).into(),
            ],
            Row::json,
        )
    }

    fn projection(
        &self,
        user: &UserId,
        task: TaskId,
    ) -> Result<(Option<RecurrenceId>, Vec<Override>), StoreError> {
        let found = self.query_one(
            &format!(
                "SELECT json_object('last', (SELECT recurrence_id FROM (SELECT recurrence_id, max(ordinal) FROM ( \
                 SELECT * FROM (SELECT recurrence_id, ordinal FROM occurrence WHERE task_id = ?2 AND user_id = ?1 \
                  AND status = 'open' ORDER BY ordinal DESC LIMIT 1) \
                 UNION ALL SELECT * FROM (SELECT recurrence_id, ordinal FROM occurrence WHERE task_id = ?2 AND user_id = ?1 \
                  AND status <> 'open' AND (status = 'done' OR succession <> 'none') ORDER BY ordinal DESC LIMIT 1)))), \
                 'overrides', json((SELECT json_group_array(json(j)) FROM (SELECT {OVERRIDE} AS j FROM override AS v \
                 WHERE v.task_id = ?2 AND v.user_id = ?1 ORDER BY v.recurrence_id LIMIT 500))))"
            ),
            &[user.as_str().into(), task.to_string().into()],
            Row::json::<Projection>,
        )?;
        found.map_or_else(|| Ok((None, Vec::new())), Projection::split)
    }

    fn export(
        &self,
        user: &UserId,
        part: ExportPart,
        after: &str,
        size: (u32, u32),
    ) -> Result<ExportPiece, StoreError> {
        self.export_of(user, part, after, size)
    }

    fn identity(&self, user: &UserId) -> Result<Option<Identity>, StoreError> {
        self.query_one(
            "SELECT json_object('issuer', issuer, 'subject', subject) FROM identity WHERE user_id = ?1",
            &[user.as_str().into()],
            Row::json,
        )
    }

    fn channels(&self, user: &UserId) -> Result<Vec<Channel>, StoreError> {
        self.query(
            &format!(
                "SELECT {CHANNEL} FROM channel_v2 AS c \
                 WHERE c.user_id = ?1 AND c.deleted_at IS NULL ORDER BY c.id LIMIT 100"
            ),
            &[user.as_str().into()],
            |row| row.json().map(ChannelRow::channel),
        )
    }

    fn channel(&self, user: &UserId, id: &ChannelId) -> Result<Option<Channel>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {CHANNEL} FROM channel_v2 AS c WHERE c.user_id = ?1 AND c.id = ?2 AND c.deleted_at IS NULL"
            ),
            &[user.as_str().into(), id.as_str().into()],
            |row| row.json().map(ChannelRow::channel),
        )
    }

    fn own_tokens(&self, user: &UserId, page: &Page) -> Result<Vec<TokenRow>, StoreError> {
        self.query(
            &token_query("user_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"),
            &[user.as_str().into(), after(page), page.limit.into()],
            token,
        )
    }

    fn own_token(&self, user: &UserId, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        self.query_one(
            &token_query("user_id = ?1 AND id = ?2"),
            &[user.as_str().into(), id.to_string().into()],
            token,
        )
    }

    fn notifications_among(
        &self,
        user: &UserId,
        told: &Told,
        page: &Page,
    ) -> Result<Vec<NotificationRecord>, StoreError> {
        // What is not asked for must not be in the plan.
        let about = |task: &str| told.task.map_or("?4 IS NULL".to_owned(), |_| format!("{task} = ?4"));
        let over = |more: &str| {
            told.channel.as_ref().map_or("?5 IS NULL".to_owned(), |_| format!("channel_id = ?5{more}"))
        };
        self.query(
            &format!(
                "SELECT id, 'reminder.fired', NULL, task_id, recurrence_id, reminder_id, channel_id, state, attempts, \
                 next_attempt_at, delivered_at, last_error, created_at FROM notification_v2 \
                 WHERE {} AND {} AND user_id = ?1 AND id > ?2 \
                 UNION ALL SELECT id, type, event_id, CASE WHEN type <> 'test' AND type NOT LIKE 'project.%' THEN subject END, \
                 '', NULL, channel_id, state, attempts, next_attempt_at, delivered_at, last_error, created_at FROM notice \
                 WHERE {} AND {} AND user_id = ?1 AND id > ?2 ORDER BY 1 LIMIT ?3",
                about("task_id"),
                over(" AND channel_id <> 'inbox'"),
                about("subject"),
                over(""),
            ),
            &[
                user.as_str().into(),
                after(page),
                page.limit.into(),
                told.task.map(|task| task.to_string()).into(),
                told.channel.as_ref().map(|channel| channel.as_str()).into(),
            ],
            notification,
        )
    }

    fn parked(&self, user: &UserId, page: &Page) -> Result<Vec<ParkedItem>, StoreError> {
        self.query(
            &parked::query("w.user_id = ?3"),
            &[parked::place(page), page.limit.into(), user.as_str().into()],
            Row::json,
        )
    }

    fn parked_count(&self, user: &UserId) -> Result<i64, StoreError> {
        let count = "SELECT count(*) FROM work WHERE user_id = ?1 AND parked_at IS NOT NULL";
        Ok(self.query_one(count, &[user.as_str().into()], |row| row.integer())?.unwrap_or_default())
    }

    fn parked_item(&self, user: &UserId, id: i64) -> Result<Option<ParkedItem>, StoreError> {
        self.query_one(
            &parked::query("w.user_id = ?3 AND w.id = ?4"),
            &[0_i64.into(), 1_i64.into(), user.as_str().into(), id.into()],
            Row::json,
        )
    }

    fn letter_of(
        &self,
        user: &UserId,
        event_id: &str,
        consumer: &str,
    ) -> Result<Option<KeptLetter>, StoreError> {
        self.open_letter(user, event_id, consumer)
    }
}

impl<S: Sql> Sqlite<S> {
    /// The tasks of a list, as many as go together.
    pub(super) fn shown(&self, listed: &Listed) -> Result<Tasks, StoreError> {
        let ask = |asked: Question| self.query_one(&asked.statement, &asked.parameters, tasks);
        let found = ask(listed.whole())?.unwrap_or_default();
        if found.cut {
            return Ok(ask(listed.cut())?.unwrap_or_default());
        }
        Ok(found)
    }
}

pub(super) fn after(page: &Page) -> Value {
    page.after.clone().unwrap_or_default().into()
}
