//! Pieces of an export: where they begin, and what is made of their rows.

use perennial_domain::{Override, Project, TaskId};

use super::records::OverrideRow;
use super::shown::ProjectRow;
use super::{Row, Value};
use crate::{ExportPart, ExportPiece, ExportedRow, StoreError};

/// Tasks that are looked at for what hangs on them, in one piece.
pub(crate) const WALK: u32 = 500;

/// What comes after every name of an occurrence.
const LAST: &str = "~";

/// Whether what is in a part hangs on tasks.
pub(crate) fn hangs(part: ExportPart) -> bool {
    matches!(part, ExportPart::Occurrences | ExportPart::Overrides)
}

/// Whether a place in a part is two words: what it hangs on, and its name there.
pub(crate) fn has_names(part: ExportPart) -> bool {
    hangs(part) || matches!(part, ExportPart::Messages | ExportPart::Confirmations)
}

/// The id after which a piece begins, and the name of what hangs on it.
pub(crate) fn place(part: ExportPart, after: &str) -> (&str, &str) {
    if has_names(part) { after.split_once(' ').unwrap_or((after, LAST)) } else { (after, "") }
}

/// That name as a statement is given it: a message's is a number.
pub(crate) fn name_of(part: ExportPart, name: &str) -> Value {
    match part {
        ExportPart::Messages => Value::Integer(name.parse().unwrap_or(i64::MAX)),
        _ => name.into(),
    }
}

/// A row of a piece: its place and its text. One without a place says where walking ended, if there may be more tasks.
pub(crate) fn row(row: &mut Row) -> Result<(Option<String>, Option<String>), StoreError> {
    Ok((row.text_or_null()?, row.text_or_null()?))
}

/// A piece of these rows.
pub(crate) fn piece(part: ExportPart, found: Vec<(Option<String>, Option<String>)>) -> ExportPiece {
    let (mut rows, mut end) = (Vec::with_capacity(found.len()), None);
    for row in found {
        match row {
            (Some(place), Some(text)) => rows.push(ExportedRow { place, text }),
            (_, walked) => end = walked.filter(|_| hangs(part)),
        }
    }
    let next = rows.last().map(|last| last.place.clone());
    ExportPiece { next: next.or_else(|| end.map(|id| format!("{id} {LAST}"))), rows }
}

/// A project out of an export.
pub(crate) fn project(text: &str) -> Result<Project, StoreError> {
    Ok(serde_json::from_str::<ProjectRow>(text)?.project())
}

/// A change of an occurrence out of an export.
pub(crate) fn change_of_occurrence(text: &str) -> Result<(TaskId, Override), StoreError> {
    let (task, row): (TaskId, OverrideRow) = serde_json::from_str(text)?;
    Ok((task, row.change()?))
}
