//! Everything of a user, a piece at a time: each statement goes on in an index that begins with the user, or walks the user's
//! tasks and what hangs on them.

use perennial_domain::UserId;

use super::projects::{CHANGE, PROJECT};
use super::records::OVERRIDE;
use super::shown::{OCCURRENCE, TASK};
use super::{Pg, Postgres};
use crate::rows::conversations::{CONFIRMATION, CONVERSATION, MESSAGE, members};
use crate::rows::export::{WALK, has_names, name_of, piece, place, row};
use crate::{ExportPart, ExportPiece, StoreError};

/// The user's tasks after `$2`, whatever has become of them, in the order of their ids: up to so many.
fn tasks(limit: &str) -> String {
    let of = |which: &str| {
        format!(
            "(SELECT id FROM task WHERE user_id = $1::text AND id > $2::text AND {which} ORDER BY id LIMIT {limit})"
        )
    };
    let open = of("deleted_at IS NULL AND status = 'open'");
    let done = of("deleted_at IS NULL AND status = 'done'");
    let bin = of("deleted_at IS NOT NULL AND NOT forgotten");
    format!("{open} UNION ALL {done} UNION ALL {bin} ORDER BY id LIMIT {limit}")
}

/// A piece of a part: places and texts, up to `$3` of them and to the one with which they have `$4` bytes. The last row has no place:
/// it says where walking ended, if there may be more tasks. That must be of the same look.
fn statement(part: ExportPart) -> String {
    let (walked, rows) = match part {
        ExportPart::Projects => (
            "SELECT NULL".to_owned(),
            format!(
                "SELECT p.id AS place, {PROJECT}::text AS text FROM project AS p \
                 WHERE p.user_id = $1::text AND p.deleted_at IS NULL AND p.id > $2::text ORDER BY p.id LIMIT $3::bigint"
            ),
        ),
        ExportPart::Changes => (
            "SELECT NULL".to_owned(),
            format!(
                "SELECT c.id AS place, {CHANGE}::text AS text FROM audit AS c \
                 WHERE c.user_id = $1::text AND c.told AND c.id > $2::text ORDER BY c.id LIMIT $3::bigint"
            ),
        ),
        ExportPart::Conversations => (
            "SELECT NULL".to_owned(),
            format!(
                "SELECT c.id AS place, json_build_object({})::text AS text FROM conversation AS c \
                 WHERE c.user_id = $1::text AND c.id > $2::text ORDER BY c.id LIMIT $3::bigint",
                members(CONVERSATION)
            ),
        ),
        ExportPart::Messages => (
            "SELECT NULL".to_owned(),
            format!(
                "SELECT m.conversation_id || ' ' || lpad(m.sequence::text, 6, '0') AS place, \
                 json_build_array(m.conversation_id, json_build_object({}))::text AS text FROM message AS m \
                 WHERE m.user_id = $1::text AND (m.conversation_id, m.sequence) > ($2::text, $5::bigint) \
                 ORDER BY m.conversation_id, m.sequence LIMIT $3::bigint",
                members(MESSAGE)
            ),
        ),
        ExportPart::Confirmations => (
            "SELECT NULL".to_owned(),
            format!(
                "SELECT f.conversation_id || ' ' || f.id AS place, json_build_object({})::text AS text FROM confirmation AS f \
                 WHERE f.user_id = $1::text AND (f.conversation_id, f.id) > ($2::text, $5::text) \
                 ORDER BY f.conversation_id, f.id LIMIT $3::bigint",
                members(CONFIRMATION)
            ),
        ),
        ExportPart::Tasks => (
            tasks("$3::bigint"),
            format!(
                "SELECT t.id AS place, {TASK} AS text FROM walked \
                 CROSS JOIN LATERAL (SELECT * FROM task WHERE id = walked.id LIMIT 1) AS t LIMIT $3::bigint"
            ),
        ),
        ExportPart::Occurrences => hanging("occurrence AS o", "o", OCCURRENCE),
        ExportPart::Overrides => hanging("override AS v", "v", OVERRIDE),
    };
    format!(
        "WITH walked (id) AS MATERIALIZED ({walked}) \
         SELECT place, text FROM (SELECT place, text, \
         sum(octet_length(text)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM ({rows}) AS rows) AS told \
         WHERE coalesce(before, 0) < $4::bigint \
         UNION ALL SELECT NULL, (SELECT id FROM walked LIMIT 1 OFFSET {WALK} - 1) ORDER BY place"
    )
}

/// What hangs on tasks: the rest of the task `$2`, after the name `$5`, and then of those that follow it.
fn hanging(table: &str, row: &str, shown: &str) -> (String, String) {
    let shown = format!(
        "SELECT {row}.task_id || ' ' || {row}.recurrence_id AS place, json_build_array({row}.task_id, {shown})::text AS text FROM"
    );
    let of = |task: &str, more: &str| {
        format!(
            "{table} WHERE {row}.task_id = {task} AND {row}.user_id = $1::text{more} ORDER BY {row}.recurrence_id LIMIT $3::bigint"
        )
    };
    let rest = of("$2::text", &format!(" AND {row}.recurrence_id > $5::text"));
    let next = of("walked.id", "");
    let rows = format!(
        "({shown} {rest}) UNION ALL ({shown} walked CROSS JOIN LATERAL (SELECT * FROM {next}) AS {row} LIMIT $3::bigint) LIMIT $3::bigint"
    );
    (tasks(&WALK.to_string()), rows)
}

impl<S: Pg> Postgres<S> {
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
