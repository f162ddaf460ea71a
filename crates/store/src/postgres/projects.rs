//! Projects, tags, places and changes: what a user's tasks stand in, and what was done to them.

use perennial_domain::{Between, MAX_PARTS, Project, ProjectId, TaskId, UserId};

use super::read::after;
use super::{Pg, Postgres};
use crate::rows::Row;
use crate::rows::shown::project;
use crate::{ChangeRecord, Page, StoreError};

/// A project `p` as a JSON object.
pub(super) const PROJECT: &str = "json_build_object('id', p.id, 'version', p.version, 'input', json_build_object('name', p.name, \
     'description', p.description, 'archived', p.archived), 'created_at', p.created_at, 'updated_at', p.updated_at)";

/// A change `c` as a JSON object.
pub(super) const CHANGE: &str = "json_build_object('id', c.id, 'at', c.at, 'actor', c.actor, 'action', c.action, \
     'subject', c.subject, 'correlation_id', c.correlation_id, 'before', c.before::json, 'after', c.after::json)";

/// The change of the subject `$4` before the change `id`. A split is a change of two: of the task that was split, whose list goes on
/// with what was before, and of the new one, whose list begins there.
pub(super) fn previous(id: &str) -> String {
    format!(
        "(SELECT p.previous FROM audit AS p WHERE p.user_id = $1::text AND p.told AND p.id = {id} \
         AND (p.action <> 'series.split' OR p.subject <> $4::text))"
    )
}

/// Changes that were told of the subject `$4`, as `told` (id, place): from the one before `$2` backwards, up to `$3`; where `$2` is
/// empty, from the first of `last` on that there is.
pub(super) fn told(last: &str) -> String {
    format!(
        "WITH RECURSIVE told (id, place) AS (SELECT CASE $2::text WHEN '' THEN coalesce( \
         (SELECT change_id FROM task WHERE id = $4::text AND user_id = $1::text), \
         (SELECT change_id FROM project WHERE id = $4::text AND user_id = $1::text){last}) ELSE {} END, 1 \
         UNION ALL SELECT {}, place + 1 FROM told WHERE told.id IS NOT NULL AND place < $3::bigint)",
        previous("$2::text"),
        previous("told.id")
    )
}

/// The place nearest to `here`, after it or before it: of the tasks that were moved, and of the open ones that were not.
fn neighbour(follows: bool, here: &str) -> String {
    let (than, end) = if follows { (">", "min") } else { ("<", "max") };
    format!(
        "(SELECT {end}(place) FROM ( \
         SELECT {end}(t.position) AS place FROM task AS t WHERE t.user_id = $1::text AND t.position {than} {here} \
         UNION ALL SELECT {end}(t.id) FROM task AS t WHERE t.user_id = $1::text AND t.deleted_at IS NULL \
         AND t.status = 'open' AND t.position IS NULL AND t.id {than} {here}) AS near)"
    )
}

impl<S: Pg> Postgres<S> {
    pub(super) fn projects_of(&self, user: &UserId, page: &Page) -> Result<Vec<Project>, StoreError> {
        self.query(
            &format!(
                "SELECT {PROJECT}::text FROM project AS p WHERE p.user_id = $1::text AND p.deleted_at IS NULL AND p.id > $2::text \
                 ORDER BY p.id LIMIT $3::bigint"
            ),
            &[user.as_str().into(), after(page), page.limit.into()],
            project,
        )
    }

    pub(super) fn project_of(&self, user: &UserId, id: ProjectId) -> Result<Option<Project>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {PROJECT}::text FROM project AS p \
                 WHERE p.id = $2::text AND p.user_id = $1::text AND p.deleted_at IS NULL"
            ),
            &[user.as_str().into(), id.to_string().into()],
            project,
        )
    }

    /// From tag to tag, whatever the number of tasks that have it.
    pub(super) fn tags_of(&self, user: &UserId, page: &Page) -> Result<Vec<String>, StoreError> {
        self.query(
            "WITH RECURSIVE found (tag, place) AS ( \
             SELECT (SELECT min(g.tag) FROM task_tag AS g WHERE g.user_id = $1::text AND g.tag > $2::text), 1 \
             UNION ALL SELECT (SELECT min(g.tag) FROM task_tag AS g WHERE g.user_id = $1::text AND g.tag > found.tag), place + 1 \
             FROM found WHERE found.tag IS NOT NULL AND place < $3::bigint) \
             SELECT tag FROM found WHERE tag IS NOT NULL ORDER BY place",
            &[user.as_str().into(), after(page), page.limit.into()],
            Row::text,
        )
    }

    /// A task that was not moved stands at its id. The neighbour is the nearest of those that were moved, done and deleted ones
    /// too, which keep their places, and of the open ones that were not.
    pub(super) fn place_beside(
        &self,
        user: &UserId,
        id: TaskId,
        follows: bool,
    ) -> Result<Option<Between>, StoreError> {
        let found = self.query_one(
            &format!(
                "WITH here AS MATERIALIZED (SELECT coalesce(t.position, t.id) AS place FROM task AS t \
                 WHERE t.id = $2::text AND t.user_id = $1::text AND t.deleted_at IS NULL) \
                 SELECT (SELECT place FROM here), {}",
                neighbour(follows, "(SELECT place FROM here)")
            ),
            &[user.as_str().into(), id.to_string().into()],
            |row| Ok((row.text_or_null()?, row.text_or_null()?)),
        )?;
        let Some((Some(here), neighbour)) = found else { return Ok(None) };
        let (lower, upper) = if follows { (Some(here), neighbour) } else { (neighbour, Some(here)) };
        Ok(Some(Between { lower, upper }))
    }

    /// What `expect.parents` asks, before anything is written.
    pub(super) fn has_room_for(
        &self,
        user: &UserId,
        part: TaskId,
        parent: TaskId,
    ) -> Result<bool, StoreError> {
        let found = self.query_one(
            "SELECT (SELECT count(*) FROM task AS t WHERE t.parent_id = $3::text AND t.id <> $2::text AND t.deleted_at IS NULL) \
             FROM task AS p WHERE p.id = $3::text AND p.user_id = $1::text AND p.deleted_at IS NULL AND p.parent_id IS NULL \
             AND p.id <> $2::text AND NOT EXISTS (SELECT 1 FROM task AS t WHERE t.parent_id = $2::text AND t.deleted_at IS NULL)",
            &[user.as_str().into(), part.to_string().into(), parent.to_string().into()],
            |row| Ok(usize::try_from(row.integer()?).unwrap_or(usize::MAX)),
        )?;
        Ok(found.is_some_and(|parts| parts < MAX_PARTS))
    }

    /// What is right after a place where another task of the user stands than this one; `None` where none does.
    pub(super) fn taken_place(
        &self,
        user: &UserId,
        id: TaskId,
        place: &str,
    ) -> Result<Option<Between>, StoreError> {
        let found = self.query_one(
            &format!(
                "SELECT EXISTS (SELECT 1 FROM task AS t \
                 WHERE t.user_id = $1::text AND t.position = $3::text AND t.id <> $2::text)::int::bigint, {}",
                neighbour(true, "$3::text")
            ),
            &[user.as_str().into(), id.to_string().into(), place.into()],
            |row| Ok((row.integer()? != 0, row.text_or_null()?)),
        )?;
        let Some((true, upper)) = found else { return Ok(None) };
        Ok(Some(Between { lower: Some(place.to_owned()), upper }))
    }

    /// Of one subject, from the last that was told of it to the one before, and so on.
    pub(super) fn changes_of(
        &self,
        user: &UserId,
        subject: Option<&str>,
        page: &Page,
    ) -> Result<Vec<ChangeRecord>, StoreError> {
        let after = after(page);
        let Some(subject) = subject else {
            return self.query(
                &format!(
                    "SELECT {CHANGE}::text FROM audit AS c WHERE c.user_id = $1::text AND c.told \
                     AND c.id < coalesce(nullif($2::text, ''), '~') ORDER BY c.id DESC LIMIT $3::bigint"
                ),
                &[user.as_str().into(), after, page.limit.into()],
                Row::json,
            );
        };
        self.query(
            &format!(
                "{} SELECT {CHANGE}::text FROM told CROSS JOIN LATERAL ( \
                 SELECT * FROM audit AS c WHERE c.user_id = $1::text AND c.told AND c.id = told.id LIMIT 1) AS c ORDER BY told.place",
                told("")
            ),
            &[user.as_str().into(), after, page.limit.into(), subject.into()],
            Row::json,
        )
    }

    pub(super) fn change_of(
        &self,
        user: &UserId,
        id: &str,
    ) -> Result<Option<(ChangeRecord, bool)>, StoreError> {
        self.query_one(
            &format!(
                "SELECT {CHANGE}::text, \
                 (c.id IS NOT DISTINCT FROM (SELECT change_id FROM task WHERE id = c.subject AND user_id = $1::text))::int::bigint \
                 FROM audit AS c WHERE c.user_id = $1::text AND c.told AND c.id = $2::text"
            ),
            &[user.as_str().into(), id.into()],
            |row| Ok((row.json()?, row.integer()? != 0)),
        )
    }
}
