//! Work that was given up.

use perennial_http_api::Items;
use perennial_store::{ParkedItem, WorkKind};
use serde::Serialize;

use super::{At, name};

/// A page of work that was given up.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ParkedPage<'a> {
    #[serde(flatten)]
    pub page: Items<ParkedView<'a>>,
    /// How many there are.
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    pub total: i64,
}

/// An item of work that was given up.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ParkedView<'a> {
    #[cfg_attr(feature = "schema", schemars(length(max = 20)))]
    id: String,
    kind: WorkKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    user: Option<&'a str>,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    task_id: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    recurrence_id: Option<&'a str>,
    /// Who gave an event up, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    consumer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    item: Option<&'a str>,
    #[cfg_attr(feature = "schema", schemars(length(max = 1000)))]
    reason: Option<&'a str>,
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    tries: i64,
    parked_at: At,
}

impl<'a> ParkedView<'a> {
    /// `with_user`: for an admin, who sees everyone's.
    pub(crate) fn new(item: &'a ParkedItem, with_user: bool) -> Self {
        let (recurrence_id, consumer) = match item.kind {
            WorkKind::Event => (None, name(&item.recurrence_id)),
            _ => (name(&item.recurrence_id), None),
        };
        Self {
            id: item.id.to_string(),
            kind: item.kind,
            user: with_user.then(|| item.user_id.as_str()),
            task_id: &item.task_id,
            recurrence_id,
            consumer,
            item: Some(item.item.as_str()).filter(|item| !item.is_empty()),
            reason: item.reason.as_deref(),
            tries: item.tries,
            parked_at: At(item.parked_at),
        }
    }
}
