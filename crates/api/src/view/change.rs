//! Changes.

use perennial_store::ChangeRecord;
use serde::Serialize;
use serde_json::Value;

use super::At;

/// A change that a user made.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ChangeView<'a> {
    #[cfg_attr(feature = "schema", schemars(length(min = 36, max = 36)))]
    id: &'a str,
    at: At,
    /// Who made it: a token, by its id.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    actor: &'a str,
    /// What was done, such as `task.update`.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    action: &'a str,
    /// The id of what it was done to.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    subject: &'a str,
    /// The request that it came in, as in the log and in events.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    request_id: &'a str,
    /// What was there before; `null` where there was nothing.
    before: Option<&'a Value>,
    /// What was there after it; `null` where there was nothing.
    after: Option<&'a Value>,
}

impl<'a> ChangeView<'a> {
    pub(crate) fn new(change: &'a ChangeRecord) -> Self {
        Self {
            id: &change.id,
            at: At(change.at),
            actor: &change.actor,
            action: &change.action,
            subject: &change.subject,
            request_id: &change.correlation_id,
            before: change.before.as_ref(),
            after: change.after.as_ref(),
        }
    }
}
