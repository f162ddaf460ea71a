//! Finding tasks.

use perennial_http_api::Problem;
use perennial_store::{Store, SystemStore};
use serde::{Deserialize, Serialize};

use crate::answer::Told;
use crate::arguments::{Text, said, wrong};
use crate::door::{Door, address};
use crate::names::Page;
use crate::shown::{Detail, Task, TaskDoc};

/// Most tasks of an answer, and how many unless told.
const MOST: u32 = 50;
const UNLESS_TOLD: u32 = 20;

/// What is looked for.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FindTasks {
    /// words
    #[serde(default)]
    query: Option<Text<200>>,
    #[serde(default)]
    filter: Option<Text<1000>>,
    /// id or name
    #[serde(default)]
    project: Option<Text<100>>,
    #[serde(default)]
    tag: Option<Text<100>>,
    #[serde(default, deserialize_with = "perennial_domain::plain_name")]
    status: Status,
    /// due, -due, priority, created, updated, position, relevance
    #[serde(default)]
    sort: Option<Text<10>>,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MOST)))]
    limit: Option<u32>,
    #[serde(default)]
    cursor: Option<Text<800>>,
    #[serde(default, deserialize_with = "perennial_domain::plain_name")]
    detail: Asked,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum Status {
    #[default]
    Open,
    Done,
    Any,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum Asked {
    #[default]
    Brief,
    Full,
}

/// What was found.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Found {
    #[cfg_attr(feature = "schema", schemars(length(max = MOST)))]
    tasks: Vec<Task>,
    /// There may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 800)))]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 1_000)))]
    note: Option<String>,
}

pub(super) fn find<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: &FindTasks,
) -> Result<Told, Problem> {
    let limit = asked.limit.unwrap_or(UNLESS_TOLD);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong("/limit", &format!("must be from 1 to {MOST}")));
    }
    let project = match said(asked.project.as_ref()) {
        Some(project) => Some(door.project_id(project, "/project")?),
        None => None,
    };
    let status = match asked.status {
        Status::Open => Some("open"),
        Status::Done => Some("done"),
        Status::Any => None,
    };
    let limit = limit.to_string();
    let tag = said(asked.tag.as_ref());
    let query = [
        ("status", status),
        ("project", project.as_deref()),
        ("tag", tag),
        ("filter", said(asked.filter.as_ref())),
        ("q", said(asked.query.as_ref())),
        ("sort", said(asked.sort.as_ref())),
        ("limit", Some(limit.as_str())),
        ("cursor", said(asked.cursor.as_ref())),
    ];
    let page: Page<TaskDoc> = door.get(&address("/v1/tasks", &query))?;
    let note = match (page.items.is_empty(), tag) {
        (true, Some(tag)) if page.next_cursor.is_none() => unknown_tag(door, tag)?,
        _ => None,
    };
    let detail = match asked.detail {
        Asked::Brief => Detail::Brief,
        Asked::Full => Detail::Full,
    };
    let tasks = door.show(page.items, detail)?;
    Ok(Told::new(&Found { tasks, next_cursor: page.next_cursor, note }, true))
}

/// A tag, as the API tells it.
#[derive(Deserialize)]
pub(super) struct Tag {
    pub name: String,
}

/// What is said where no task has a tag at all: which are like it. Of very many tags, some are not looked at.
fn unknown_tag<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    tag: &str,
) -> Result<Option<String>, Problem> {
    let tags: Page<Tag> = door.get("/v1/tags?limit=200")?;
    if tags.items.iter().any(|known| known.name == tag) {
        return Ok(None);
    }
    let lower = tag.to_lowercase();
    let near = |known: &&Tag| {
        let known = known.name.to_lowercase();
        known.contains(&lower) || lower.contains(&known)
    };
    let near: Vec<String> =
        tags.items.iter().filter(near).take(5).map(|known| format!("{:?}", known.name)).collect();
    Ok(Some(match near.is_empty() {
        true => "no task has this tag; add_tasks and update_tasks give tags".to_owned(),
        false => format!("no task has this tag; did you mean {}?", near.join(" or ")),
    }))
}
