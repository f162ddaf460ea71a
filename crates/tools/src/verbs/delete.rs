//! Deleting tasks, once the user has said yes to exactly that.

use perennial_http_api::Problem;
use perennial_store::{Store, SystemStore};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::Confirmation;
use crate::answer::{Told, cut, failure};
use crate::arguments::{Each, Id, Text, said, wrong};
use crate::call::Question;
use crate::door::{self, Door};
use crate::handle::{At, MAX_HANDLE, Sealer, Worthless, sorted};
use crate::shown::{Done, TaskDoc};

/// Most tasks of a call.
const MOST: usize = 25;
/// Longest question, in characters.
const MAX_QUESTION: usize = 4_000;

/// Tasks to be deleted.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteTasks {
    ids: Each<Id, MOST>,
    #[serde(default)]
    dry_run: bool,
    /// the handle, once the user agreed
    #[serde(default)]
    confirm: Option<Text<MAX_HANDLE>>,
}

/// What was deleted, or would be.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Deleted {
    /// Whether they are deleted; if not, they would be.
    deleted: bool,
    #[cfg_attr(feature = "schema", schemars(length(max = MOST)))]
    tasks: Vec<Gone>,
    /// What a yes of the user stands for, for ten minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_HANDLE)))]
    confirm: Option<String>,
}

/// A task that is deleted, or would be.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Gone {
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 500)))]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    due: Option<String>,
    /// All of its occurrences.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    series: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    change_id: Option<String>,
}

impl Gone {
    fn of(task: &TaskDoc) -> Self {
        let Done { id, title, due, .. } = Done::of(0, task);
        Self { id, title, due, series: task.recurrence.is_some(), change_id: None }
    }
}

pub(super) fn delete<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: DeleteTasks,
) -> Result<Told, Problem> {
    door.api.dry_run |= asked.dry_run;
    let handle = match door.confirmation {
        _ if door.api.dry_run => None,
        Confirmation::InArguments => said(asked.confirm.as_ref()),
        Confirmation::Asks => None,
        Confirmation::Given(handle) => Some(handle),
    };
    let count = asked.ids.0.len();
    // The handle is the key: once it was used, it has the same answer.
    let key = handle.map(|handle| door.own_key(&["delete", handle]));
    let known = match &key {
        Some(key) => door.answered(key, count)?,
        None => vec![None; count],
    };
    let mut done = Vec::new();
    let mut tasks: Vec<TaskDoc> = Vec::new();
    let mut places = Vec::new();
    for (index, (id, known)) in asked.ids.0.into_iter().zip(known).enumerate() {
        match (id, known) {
            (Ok(id), Some(known)) => done.push(gone(id.0, known)),
            (id, _) => match id.and_then(|id| door.task(&id.0, "")) {
                Ok(task) if tasks.iter().any(|other| other.id == task.id) => {
                    door.refused(Some(index), wrong("", "is given twice"), &[]);
                }
                Ok(task) => {
                    tasks.push(task);
                    places.push(index);
                }
                Err(problem) => door.refused(Some(index), problem, &[]),
            },
        }
    }
    let sealer = Sealer::new(&door.caller.user.id, door.headers())
        .ok_or_else(|| Problem::unavailable("there is nothing to seal with"))?;
    let is: Vec<At> = tasks.iter().filter_map(at).collect();
    let Some(handle) = handle else {
        return Ok(ask(door, &sealer, &tasks, &is));
    };
    // What was deleted under this handle before has its answer again; all else needs the handle for itself.
    if done.is_empty() || !tasks.is_empty() {
        let mut meant = sealer.open(handle, door.api.now).map_err(|why| match why {
            Worthless::Foreign => {
                wrong("/confirm", "is no handle that was given to you: call without it, and ask the user")
            }
            Worthless::Expired => {
                wrong("/confirm", "is older than ten minutes: call without it, and ask the user again")
            }
        })?;
        meant.retain(|(id, _)| !done.iter().any(|gone| gone.id == id.to_string()));
        agrees(&meant, &is, &tasks)?;
    }
    let commands = places.iter().zip(&tasks).map(|(index, task)| {
        let version = format!("\"{}\"", task.version);
        (*index, json!({ "operation": "delete", "id": task.id, "if_match": version }))
    });
    for (index, result) in door.each(commands.collect(), key.as_deref())? {
        let task = places.iter().position(|place| *place == index).and_then(|place| tasks.get(place));
        match (result, task) {
            (door::Told::Done(deleted), Some(task)) => {
                done.push(Gone { change_id: deleted.change_id, ..Gone::of(task) });
            }
            (door::Told::Refused(problem), _) => {
                door.failures.push(failure(Some(index), &problem, &[]));
            }
            (door::Told::Done(_), None) => {}
        }
    }
    let any = !done.is_empty();
    Ok(Told::new(&Deleted { deleted: true, tasks: done, confirm: None }, any))
}

/// One that was deleted under the same handle before.
fn gone(id: String, known: door::Done) -> Gone {
    Gone { id, title: None, due: None, series: false, change_id: known.change_id }
}

fn at(task: &TaskDoc) -> Option<At> {
    Some((Uuid::try_parse(&task.id).ok()?, task.version))
}

/// Tells what would be deleted, and has the user asked.
fn ask<S>(door: &Door<'_, '_, S>, sealer: &Sealer<'_>, tasks: &[TaskDoc], is: &[At]) -> Told {
    let would_delete: Vec<Gone> = tasks.iter().map(Gone::of).collect();
    let any = !would_delete.is_empty();
    let handle = sealer.seal(is, door.api.now);
    let titles: Vec<String> = tasks
        .iter()
        .map(|task| {
            let series = if task.recurrence.is_some() { ", with all its occurrences" } else { "" };
            format!("{:?}{series}", task.title)
        })
        .collect();
    let many = if titles.len() == 1 { "this task" } else { "these tasks" };
    let question = Question {
        question: cut(&format!("Delete {many}? {}", titles.join("; ")), MAX_QUESTION),
        handle: handle.clone(),
    };
    let shows = door.confirmation == Confirmation::InArguments && any;
    let told = Deleted { deleted: false, tasks: would_delete, confirm: shows.then_some(handle) };
    Told { question: any.then_some(question), ..Told::new(&told, any) }
}

/// Whether what is there is what the user said yes to.
fn agrees(meant: &[At], is: &[At], tasks: &[TaskDoc]) -> Result<(), Problem> {
    if *meant == sorted(is) {
        return Ok(());
    }
    let mut said: Vec<String> = Vec::new();
    for (id, version) in is {
        let title = tasks.iter().find(|task| task.id == id.to_string()).map_or("", |task| &task.title);
        match meant.iter().find(|(other, _)| other == id) {
            None => said.push(format!("{title:?} ({id}) was not asked for")),
            Some((_, then)) if then != version => {
                said.push(format!("{title:?} ({id}) changed: it was at version {then} and is at {version}"));
            }
            Some(_) => {}
        }
    }
    let missing = meant.iter().filter(|(id, _)| !is.iter().any(|(other, _)| other == id));
    said.extend(missing.map(|(id, _)| format!("{id} is not among the ids any more, or there no more")));
    let why =
        format!("stands for something else: {}. Call without it, and ask the user again", said.join("; "));
    Err(wrong("/confirm", &why))
}
