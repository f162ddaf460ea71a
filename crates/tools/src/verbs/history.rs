//! What was changed.

use perennial_domain::Timestamp;
use perennial_http_api::Problem;
use perennial_recurrence::chrono::Days;
use perennial_store::{Store, SystemStore};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Told, cut};
use crate::arguments::{Id, Text, said, wrong};
use crate::door::{Door, address};
use crate::moment::{Clock, Local, local};
use crate::names::Page;

/// Most changes of an answer; pages that are read for it, and of how many changes.
const MOST: usize = 100;
const PAGES: usize = 5;
const PAGE: &str = "50";
/// With so many, an answer is enough.
const ENOUGH: usize = 50;
/// Most tasks whose titles are looked up.
const TITLES: usize = 30;

/// Which changes.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct GetHistory {
    #[serde(default)]
    task: Option<Id>,
    /// 2026-12-01 or 2026-12-01T09:00
    #[serde(default)]
    since: Option<Text<40>>,
    /// a day is included
    #[serde(default)]
    until: Option<Text<40>>,
    #[serde(default)]
    actor: Option<Text<100>>,
    /// task.complete, task.update, occurrence.skip, …
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = 10)))]
    kinds: Vec<Text<40>>,
    #[serde(default)]
    cursor: Option<Text<800>>,
}

/// The changes, the newest first.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct History {
    #[cfg_attr(feature = "schema", schemars(length(max = MOST)))]
    changes: Vec<ChangeTold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 800)))]
    next_cursor: Option<String>,
}

/// A change as told.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ChangeTold {
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    change_id: String,
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    at: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    actor: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    kind: String,
    /// Of the task or project.
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 500)))]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    occurrence: Option<String>,
}

/// A change, as the API tells it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ChangeDoc {
    pub id: String,
    pub at: String,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl ChangeDoc {
    fn noted(&self, pointer: &str) -> Option<&str> {
        let side = |side: &Option<Value>| side.as_ref()?.pointer(pointer).cloned();
        let has = side(&self.after).is_some();
        (if has { &self.after } else { &self.before }).as_ref()?.pointer(pointer)?.as_str()
    }

    /// As it is told.
    pub(crate) fn told(&self, clock: &Clock) -> ChangeTold {
        let title = self.noted("/task/title").or(self.noted("/name"));
        ChangeTold {
            change_id: self.id.clone(),
            at: clock.told(&self.at),
            actor: cut(&self.actor, 100),
            kind: self.action.clone(),
            id: self.subject.clone(),
            title: title.map(|title| cut(title, 500)),
            occurrence: self.noted("/recurrence_id").filter(|id| !id.is_empty()).map(|id| cut(id, 200)),
        }
    }
}

pub(super) fn get<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: &GetHistory,
) -> Result<Told, Problem> {
    let clock = door.clock();
    let since = bound(said(asked.since.as_ref()), "/since", &clock, false)?;
    let until = bound(said(asked.until.as_ref()), "/until", &clock, true)?;
    let subject = match said(asked.task.as_ref()) {
        Some(id) if perennial_domain::TaskId::parse(id).is_none() => {
            return Err(wrong("/task", "is no id: find_tasks tells them"));
        }
        subject => subject,
    };
    let actor = said(asked.actor.as_ref()).map(str::to_lowercase);
    let kinds: Vec<&str> = asked.kinds.iter().map(|kind| kind.0.trim()).collect();
    let is_asked = |change: &ChangeDoc, at: Option<Timestamp>| {
        until.is_none_or(|until| at.is_some_and(|at| at < until))
            && actor.as_ref().is_none_or(|actor| change.actor.to_lowercase().contains(actor))
            && (kinds.is_empty() || kinds.contains(&change.action.as_str()))
    };
    let mut changes: Vec<ChangeTold> = Vec::new();
    let mut cursor = said(asked.cursor.as_ref()).map(str::to_owned);
    'pages: for _ in 0..PAGES {
        let query = [("subject", subject), ("limit", Some(PAGE)), ("cursor", cursor.as_deref())];
        let page: Page<ChangeDoc> = door.get(&address("/v1/changes", &query))?;
        cursor = page.next_cursor;
        for change in page.items {
            let at = Timestamp::parse(&change.at);
            if since.is_some_and(|since| at.is_some_and(|at| at < since)) {
                cursor = None;
                break 'pages;
            }
            if is_asked(&change, at) {
                changes.push(change.told(&clock));
            }
        }
        if cursor.is_none() || changes.len() >= ENOUGH {
            break;
        }
    }
    changes.truncate(MOST);
    titles(door, &mut changes)?;
    Ok(Told::new(&History { changes, next_cursor: cursor }, true))
}

/// The titles of those tasks that changes of their occurrences do not tell; of what is deleted, none.
fn titles<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    changes: &mut [ChangeTold],
) -> Result<(), Problem> {
    let mut known: Vec<(String, Option<String>)> = Vec::new();
    for change in changes.iter_mut().filter(|change| change.title.is_none()) {
        let found = known.iter().find(|(id, _)| *id == change.id);
        change.title = match found {
            Some((_, title)) => title.clone(),
            None if known.len() >= TITLES => None,
            None => {
                let title = match door.task(&change.id, "") {
                    Ok(task) => Some(task.title),
                    Err(problem) if problem.cause().is_some() => return Err(problem),
                    Err(_) => None,
                };
                known.push((change.id.clone(), title.clone()));
                title
            }
        };
    }
    Ok(())
}

/// A day or a time as an instant. A day that is an end is included.
fn bound(text: Option<&str>, at: &str, clock: &Clock, ends: bool) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    if let Some(instant) = Timestamp::parse(text) {
        return Ok(Some(instant));
    }
    let read = match local(text) {
        Some(Local::Day(date)) if ends => date.checked_add_days(Days::new(1)).map(Local::Day),
        read => read,
    };
    let why = "must be a day such as 2026-12-01, a local time such as 2026-12-01T09:00, or an instant with Z";
    read.map(|read| Some(read.instant(&clock.zone).into())).ok_or_else(|| wrong(at, why))
}
