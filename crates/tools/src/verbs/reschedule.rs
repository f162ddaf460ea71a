//! Moving tasks and occurrences. The rule of a series stays as it is, whatever is moved.

use http::Method;
use perennial_domain::DueInput;
use perennial_http_api::{Kind, Problem};
use perennial_recurrence::chrono::Days;
use perennial_store::{Store, SystemStore};
use serde::Deserialize;
use serde_json::{Value, json};

use super::batch::{Step, carry_out, named};
use crate::answer::Told;
use crate::arguments::{DueArg, Each, Id, MAX_WORDS, Text, When, said, wrong};
use crate::door::{self, Beside, Door, address, reread};
use crate::moment::{Local, due, local};
use crate::names::Page;
use crate::shown::{OccurrenceDoc, TaskDoc, repeat};

/// Most items of a call.
const MOST: usize = 25;

/// How far around its own date an occurrence still to come is looked for, in days: it may have a title of its own, which it keeps.
const AROUND: u64 = 31;

/// What is moved.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RescheduleTasks {
    items: Each<Item, MOST>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Item {
    task: Id,
    /// a series needs it
    #[serde(default)]
    occurrence: Option<Text<200>>,
    #[serde(default)]
    to: Option<DueArg>,
    /// next Monday 9am
    #[serde(default)]
    to_words: Option<Text<MAX_WORDS>>,
    #[serde(default)]
    skip: bool,
    #[serde(default, deserialize_with = "perennial_domain::plain_name")]
    scope: Scope,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Scope {
    #[default]
    This,
    ThisAndFollowing,
}

pub(super) fn reschedule<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: RescheduleTasks,
) -> Result<Told, Problem> {
    door.api.dry_run |= asked.dry_run;
    let key = door.key(None)?;
    let pointers = [("/id", "/task"), ("/changes/due", "/to"), ("/due", "/to")];
    carry_out(door, (key.as_deref(), &pointers), asked.items.0, |door, (_, key), item| item.step(door, key))
}

impl Item {
    fn step<S: Store + SystemStore>(
        self,
        door: &mut Door<'_, '_, S>,
        key: Option<&str>,
    ) -> Result<Step, Problem> {
        let to = self.to(door)?;
        let task = door.task(&self.task.0, "/task")?;
        let occurrence = said(self.occurrence.as_ref());
        let Some(rule) = &task.recurrence else {
            if occurrence.is_some() {
                return Err(wrong("/occurrence", "is not given of a task that does not repeat"));
            }
            if self.scope != Scope::This {
                return Err(wrong("/scope", "is of series, and the task does not repeat"));
            }
            let Some((to, notes)) = to else {
                return Err(wrong(
                    "/skip",
                    "is of series, and the task does not repeat: complete it, or delete it",
                ));
            };
            let body = json!({ "due": kept(to, task.due.as_ref()) });
            let version = format!("\"{}\"", task.version);
            let command = json!({ "operation": "update", "id": task.id, "body": body, "if_match": version });
            return Ok(Step::Command(command, notes));
        };
        let occurrence = named(&task, occurrence)?;
        let Some((to, notes)) = to else {
            if self.scope != Scope::This {
                let why = "cannot be skipped from here on: update_tasks with set.repeat ends the rule, such as by UNTIL";
                return Err(wrong("/scope", why));
            }
            let body = json!({ "recurrence_id": occurrence });
            return Ok(Step::Command(
                json!({ "operation": "skip", "id": task.id, "body": body }),
                Vec::new(),
            ));
        };
        let meant = meant(door, &task, occurrence)?;
        let base = meant.as_ref().and_then(|one| one.due.clone()).or_else(|| nominal(&task, occurrence));
        let to = kept(to, base.as_ref());
        let done = match self.scope {
            Scope::This => {
                let title = meant.and_then(|one| one.title);
                let body = json!({ "recurrence_id": occurrence, "title": title, "due": to });
                change(door, &format!("/v1/tasks/{}/override", task.id), body, key)?
            }
            Scope::ThisAndFollowing => following(door, (&task, &repeat(rule)), occurrence, &to, key)?,
        };
        Ok(Step::Done(done, notes))
    }

    /// Where to, and what is to be said of the words for it; `None`: it is skipped.
    fn to<S: Store + SystemStore>(
        &self,
        door: &Door<'_, '_, S>,
    ) -> Result<Option<(DueInput, Vec<String>)>, Problem> {
        let words = said(self.to_words.as_ref());
        match (&self.to, words, self.skip) {
            (None, None, true) => Ok(None),
            (Some(to), None, false) => Ok(Some((to.input("/to")?, Vec::new()))),
            (None, Some(_), false) => {
                let read = When { due: None, words, repeat: None, is_due: false }.read(&door.clock());
                let schedule = read.map_err(|problem| crate::arguments::elsewhere(problem, "/to_words"))?;
                if schedule.repeat.is_some() {
                    let why =
                        "says a repetition, and the rule stays when a task is moved: update_tasks changes it";
                    return Err(wrong("/to_words", why));
                }
                schedule.due.map_or_else(
                    || Err(wrong("/to_words", "says no date")),
                    |due| Ok(Some((due, schedule.notes))),
                )
            }
            _ => Err(wrong("", "needs one of to, to_words and skip")),
        }
    }
}

/// A date without a time keeps the time of day, and a time without a zone the zone.
fn kept(to: DueInput, base: Option<&DueInput>) -> DueInput {
    let Some(base) = base else { return to };
    match (local(&to.local), local(&base.local)) {
        (Some(Local::Day(date)), Some(Local::Time(at))) if to.tz.is_none() => DueInput {
            local: date.and_time(at.time()).format("%Y-%m-%dT%H:%M:%S").to_string(),
            tz: base.tz.clone(),
        },
        (Some(Local::Time(_)), Some(Local::Time(_))) if to.tz.is_none() => {
            DueInput { tz: base.tz.clone(), ..to }
        }
        _ => to,
    }
}

/// The date that the name of an occurrence says.
fn nominal(task: &TaskDoc, occurrence: &str) -> Option<DueInput> {
    let text = occurrence.split('[').next()?;
    local(text)?;
    Some(DueInput { local: text.to_owned(), tz: task.due.as_ref().and_then(|due| due.tz.clone()) })
}

/// The occurrence that is meant, as it is now: the open one, or one to come.
fn meant<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    task: &TaskDoc,
    occurrence: &str,
) -> Result<Option<OccurrenceDoc>, Problem> {
    if task.open() == Some(occurrence) {
        return Ok(task.occurrence.clone());
    }
    let Some(date) = nominal(task, occurrence).and_then(|due| local(&due.local)) else { return Ok(None) };
    let date = match date {
        Local::Day(date) => date,
        Local::Time(at) => at.date(),
    };
    let text = |date: Option<_>| date.map(|date| format!("{date}")).unwrap_or_default();
    let (from, to) =
        (text(date.checked_sub_days(Days::new(AROUND))), text(date.checked_add_days(Days::new(AROUND))));
    let query = [("from", Some(from.as_str())), ("to", Some(to.as_str())), ("limit", Some("200"))];
    // A date beyond the calendar is one of no occurrence, which the change itself is told.
    let found: Result<Page<OccurrenceDoc>, Problem> =
        door.get(&address(&format!("/v1/tasks/{}/occurrences", task.id), &query));
    match found {
        Ok(page) => Ok(page.items.into_iter().find(|one| one.recurrence_id.as_deref() == Some(occurrence))),
        Err(problem) if problem.cause().is_some() => Err(problem),
        Err(_) => Ok(None),
    }
}

/// Moves this occurrence and all that follow: the series is split there, and only its due date is another. At its first occurrence, that is
/// the series itself. A date that the rule does not have is refused: the rule would move it to another silently.
fn following<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    (task, rule): (&TaskDoc, &str),
    occurrence: &str,
    to: &DueInput,
    key: Option<&str>,
) -> Result<door::Done, Problem> {
    let split = format!("/v1/tasks/{}/split", task.id);
    let cut = json!({ "recurrence_id": occurrence, "changes": { "due": to } });
    let whole = format!("/v1/tasks/{}", task.id);
    let only_rehearses = door.api.dry_run;
    door.api.dry_run = true;
    let mut is_first = false;
    let mut rehearsed = change(door, &split, cut.clone(), None);
    if rehearsed.as_ref().is_err_and(is_the_first) {
        is_first = true;
        rehearsed = patch(door, &whole, to, task.version, None);
    }
    door.api.dry_run = only_rehearses;
    let rehearsed = rehearsed?;
    let first: TaskDoc = reread(rehearsed.body.clone())?;
    let comes = first.occurrence.as_ref().and_then(|open| open.due.as_ref());
    if comes.is_none_or(|comes| local(&comes.local) != local(&to.local)) {
        let next = comes
            .map(|comes| format!(" (its first date from there on is {})", due(comes)))
            .unwrap_or_default();
        let why = format!(
            "is no date of the rule {rule}, which stays{next}: update_tasks with set.repeat and set.due changes both, scope this moves one occurrence"
        );
        return Err(wrong("/to", &why));
    }
    match (only_rehearses, is_first) {
        (true, _) => Ok(rehearsed),
        (false, false) => change(door, &split, cut, key),
        (false, true) => patch(door, &whole, to, task.version, key),
    }
}

/// Whether a split is refused since there is nothing before it.
fn is_the_first(problem: &Problem) -> bool {
    problem.kind() == Kind::Invalid && problem.detail().contains("is the first one: change the task itself")
}

fn change<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    address: &str,
    body: Value,
    key: Option<&str>,
) -> Result<door::Done, Problem> {
    door.change(&Method::POST, address, Beside { body: Some(body), key, if_match: None })
}

fn patch<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    address: &str,
    to: &DueInput,
    version: i64,
    key: Option<&str>,
) -> Result<door::Done, Problem> {
    let beside = Beside { body: Some(json!({ "due": to })), key, if_match: Some(format!("\"{version}\"")) };
    door.change(&Method::PATCH, address, beside)
}
