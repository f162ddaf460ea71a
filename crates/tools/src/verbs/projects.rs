//! Projects and tags.

use http::Method;
use perennial_http_api::{IdempotencyKey, Problem};
use perennial_store::{Store, SystemStore};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::find::Tag;
use crate::answer::Told;
use crate::arguments::{Text, said};
use crate::door::{Beside, Door, address, reread};
use crate::names::{Page, Project};

/// Most projects of an answer.
const MOST: usize = 100;

/// Which projects are listed.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ListProjects {
    /// a part of the name
    #[serde(default)]
    query: Option<Text<100>>,
    #[serde(default)]
    include_tags: bool,
    #[serde(default)]
    cursor: Option<Text<800>>,
}

/// Projects and tags.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Listed {
    #[cfg_attr(feature = "schema", schemars(length(max = MOST)))]
    projects: Vec<ProjectTold>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 200), inner(length(max = 100))))]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 800)))]
    next_cursor: Option<String>,
}

/// A project as told.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ProjectTold {
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    id: String,
    #[cfg_attr(feature = "schema", schemars(length(max = 100)))]
    name: String,
    version: i64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    archived: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 16_000)))]
    notes: String,
}

impl From<Project> for ProjectTold {
    fn from(project: Project) -> Self {
        let Project { id, version, name, description, archived } = project;
        Self { id, name, version, archived, notes: description }
    }
}

pub(super) fn list<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: &ListProjects,
) -> Result<Told, Problem> {
    let (projects, next_cursor) = match said(asked.query.as_ref()) {
        Some(query) => {
            let lower = query.to_lowercase();
            let has = |project: &&Project| project.name.to_lowercase().contains(&lower);
            let found: Vec<Project> = door.projects()?.0.iter().filter(has).take(MOST).cloned().collect();
            (found, None)
        }
        None => {
            let query = [("limit", Some("100")), ("cursor", said(asked.cursor.as_ref()))];
            let page: Page<Project> = door.get(&address("/v1/projects", &query))?;
            (page.items, page.next_cursor)
        }
    };
    let tags = match asked.include_tags {
        true => door.get::<Page<Tag>>("/v1/tags?limit=200")?.items.into_iter().map(|tag| tag.name).collect(),
        false => Vec::new(),
    };
    let projects = projects.into_iter().map(ProjectTold::from).collect();
    Ok(Told::new(&Listed { projects, tags, next_cursor }, true))
}

/// A project to be made or changed.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveProject {
    /// id or name of the one to change
    #[serde(default)]
    id: Option<Text<100>>,
    name: Text<100>,
    #[serde(default)]
    notes: Option<Text<16_000>>,
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    idempotency_key: Option<Text<{ IdempotencyKey::MAX }>>,
    #[serde(default)]
    dry_run: bool,
}

/// A project that was saved.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Saved {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    project: ProjectTold,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    change_id: Option<String>,
}

pub(super) fn save<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: SaveProject,
) -> Result<Told, Problem> {
    door.api.dry_run |= asked.dry_run;
    let key = door.key(said(asked.idempotency_key.as_ref()))?;
    let mut body = Map::new();
    body.insert("name".to_owned(), asked.name.0.into());
    body.extend(asked.notes.map(|notes| ("description".to_owned(), notes.0.into())));
    body.extend(asked.archived.map(|archived| ("archived".to_owned(), archived.into())));
    let (method, address) = match said(asked.id.as_ref()) {
        None => (Method::POST, "/v1/projects".to_owned()),
        Some(id) => (Method::PATCH, format!("/v1/projects/{}", door.project_id(id, "/id")?)),
    };
    let beside = Beside { body: Some(Value::Object(body)), key: key.as_deref(), if_match: None };
    let done = door.change(&method, &address, beside)?;
    let project: Project = reread(done.body)?;
    let dry_run = door.api.dry_run;
    Ok(Told::new(&Saved { dry_run, project: project.into(), change_id: done.change_id }, true))
}
