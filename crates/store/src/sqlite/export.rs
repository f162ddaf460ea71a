//! Everything of a user, a piece at a time: each statement goes on in an index that begins with the user, or walks the user's
//! tasks and what hangs on them.

use perennial_domain::UserId;

use super::projects::{CHANGE, PROJECT};
use super::records::OVERRIDE;
use super::shown::{OCCURRENCE, TASK};
use super::{Sql, Sqlite};
use crate::rows::conversations::{CONFIRMATION, CONVERSATION, MESSAGE, members};
use crate::rows::export::{WALK, has_names, name_of, piece, place, row};
use crate::{ExportPart, ExportPiece, StoreError};

/// The user's tasks after `?2`, whatever has become of them, in the order of their ids: up to so many.
fn tasks(limit: &str) -> String {
    let of = |index: &str, which: &str| {
        format!("SELECT id FROM task INDEXED BY {index} WHERE user_id = ?1 AND id > ?2 AND {which}")
    };
    let open = of("task_by_status", "deleted_at IS NULL AND status = 'open'");
    let done = of("task_by_status", "deleted_at IS NULL AND status = 'done'");
    let bin = of("task_in_bin", "deleted_at IS NOT NULL AND forgotten IS NULL");
    format!("SELECT id FROM ({open} UNION ALL {done} UNION ALL {bin} ORDER BY 1 LIMIT {limit})")
}

/// A piece of a part: places and texts, up to `?3` of them and to the one with which they have `?4` bytes. The last row has no place:
/// it says where walking ended, if there may be more tasks. That must be of the same look.
fn statement(part: ExportPart) -> String {
    let (walked, rows) = match part {
        ExportPart::Projects => (
            "SELECT NULL".to_owned(),
            format!(
                "SELECT p.id AS place, {PROJECT} AS text FROM project AS p \
                 WHERE p.user_id = ?1 AND p.deleted_at IS NULL AND p.id > ?2 ORDER BY p.id LIMIT ?3"
            ),
        ),
        ExportPart::Changes => (
            "SELECT NULL".to_owned(),
            format!(
                "SELECT c.id AS place, {CHANGE} AS text FROM audit_v4 AS c \
                 WHERE c.user_id = ?1 AND c.told = 1 AND c.id > ?2 ORDER BY c.id LIMIT ?3"
            ),
        ),
        ExportPart::Conversations => (
            "SELECT NULL".to_owned(),
            format!(
                "SELECT c.id AS place, json_object({}) AS text FROM conversation AS c \
                 WHERE c.user_id = ?1 AND c.id > ?2 ORDER BY c.id LIMIT ?3",
                members(CONVERSATION)
            ),
        ),
        ExportPart::Messages => (
            "SELECT NULL".to_owned(),
            format!(
                "SELECT m.conversation_id || ' ' || printf('%06d', m.sequence) AS place, json_array(m.conversation_id, json_object({})) AS text \
                 FROM message AS m WHERE m.user_id = ?1 AND (m.conversation_id, m.sequence) > (?2, ?5) \
                 ORDER BY m.conversation_id, m.sequence LIMIT ?3",
                members(MESSAGE)
            ),
        ),
        ExportPart::Confirmations => (
            "SELECT NULL".to_owned(),
            format!(
                "SELECT f.conversation_id || ' ' || f.id AS place, json_object({}) AS text FROM confirmation AS f \
                 WHERE f.user_id = ?1 AND (f.conversation_id, f.id) > (?2, ?5) ORDER BY f.conversation_id, f.id LIMIT ?3",
                members(CONFIRMATION)
            ),
        ),
        ExportPart::Tasks => (
            tasks("?3"),
            format!(
                "SELECT t.id AS place, {TASK} AS text FROM walked CROSS JOIN task AS t ON t.id = walked.id"
            ),
        ),
        ExportPart::Occurrences => {
            hanging("o.recurrence_id", &format!("json_array(o.task_id, json({OCCURRENCE}))"), OCCURRENCES)
        }
        ExportPart::Overrides => {
            hanging("v.recurrence_id", &format!("json_array(v.task_id, json({OVERRIDE}))"), OVERRIDES)
        }
    };
    format!(
        "WITH walked (id) AS MATERIALIZED ({walked}) \
         SELECT place, text FROM (SELECT place, text, \
         coalesce(sum(octet_length(text)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM ({rows})) AS told \
         WHERE before < ?4 UNION ALL SELECT NULL, (SELECT id FROM walked LIMIT 1 OFFSET {WALK} - 1)"
    )
}

const OCCURRENCES: &str = "occurrence AS o INDEXED BY sqlite_autoindex_occurrence_1";
const OVERRIDES: &str = "override AS v";

/// What hangs on tasks: the rest of the task `?2`, after the name `?5`, and then of those that follow it.
fn hanging(name: &str, text: &str, table: &str) -> (String, String) {
    let row = name.split('.').next().unwrap_or_default();
    let shown = format!("SELECT {row}.task_id || ' ' || {name} AS place, {text} AS text FROM");
    let rows = format!(
        "SELECT * FROM ({shown} {table} WHERE {row}.task_id = ?2 AND {row}.user_id = ?1 AND {name} > ?5 ORDER BY {name} LIMIT ?3) \
         UNION ALL SELECT * FROM ({shown} walked CROSS JOIN {table} WHERE {row}.task_id = walked.id AND {row}.user_id = ?1 LIMIT ?3) \
         LIMIT ?3"
    );
    (tasks(&WALK.to_string()), rows)
}

impl<S: Sql> Sqlite<S> {
    pub(super) fn export_of(
        &self,
        user: &UserId,
        part: ExportPart,
        after: &str,
        (limit, bytes): (u32, u32),
    ) -> Result<ExportPiece, StoreError> {
        let (id, name) = place(part, after);
        let mut parameters = vec![user.as_str().into(), id.into(), limit.into(), bytes.into()];
        if has_names(part) {
            parameters.push(name_of(part, name));
        }
        Ok(piece(part, self.query(&statement(part), &parameters, row)?))
    }
}
