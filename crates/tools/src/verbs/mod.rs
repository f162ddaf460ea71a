//! The tools, one by one.

mod add;
mod find;

use perennial_http_api::{Problem, typed};
use perennial_store::{Store, SystemStore};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::Told;
use crate::door::Door;
use crate::tool::Verb;

#[cfg(feature = "schema")]
pub(crate) use {
    add::AddTasks,
    find::{FindTasks, Found},
};

/// Carries a tool out.
pub(crate) fn carry_out<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    verb: Verb,
    arguments: Value,
) -> Result<Told, Problem> {
    match verb {
        Verb::FindTasks => find::find(door, &read(arguments)?),
        Verb::AddTasks => add::add(door, read(arguments)?),
    }
}

/// The arguments of a tool.
fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, Problem> {
    typed(without_nothings(arguments))
}

/// Models send `null` for what they leave out.
fn without_nothings(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, without_nothings(member)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nothings).collect(),
        other => other,
    }
}
