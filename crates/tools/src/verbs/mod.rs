//! The tools, one by one.

mod add;
mod agenda;
mod batch;
mod complete;
mod delete;
mod find;
mod get;
mod history;
mod preview;
mod projects;
mod reminders;
mod reschedule;
mod undo;
mod update;

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
    agenda::{Agenda, GetAgenda},
    complete::CompleteTasks,
    delete::{DeleteTasks, Deleted},
    find::{FindTasks, Found},
    get::{GetTasks, Got},
    history::{GetHistory, History},
    preview::{PreviewSchedule, Previewed},
    projects::{ListProjects, Listed, SaveProject, Saved},
    reminders::SetReminders,
    reschedule::RescheduleTasks,
    undo::{UndoChange, Undone},
    update::UpdateTasks,
};

/// Carries a tool out.
pub(crate) fn carry_out<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    verb: Verb,
    arguments: Value,
) -> Result<Told, Problem> {
    match verb {
        Verb::GetAgenda => agenda::get(door, &read(arguments)?),
        Verb::FindTasks => find::find(door, &read(arguments)?),
        Verb::GetTasks => get::get(door, read(arguments)?),
        Verb::GetHistory => history::get(door, &read(arguments)?),
        Verb::PreviewSchedule => preview::preview(door, &read(arguments)?),
        Verb::ListProjects => projects::list(door, &read(arguments)?),
        Verb::AddTasks => add::add(door, read(arguments)?),
        Verb::UpdateTasks => update::update(door, read(arguments)?),
        Verb::CompleteTasks => complete::complete(door, read(arguments)?),
        Verb::RescheduleTasks => reschedule::reschedule(door, read(arguments)?),
        Verb::SetReminders => reminders::set(door, read(arguments)?),
        Verb::SaveProject => projects::save(door, read(arguments)?),
        Verb::DeleteTasks => delete::delete(door, read(arguments)?),
        Verb::Undo => undo::undo(door, &read(arguments)?),
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
