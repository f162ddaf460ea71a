//! Work that was given up.

use perennial_store::{ParkedItem, WorkKind};
use serde::Serialize;

use super::{At, name};

/// An item of work that was given up.
#[derive(Serialize)]
pub(crate) struct ParkedView<'a> {
    id: String,
    kind: WorkKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    task_id: &'a str,
    recurrence_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a str>,
    reason: Option<&'a str>,
    tries: i64,
    parked_at: At,
}

impl<'a> ParkedView<'a> {
    /// `with_user`: for an admin, who sees everyone's.
    pub(crate) fn new(item: &'a ParkedItem, with_user: bool) -> Self {
        Self {
            id: item.id.to_string(),
            kind: item.kind,
            user: with_user.then(|| item.user_id.as_str()),
            task_id: &item.task_id,
            recurrence_id: name(&item.recurrence_id),
            item: Some(item.item.as_str()).filter(|item| !item.is_empty()),
            reason: item.reason.as_deref(),
            tries: item.tries,
            parked_at: At(item.parked_at),
        }
    }
}
