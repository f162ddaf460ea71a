//! Projects: list, create, read, change, delete; and the tags of a user's tasks.

use http::{HeaderValue, StatusCode, header};
use perennial_domain::{
    Context, Project, ProjectId, ProjectInput, create_project, delete_project, leave_project, update_project,
};
use perennial_http_api::{
    Caller, PageQuery, Problem, Query, Request, Response, answer, json, json_value, no_content,
};
use perennial_store::{Store, SystemStore};

use crate::Api;
use crate::api::{Answered, Decision};
use crate::tasks::{MERGE_PATCH, merge, merge_patch, tagged};
use crate::view::ProjectView;

pub(crate) fn list(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    let page = PageQuery::of_ids(query)?;
    let projects = store.projects(&caller.user.id, &page.to_store())?;
    Ok(answer(StatusCode::OK, &page.show(&projects, |project| project.id.to_string(), ProjectView::new)))
}

pub(crate) fn get(store: &impl Store, caller: &Caller, id: ProjectId) -> Result<Response, Problem> {
    let project = store.project(&caller.user.id, id)?.ok_or_else(Problem::not_found)?;
    Ok(show(StatusCode::OK, &project))
}

pub(crate) fn create<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
) -> Result<Answered, Problem> {
    let input: ProjectInput = json(request, &["application/json"])?;
    api.write(caller, request, |_, ctx| {
        let (commit, project) = create_project(ctx, &input)?;
        let mut response = show(StatusCode::CREATED, &project);
        if let Ok(location) = HeaderValue::try_from(format!("/v1/projects/{}", project.id)) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        Ok(Decision::write(commit, response))
    })
}

pub(crate) fn update<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: ProjectId,
) -> Result<Answered, Problem> {
    let patch = merge_patch(json_value(request, &MERGE_PATCH)?, "a project")?;
    on_project(api, caller, request, id, |ctx, project| {
        let input: ProjectInput = merge(&project.input, &patch)?;
        if input == project.input {
            return Ok(Decision::nothing(leave_project(ctx, project), show(StatusCode::OK, project)));
        }
        let (commit, project) = update_project(ctx, project, &input)?;
        Ok(Decision::write(commit, show(StatusCode::OK, &project)))
    })
}

pub(crate) fn delete<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: ProjectId,
) -> Result<Answered, Problem> {
    on_project(api, caller, request, id, |ctx, project| {
        Ok(Decision::write(delete_project(ctx, project), no_content()))
    })
}

fn on_project<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: ProjectId,
    mut decide: impl FnMut(&mut Context<'_>, &Project) -> Result<Decision, Problem>,
) -> Result<Answered, Problem> {
    api.write_on(
        caller,
        request,
        |store, user| store.project(user, id),
        |_, ctx, project| decide(ctx, project),
    )
}

fn show(status: StatusCode, project: &Project) -> Response {
    tagged(answer(status, &ProjectView::new(project)), project.version)
}

/// The tags of the tasks that are not deleted.
pub(crate) fn tags(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    let page = PageQuery::read(query)?;
    let tags = store.tags(&caller.user.id, &page.to_store())?;
    Ok(answer(StatusCode::OK, &page.show(&tags, Clone::clone, crate::view::TagView::new)))
}
