//! What is due in a span of days.

use perennial_domain::Timestamp;
use perennial_http_api::Problem;
use perennial_recurrence::chrono::{Days, NaiveDate};
use perennial_store::{Store, SystemStore};
use serde::{Deserialize, Serialize};

use crate::answer::Told;
use crate::arguments::{Text, said, wrong};
use crate::door::{Door, address};
use crate::moment::{Clock, Local, due, local};
use crate::names::Page;
use crate::shown::{OccurrenceDoc, TaskDoc, is_overdue};

/// Most days of a span, and how many unless told.
const MOST_DAYS: u32 = 31;
const UNLESS_TOLD: u32 = 7;
/// Most entries of an answer, and most of each kind that are looked for.
const MOST: usize = 300;
const MOST_DUE: usize = 100;
/// Most series whose occurrences to come are looked for, and most of those of one.
const MOST_SERIES: usize = 50;
const MOST_OF_ONE: &str = "32";

/// Which days.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct GetAgenda {
    /// first day; unless told, today
    #[serde(default)]
    from: Option<Text<10>>,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MOST_DAYS)))]
    days: Option<u32>,
    #[serde(default = "yes")]
    include_overdue: bool,
}

fn yes() -> bool {
    true
}

/// What is due, in the order of its time; what is overdue from before the span comes first.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Agenda {
    #[cfg_attr(feature = "schema", schemars(length(max = MOST)))]
    items: Vec<Entry>,
    /// Whether that is all.
    complete: bool,
}

/// An entry of an agenda.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Entry {
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    id: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 500)))]
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::moment::MAX_MOMENT)))]
    due: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    overdue: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 200)))]
    occurrence: Option<String>,
    /// Still to come.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    planned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 6)))]
    priority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    project: Option<String>,
    #[serde(skip)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    at: Option<Timestamp>,
}

pub(super) fn get<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: &GetAgenda,
) -> Result<Told, Problem> {
    let clock = door.clock();
    let days = asked.days.unwrap_or(UNLESS_TOLD);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(wrong("/days", &format!("must be from 1 to {MOST_DAYS}")));
    }
    let from = match said(asked.from.as_ref()) {
        None => clock.today(),
        Some(text) => match local(text) {
            Some(Local::Day(date)) => date,
            _ => return Err(wrong("/from", "must be a day such as 2026-12-01")),
        },
    };
    let to = from.checked_add_days(Days::new(days.into()));
    let to = to.ok_or_else(|| wrong("/from", "is beyond the calendar"))?;
    let page: Page<TaskDoc> = list(door, &format!("due >= {from} and due < {to}"), MOST_DUE)?;
    let mut complete = page.next_cursor.is_none();
    let before = from.min(clock.today());
    let overdue = match asked.include_overdue {
        true => {
            let page = list(door, &format!("due < {before}"), MOST_DUE)?;
            complete &= page.next_cursor.is_none();
            page.items
        }
        false => Vec::new(),
    };
    let series: Page<TaskDoc> =
        list(door, &format!("recurring and (due < {to} or due = none)"), MOST_SERIES)?;
    complete &= series.next_cursor.is_none();
    let has_project = |tasks: &[TaskDoc]| tasks.iter().any(|task| task.project.is_some());
    if has_project(&page.items) || has_project(&overdue) || has_project(&series.items) {
        door.projects()?;
    }
    let due = overdue.iter().chain(&page.items);
    let mut items: Vec<Entry> = due.map(|task| entry(door, &clock, task, None)).collect();
    for task in &series.items {
        let (coming, all) = coming(door, &clock, task, (from, to))?;
        complete &= all;
        items.extend(coming.iter().map(|one| entry(door, &clock, task, Some(one))));
    }
    items.sort_by_key(|entry| entry.at);
    complete &= items.len() <= MOST;
    items.truncate(MOST);
    Ok(Told::new(&Agenda { items, complete }, true))
}

/// Open tasks, by when they are due.
fn list<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    filter: &str,
    limit: usize,
) -> Result<Page<TaskDoc>, Problem> {
    let limit = limit.to_string();
    let query = [
        ("status", Some("open")),
        ("filter", Some(filter)),
        ("sort", Some("due")),
        ("limit", Some(limit.as_str())),
    ];
    door.get(&address("/v1/tasks", &query))
}

/// Occurrences of a span.
#[derive(Deserialize)]
struct Span {
    items: Vec<OccurrenceDoc>,
    complete: bool,
}

/// The occurrences of a series that are still to come in a span, and whether these are all.
fn coming<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    clock: &Clock,
    task: &TaskDoc,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<(Vec<OccurrenceDoc>, bool), Problem> {
    let bound = |date: NaiveDate| Timestamp::from(Local::Day(date).instant(&clock.zone)).to_string();
    let (from, to) = (bound(from), bound(to));
    let query = [("from", Some(from.as_str())), ("to", Some(to.as_str())), ("limit", Some(MOST_OF_ONE))];
    let Span { mut items, complete } =
        door.get(&address(&format!("/v1/tasks/{}/occurrences", task.id), &query))?;
    // One that counts from its completion is not known in advance, and nothing is missing for that.
    let complete = complete || task.recurrence.as_ref().is_some_and(|rule| rule.anchor == "completion");
    items.retain(|one| one.status == "planned");
    Ok((items, complete))
}

fn entry<S>(door: &Door<'_, '_, S>, clock: &Clock, task: &TaskDoc, planned: Option<&OccurrenceDoc>) -> Entry {
    let one = planned.or(task.occurrence.as_ref());
    let title = one.and_then(|one| one.title.as_ref()).unwrap_or(&task.title);
    let date = one.and_then(|one| one.due.as_ref()).or(task.due.as_ref());
    let at = one.and_then(|one| one.due_at.as_deref()).and_then(Timestamp::parse);
    let name = |id: &String| door.projects.as_ref().map_or(id.clone(), |all| all.name(id).to_owned());
    Entry {
        id: task.id.clone(),
        title: title.clone(),
        due: date.map(due),
        overdue: is_overdue(date, at, clock),
        occurrence: one.and_then(|one| one.recurrence_id.clone()),
        planned: planned.is_some(),
        priority: Some(task.priority.clone()).filter(|priority| priority != "none"),
        project: task.project.as_ref().map(name),
        at,
    }
}
