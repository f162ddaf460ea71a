//! Projects by name.

use perennial_domain::ProjectId;
use perennial_http_api::Problem;
use perennial_store::{Store, SystemStore};
use serde::Deserialize;

use crate::arguments::wrong;
use crate::door::{Door, address};

/// Most pages of projects that are read; a user has 500 projects at most.
const PAGES: usize = 3;
/// Most names that a refusal tells.
const CANDIDATES: usize = 8;

/// A project, as the API tells it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Project {
    pub id: String,
    pub version: i64,
    pub name: String,
    pub description: String,
    pub archived: bool,
}

/// A page of a list.
#[derive(Deserialize)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// All projects of the caller.
#[derive(Debug, Clone)]
pub(crate) struct Projects(pub Vec<Project>);

impl Projects {
    /// The project that is meant: its id, or its name in upper or lower case. `at` is where it is said.
    pub(crate) fn find(&self, said: &str, at: &str) -> Result<&Project, Problem> {
        let said = said.trim();
        let lower = said.to_lowercase();
        let by = |holds: &dyn Fn(&Project) -> bool| -> Vec<&Project> {
            self.0.iter().filter(|project| holds(project)).collect()
        };
        let exact = by(&|project| project.id == lower || project.name == said);
        if let [one] = exact.as_slice() {
            return Ok(one);
        }
        let alike = by(&|project| project.name.to_lowercase() == lower);
        if let [one] = alike.as_slice() {
            return Ok(one);
        }
        if ProjectId::parse(said).is_some() {
            return Err(wrong(at, "is no project of yours: list_projects tells them"));
        }
        let many = !alike.is_empty();
        let near = if many { alike } else { by(&|project| is_near(&project.name.to_lowercase(), &lower)) };
        let told: Vec<String> = near
            .iter()
            .take(CANDIDATES)
            .map(|project| format!("{:?} ({})", project.name, project.id))
            .collect();
        let told = told.join(", ");
        Err(wrong(
            at,
            &match (many, told.is_empty()) {
                (true, _) => format!("may be any of {told}: give the id"),
                (false, false) => format!("is no project; did you mean {told}? save_project makes a new one"),
                (false, true) => "is no project: list_projects tells them, save_project makes one".to_owned(),
            },
        ))
    }

    /// The name of one, or its id where it is there no more.
    pub(crate) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.iter().find(|project| project.id == id).map_or(id, |project| &project.name)
    }
}

/// Whether one name has the other in it, or begins as it does.
fn is_near(name: &str, said: &str) -> bool {
    let begin: String = said.chars().take(3).collect();
    !said.is_empty() && (name.contains(said) || said.contains(name) || name.starts_with(&begin))
}

impl<S: Store + SystemStore> Door<'_, '_, S> {
    /// The caller's projects, read once a call.
    pub(crate) fn projects(&mut self) -> Result<&Projects, Problem> {
        if self.projects.is_none() {
            let mut all = Vec::new();
            let mut cursor: Option<String> = None;
            for _ in 0..PAGES {
                let query = [("limit", Some("200")), ("cursor", cursor.as_deref())];
                let page: Page<Project> = self.get(&address("/v1/projects", &query))?;
                all.extend(page.items);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            self.projects = Some(Projects(all));
        }
        self.projects.as_ref().ok_or_else(|| Problem::unavailable("the projects could not be read"))
    }

    /// The id of a project that is said by id or name.
    pub(crate) fn project_id(&mut self, said: &str, at: &str) -> Result<String, Problem> {
        Ok(self.projects()?.find(said, at)?.id.clone())
    }
}
