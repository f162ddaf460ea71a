//! Projects, and tags.

use perennial_domain::{Project, ProjectId};
use serde::Serialize;

use super::At;

/// A project.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ProjectView<'a> {
    id: ProjectId,
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    version: i64,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    name: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = 16_000)))]
    description: &'a str,
    archived: bool,
    created_at: At,
    updated_at: At,
}

impl<'a> ProjectView<'a> {
    pub(crate) fn new(project: &'a Project) -> Self {
        let input = &project.input;
        Self {
            id: project.id,
            version: project.version,
            name: &input.name,
            description: &input.description,
            archived: input.archived,
            created_at: At(project.created_at),
            updated_at: At(project.updated_at),
        }
    }
}

/// A tag.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct TagView<'a> {
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100)))]
    name: &'a str,
}

impl<'a> TagView<'a> {
    pub(crate) fn new(name: &'a String) -> Self {
        Self { name }
    }
}
