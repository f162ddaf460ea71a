//! What one user's requests read. Every statement carries the user's id.

use perennial_domain::{
    Between, Bound, Channel, ChannelId, Commit, Identity, Override, Project, ProjectId, RecurrenceId,
    SeriesState, TaskId, Timestamp, TokenId, TokenRow, UserId,
};

use super::listed::Parameters;
use super::records::{CHANNEL, OVERRIDE};
use super::series::Bin;
use super::shown::{occurrences, task};
use super::system::accounts::token_query;
use super::{Pg, Postgres, listed, parked};
use crate::asked::Bind;
use crate::rows::accounts::token;
use crate::rows::records::ChannelRow;
use crate::rows::shown::{Projection, notification, tasks};
use crate::rows::{Row, Value};
use crate::{
    Apply, ChangeRecord, EventPage, ExportPart, ExportPiece, IdempotentAnswer, KeptLetter, Listing,
    NotificationRecord, OccurrenceRecord, Outcome, Page, ParkedItem, Place, Store, StoreError, Tasks, Told,
};

impl<S: Pg> Store for Postgres<S> {
    fn apply(&self, commits: &[Commit], how: Apply) -> Result<Vec<Outcome>, StoreError> {
        self.write(commits, how)
    }

    fn idempotent_answer(&self, user: &UserId, key: &str) -> Result<Option<IdempotentAnswer>, StoreError> {
        self.query_one(
            "SELECT json_build_object('fingerprint', fingerprint, 'status', status, 'etag', etag, 'location', location, \
             'body', body, 'change_id', change_id)::text FROM idempotency WHERE user_id = $1::text AND key = $2::text",
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
        match self.series_of(&[(user, id, asked)])?.pop() {
            Some(row) => Ok(Some(row.1?.state()?)),
            None => Ok(None),
        }
    }

    fn task(&self, user: &UserId, id: TaskId) -> Result<Option<Tasks>, StoreError> {
        self.query_one(&task(), &[user.as_str().into(), id.to_string().into()], tasks)
    }

    fn tasks(
        &self,
        user: &UserId,
        listing: &Listing,
        after: Option<&Place>,
        limit: u32,
    ) -> Result<Tasks, StoreError> {
        if let Some(query) = &listing.search {
            // One more than is shown is not asked for: it is known whether there is any.
            let shown = usize::try_from(limit.saturating_sub(1)).unwrap_or(usize::MAX);
            return self.searched(user, (listing, query), after, shown);
        }
        let asked = listed::list(user, listing, after, limit);
        Ok(self.query_one(&asked.statement, &asked.parameters, tasks)?.unwrap_or_default())
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
        let there =
            "o.id > $3::bigint AND o.id > 0 AND (SELECT deleted_at FROM task WHERE id = $2::text) IS NULL";
        self.query(
            &occurrences("", there, "$4::bigint"),
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
            Bound::Instant(at) => ("o.due_at", "bigint", at.into()),
            Bound::Local(at) => (
                "substr(o.due_local || 'T00:00:00', 1, 19)",
                "text",
                at.format("%Y-%m-%dT%H:%M:%S").to_string().into(),
            ),
        };
        let ((first, of_first, from), (last, of_last, to)): ((_, _, Value), (_, _, Value)) =
            (place(from), place(to));
        let between = format!("{first} >= $3::{of_first} AND {last} < $4::{of_last}");
        self.query(
            &occurrences(&format!("{first}, "), &between, "$5::bigint"),
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
        let last = |which: &str| {
            format!(
                "(SELECT o.recurrence_id, o.ordinal FROM occurrence AS o WHERE o.task_id = $2::text AND o.user_id = $1::text \
                 AND {which} ORDER BY o.ordinal DESC LIMIT 1)"
            )
        };
        let found = self.query_one(
            &format!(
                "SELECT json_build_object('last', \
                 (SELECT recurrence_id FROM ({} UNION ALL {}) AS o ORDER BY ordinal DESC LIMIT 1), \
                 'overrides', (SELECT coalesce(json_agg(shown), '[]') FROM (SELECT {OVERRIDE} AS shown FROM override AS v \
                 WHERE v.task_id = $2::text AND v.user_id = $1::text ORDER BY v.recurrence_id LIMIT 500) AS v))::text",
                last("o.status = 'open'"),
                last("o.status <> 'open' AND (o.status = 'done' OR o.succession <> 'none')")
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
            "SELECT json_build_object('issuer', issuer, 'subject', subject)::text FROM identity WHERE user_id = $1::text",
            &[user.as_str().into()],
            Row::json,
        )
    }

    fn channels(&self, user: &UserId) -> Result<Vec<Channel>, StoreError> {
        self.query(
            &format!(
                "SELECT {CHANNEL}::text FROM channel AS c \
                 WHERE c.user_id = $1::text AND c.deleted_at IS NULL ORDER BY c.id LIMIT 100"
            ),
            &[user.as_str().into()],
            |row| row.json().map(ChannelRow::channel),
        )
    }

    fn channel(&self, user: &UserId, id: &ChannelId) -> Result<Option<Channel>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {CHANNEL}::text FROM channel AS c \
                 WHERE c.user_id = $1::text AND c.id = $2::text AND c.deleted_at IS NULL"
            ),
            &[user.as_str().into(), id.as_str().into()],
            |row| row.json().map(ChannelRow::channel),
        )
    }

    fn own_tokens(&self, user: &UserId, page: &Page) -> Result<Vec<TokenRow>, StoreError> {
        self.query(
            &token_query("t.user_id = $1::text AND t.id > $2::text ORDER BY t.id LIMIT $3::bigint"),
            &[user.as_str().into(), after(page), page.limit.into()],
            token,
        )
    }

    fn own_token(&self, user: &UserId, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        self.query_one(
            &token_query("t.user_id = $1::text AND t.id = $2::text"),
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
        let mut parameters = Parameters(vec![user.as_str().into(), after(page), page.limit.into()]);
        let task = told.task.map(|task| parameters.bind(task.to_string()));
        let channel = told.channel.as_ref().map(|channel| parameters.bind(channel.as_str()));
        let those = |about: &str| {
            let about = task.as_ref().map_or_else(String::new, |task| format!(" AND {about} = {task}"));
            let over =
                channel.as_ref().map_or_else(String::new, |channel| format!(" AND channel_id = {channel}"));
            format!("WHERE user_id = $1::text AND id > $2::text{about}{over}")
        };
        // The index of channels is of these alone.
        let over = channel.as_ref().map_or("", |_| " AND channel_id <> 'inbox'");
        let rest = "channel_id, state, attempts, next_attempt_at, delivered_at, last_error, created_at";
        self.query(
            &format!(
                "(SELECT id, 'reminder.fired'::text, NULL::text, task_id, recurrence_id, reminder_id, {rest} \
                 FROM notification {}{over} ORDER BY id LIMIT $3::bigint) \
                 UNION ALL (SELECT id, type, event_id, CASE WHEN type <> 'test' AND type NOT LIKE 'project.%' THEN subject END, \
                 '', NULL, {rest} FROM notice {} ORDER BY id LIMIT $3::bigint) ORDER BY id LIMIT $3::bigint",
                those("task_id"),
                those("subject"),
            ),
            &parameters.0,
            notification,
        )
    }

    fn parked(&self, user: &UserId, page: &Page) -> Result<Vec<ParkedItem>, StoreError> {
        self.query(
            &parked::query("w.user_id = $3::text"),
            &[parked::place(page), page.limit.into(), user.as_str().into()],
            Row::json,
        )
    }

    fn parked_count(&self, user: &UserId) -> Result<i64, StoreError> {
        let count = "SELECT count(*) FROM work WHERE user_id = $1::text AND parked_at IS NOT NULL";
        Ok(self.query_one(count, &[user.as_str().into()], |row| row.integer())?.unwrap_or_default())
    }

    fn parked_item(&self, user: &UserId, id: i64) -> Result<Option<ParkedItem>, StoreError> {
        self.query_one(
            &parked::query("w.user_id = $3::text AND w.id = $4::bigint"),
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
        self.letter_of_event(user, event_id, consumer)
    }
}

/// The place that a page starts after.
pub(super) fn after(page: &Page) -> Value {
    page.after.clone().unwrap_or_default().into()
}
