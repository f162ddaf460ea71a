//! Projects: the lists that tasks are in.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::commit::{ExpectProject, ProjectRow};
#[cfg(feature = "schema")]
use crate::fields::MAX_NAME;
use crate::fields::{self, MAX_DESCRIPTION};
#[cfg(feature = "schema")]
use crate::pattern::{LINE, TEXT};
use crate::{Commit, Context, EventType, Invalid, ProjectId, Timestamp};

/// Most projects of a user, archived ones among them.
pub const MAX_PROJECTS: i64 = 500;

/// A project as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Counts the changes; 1 when created.
    pub version: i64,
    /// What its owner says of it.
    pub input: ProjectInput,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A project as a client sends it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProjectInput {
    /// One line, 1 to 100 characters; no two projects of a user have the same.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_NAME), regex(pattern = LINE)))]
    pub name: String,
    /// Up to 16,000 characters.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_DESCRIPTION), regex(pattern = TEXT)))]
    pub description: String,
    /// Whether it is put away. Its tasks stay as they are.
    #[serde(default)]
    pub archived: bool,
}

impl ProjectInput {
    fn check(&self) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let name = invalid.keep(fields::name(&self.name, "/name"));
        let description = invalid.keep(fields::text(&self.description, MAX_DESCRIPTION, "/description"));
        match (name, description) {
            (Some(name), Some(description)) => Ok(Self { name, description, archived: self.archived }),
            _ => Err(invalid),
        }
    }
}

/// Creates a project.
pub fn create_project(ctx: &mut Context<'_>, input: &ProjectInput) -> Result<(Commit, Project), Invalid> {
    let project = Project {
        id: ProjectId::new(ctx.ids.next()),
        version: 1,
        input: input.check()?,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let commit = write(ctx, "project.create", EventType::ProjectCreated, None, &project);
    Ok((commit, project))
}

/// Changes a project to what `input` says.
pub fn update_project(
    ctx: &mut Context<'_>,
    project: &Project,
    input: &ProjectInput,
) -> Result<(Commit, Project), Invalid> {
    let next = Project { input: input.check()?, ..project.next(ctx.now) };
    let commit = write(ctx, "project.update", EventType::ProjectUpdated, Some(project), &next);
    Ok((commit, next))
}

/// Deletes a project that no task is in; deleted tasks that were in it are in none when they come back.
pub fn delete_project(ctx: &mut Context<'_>, project: &Project) -> Commit {
    let next = project.next(ctx.now);
    let mut commit = write(ctx, "project.delete", EventType::ProjectDeleted, Some(project), &next);
    commit.expect.empty_projects.push(project.id);
    for row in &mut commit.projects {
        row.deleted_at = Some(ctx.now);
    }
    commit.audit.after = None;
    commit
}

/// A command that finds a project as it asks for: only its answer is kept.
pub fn leave_project(ctx: &mut Context<'_>, project: &Project) -> Commit {
    let mut commit = ctx.commit("project.unchanged", &project.id.to_string());
    commit.expect.projects.push(ExpectProject { id: project.id, version: project.version });
    commit
}

fn write(
    ctx: &mut Context<'_>,
    action: &str,
    kind: EventType,
    before: Option<&Project>,
    project: &Project,
) -> Commit {
    let subject = project.id.to_string();
    let mut commit = ctx.commit(action, &subject);
    let version = before.map_or(0, |before| before.version);
    commit.expect.projects.push(ExpectProject { id: project.id, version });
    commit.projects.push(project.into());
    commit.audit.before = before.map(|before| json!(before.input));
    commit.audit.after = Some(json!(project.input));
    let data = match kind {
        EventType::ProjectDeleted => json!({}),
        _ => json!({ "project": project.input }),
    };
    commit.events.push(ctx.event(kind, &subject, data));
    commit
}

impl Project {
    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version.saturating_add(1), updated_at: now, ..self.clone() }
    }
}

impl From<&Project> for ProjectRow {
    fn from(project: &Project) -> Self {
        let ProjectInput { name, description, archived } = project.input.clone();
        Self {
            id: project.id,
            version: project.version,
            name,
            description,
            archived: i64::from(archived),
            created_at: project.created_at,
            updated_at: project.updated_at,
            deleted_at: None,
        }
    }
}
