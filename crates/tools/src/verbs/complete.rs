//! Completing tasks and occurrences, and opening them again.

use perennial_http_api::Problem;
use perennial_store::{Store, SystemStore};
use serde::Deserialize;
use serde_json::json;

use super::batch::{Step, carry_out};
use crate::answer::Told;
use crate::arguments::{Each, Id, Text, said};
use crate::door::Door;

/// Most items of a call.
const MOST: usize = 50;

/// What is done.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct CompleteTasks {
    items: Each<Item, MOST>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Item {
    task: Id,
    #[serde(default)]
    occurrence: Option<Text<200>>,
    #[serde(default = "yes")]
    done: bool,
}

fn yes() -> bool {
    true
}

pub(super) fn complete<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: CompleteTasks,
) -> Result<Told, Problem> {
    door.api.dry_run |= asked.dry_run;
    let key = door.key(None)?;
    carry_out(door, (key.as_deref(), &[("/id", "/task")]), asked.items.0, |_, _, item| {
        let operation = if item.done { "complete" } else { "reopen" };
        let body = json!({ "recurrence_id": said(item.occurrence.as_ref()) });
        Ok(Step::Command(json!({ "operation": operation, "id": item.task, "body": body }), Vec::new()))
    })
}
