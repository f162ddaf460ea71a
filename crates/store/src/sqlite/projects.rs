//! Projects, tags, places and changes: what a user's tasks stand in, and what was done to them.

use perennial_domain::{Between, MAX_PARTS, Project, ProjectId, TaskId, UserId};

use super::read::after;
use super::{Sql, Sqlite};
use crate::rows::Row;
use crate::rows::shown::project;
use crate::{ChangeRecord, Page, StoreError};

/// A project `p` as a JSON object.
pub(super) const PROJECT: &str = "json_object('id', p.id, 'version', p.version, 'input', json_object('name', p.name, \
     'description', p.description, 'archived', json(iif(p.archived, 'true', 'false'))), 'created_at', p.created_at, 'updated_at', p.updated_at)";

/// A change `c` as a JSON object.
pub(super) const CHANGE: &str = "json_object('id', c.id, 'at', c.at, 'actor', c.actor, 'action', c.action, 'subject', c.subject, \
     'correlation_id', c.correlation_id, 'before', json(c.before), 'after', json(c.after))";

/// The change of the subject `?4` before the change `id`. A split is a change of two: of the task that was split, whose list goes on
/// with what was before, and of the new one, whose list begins there.
pub(super) fn previous(id: &str) -> String {
    format!(
        "(SELECT p.previous FROM audit_v4 AS p WHERE p.user_id = ?1 AND p.told = 1 AND p.id = {id} \
         AND (p.action <> 'series.split' OR p.subject <> ?4))"
    )
}

/// The place nearest to `here`, after it or before it.
fn neighbour(follows: bool, here: &str) -> String {
    let (than, end) = if follows { (">", "min") } else { ("<", "max") };
    format!(
        "(SELECT {end}(place) FROM (SELECT {end}(t.position) AS place FROM task AS t \
         WHERE t.user_id = ?1 AND t.position {than} {here} \
         UNION ALL SELECT {end}(t.id) FROM task AS t WHERE t.user_id = ?1 AND t.deleted_at IS NULL \
         AND t.status = 'open' AND t.position IS NULL AND t.id {than} {here}))"
    )
}

impl<S: Sql> Sqlite<S> {
    pub(super) fn projects_of(&self, user: &UserId, page: &Page) -> Result<Vec<Project>, StoreError> {
        self.query(
            &format!(
                "SELECT {PROJECT} FROM project AS p WHERE p.user_id = ?1 AND p.deleted_at IS NULL AND p.id > ?2 \
                 ORDER BY p.id LIMIT ?3"
            ),
            &[user.as_str().into(), after(page), page.limit.into()],
            project,
        )
    }

    pub(super) fn project_of(&self, user: &UserId, id: ProjectId) -> Result<Option<Project>, StoreError> {
        self.query_one(
            &format!("SELECT {PROJECT} FROM project AS p WHERE p.id = ?2 AND p.user_id = ?1 AND p.deleted_at IS NULL"),
            &[user.as_str().into(), id.to_string().into()],
            project,
        )
    }

    /// From tag to tag, whatever the number of tasks that have it.
    pub(super) fn tags_of(&self, user: &UserId, page: &Page) -> Result<Vec<String>, StoreError> {
        self.query(
            "WITH RECURSIVE found (tag, left) AS ( \
             SELECT (SELECT min(tag) FROM task_tag WHERE user_id = ?1 AND tag > ?2), ?3 \
             UNION ALL SELECT (SELECT min(tag) FROM task_tag WHERE user_id = ?1 AND tag > found.tag), left - 1 \
             FROM found WHERE found.tag IS NOT NULL AND left > 1) \
             SELECT tag FROM found WHERE tag IS NOT NULL",
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
                "WITH here AS (SELECT coalesce(t.position, t.id) AS place FROM task AS t \
                 WHERE t.id = ?2 AND t.user_id = ?1 AND t.deleted_at IS NULL) \
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
            "SELECT (SELECT count(*) FROM task AS t WHERE t.parent_id = ?3 AND t.id <> ?2 AND t.deleted_at IS NULL) \
             FROM task AS p WHERE p.id = ?3 AND p.user_id = ?1 AND p.deleted_at IS NULL AND p.parent_id IS NULL \
             AND p.id <> ?2 AND NOT EXISTS (SELECT 1 FROM task AS t WHERE t.parent_id = ?2 AND t.deleted_at IS NULL)",
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
                "SELECT EXISTS (SELECT 1 FROM task AS t WHERE t.user_id = ?1 AND t.position = ?3 AND t.id <> ?2), {}",
                neighbour(true, "?3")
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
                    "SELECT {CHANGE} FROM audit_v4 AS c WHERE c.user_id = ?1 AND c.told = 1 \
                     AND c.id < iif(?2 = '', '~', ?2) ORDER BY c.id DESC LIMIT ?3"
                ),
                &[user.as_str().into(), after, page.limit.into()],
                Row::json,
            );
        };
        self.query(
            &format!(
                "WITH RECURSIVE told (id, left) AS (SELECT CASE ?2 WHEN '' THEN coalesce( \
                 (SELECT change_id FROM task WHERE id = ?4 AND user_id = ?1), \
                 (SELECT change_id FROM project WHERE id = ?4 AND user_id = ?1)) \
                 ELSE {} END, ?3 UNION ALL SELECT {}, left - 1 \
                 FROM told WHERE told.id IS NOT NULL AND left > 1) \
                 SELECT {CHANGE} FROM told CROSS JOIN audit_v4 AS c ON c.user_id = ?1 AND c.told = 1 AND c.id = told.id",
                previous("?2"),
                previous("told.id")
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
                "SELECT {CHANGE}, c.id IS (SELECT change_id FROM task WHERE id = c.subject AND user_id = ?1) \
                 FROM audit_v4 AS c WHERE c.user_id = ?1 AND c.told = 1 AND c.id = ?2"
            ),
            &[user.as_str().into(), id.into()],
            |row| Ok((row.json()?, row.integer()? != 0)),
        )
    }
}
