//! Writes on many tasks: each item is translated into a command and carried out by itself.

use perennial_http_api::Problem;
use perennial_store::{Store, SystemStore};
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Told, document, failure};
use crate::door::{self, Door, reread};
use crate::moment::due;
use crate::shown::{Done, OccurrenceDoc, TaskDoc, Wrote};

/// What the members of a task are called here.
const NAMES: &[(&str, &str)] = &[
    ("/description", "/notes"),
    ("/recurrence_id", "/occurrence"),
    ("/recurrence", "/repeat"),
    ("/if_match", "/if_version"),
];

/// An item in the words of the API.
pub(super) enum Step {
    /// A command of many, and what is to be said of it.
    Command(Value, Vec<String>),
    /// It was carried out already.
    Done(door::Done, Vec<String>),
}

/// Carries out items under the key of the call: what a repetition finds done is told as it was.
pub(super) fn carry_out<S: Store + SystemStore, T>(
    door: &mut Door<'_, '_, S>,
    (key, pointers): (Option<&str>, &[(&str, &str)]),
    items: Vec<Result<T, Problem>>,
    mut step: impl FnMut(&mut Door<'_, '_, S>, (usize, Option<&str>), T) -> Result<Step, Problem>,
) -> Result<Told, Problem> {
    let names: Vec<(&str, &str)> = pointers.iter().chain(NAMES).copied().collect();
    let mut known = match key {
        Some(key) => door.answered(key, items.len())?,
        None => Vec::new(),
    };
    known.resize(items.len(), None);
    let mut told = Wrote { dry_run: door.api.dry_run, done: Vec::new() };
    let mut commands = Vec::new();
    let mut notes = Vec::new();
    for (index, (item, known)) in items.into_iter().zip(known).enumerate() {
        if let Some(known) = known {
            told.done.push(became(index, known)?);
            continue;
        }
        let own = key.map(|key| door::part(key, index));
        match item.and_then(|item| step(door, (index, own.as_deref()), item)) {
            Ok(Step::Command(command, said)) => {
                commands.push((index, command));
                notes.push((index, said));
            }
            Ok(Step::Done(done, said)) => told.done.push(became(index, done)?.with_notes(said)),
            Err(problem) => door.refused(Some(index), problem, &names),
        }
    }
    for (index, result) in door.each(commands, key)? {
        match result {
            door::Told::Done(done) => {
                let said = notes.iter().find(|(of, _)| *of == index).map(|(_, said)| said.clone());
                told.done.push(became(index, done)?.with_notes(said.unwrap_or_default()));
            }
            door::Told::Refused(problem) => door.failures.push(failure(Some(index), &problem, &names)),
        }
    }
    told.done.sort_by_key(|done| done.index);
    let any = !told.done.is_empty();
    Ok(Told::new(&told, any))
}

/// An occurrence that was closed or changed, as the API tells it.
#[derive(Deserialize)]
struct Changed {
    task_id: String,
    recurrence_id: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    due: Option<perennial_domain::DueInput>,
    #[serde(default)]
    cancelled: bool,
}

/// What became of a task or of one of its occurrences.
pub(super) fn became(index: usize, done: door::Done) -> Result<Done, Problem> {
    let door::Done { change_id, body, .. } = done;
    if body.get("task_id").is_none() {
        let task: TaskDoc = reread(body)?;
        return Ok(Done { change_id, ..Done::of(index, &task) });
    }
    let changed: Changed = reread(body)?;
    let skipped = changed.cancelled.then(|| "skipped".to_owned());
    Ok(Done {
        index,
        id: changed.task_id,
        title: changed.title,
        status: changed.status.or(skipped),
        due: changed.due.as_ref().map(due),
        occurrence: changed.recurrence_id,
        change_id,
        ..Done::default()
    })
}

impl<S: Store + SystemStore> Door<'_, '_, S> {
    /// Notes that an item was refused.
    pub(crate) fn refused(&mut self, index: Option<usize>, problem: Problem, names: &[(&str, &str)]) {
        if problem.cause().is_some() {
            self.failed = Some(problem.clone());
        }
        self.failures.push(failure(index, &document(problem), names));
    }

    /// A task as it is now. `at` is where its id is said.
    pub(crate) fn task(&mut self, id: &str, at: &str) -> Result<TaskDoc, Problem> {
        let gone = || crate::arguments::wrong(at, "is no task of yours: find_tasks tells the ids");
        if perennial_domain::TaskId::parse(id).is_none() {
            return Err(gone());
        }
        self.get(&format!("/v1/tasks/{id}")).map_err(|problem| match problem.kind() {
            perennial_http_api::Kind::NotFound => gone(),
            _ => problem,
        })
    }
}

/// The occurrence that is meant of a series: one has to be named, so that a repeated call meets the same.
pub(super) fn named<'a>(task: &TaskDoc, occurrence: Option<&'a str>) -> Result<&'a str, Problem> {
    occurrence.ok_or_else(|| {
        let why = match (&task.occurrence, task.open()) {
            (Some(OccurrenceDoc { due: Some(at), .. }), Some(open)) => {
                format!("must be given, since the task repeats; the open one is {open:?}, due {}", due(at))
            }
            (_, Some(open)) => format!("must be given, since the task repeats; the open one is {open:?}"),
            _ => "must be given, since the task repeats; none is open now: get_tasks with include occurrences tells them".to_owned(),
        };
        crate::arguments::wrong("/occurrence", &why)
    })
}
