//! The bin: tasks that were deleted, until they are forgotten.

use http::StatusCode;
use perennial_domain::{Context, ProjectId, SeriesState, TaskId, UserId, restore_task};
use perennial_http_api::{Caller, Problem, Query, Request, Response, answer};
use perennial_store::{Among, Listing, Store, SystemStore};

use crate::Api;
use crate::api::{Answered, Decision};
use crate::command::{Command, Target};
use crate::tasks::{show_page, tagged, target};
use crate::view::TaskView;

/// The deleted tasks, the last deleted first.
pub(crate) fn list(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    show_page(store, caller, query, &Listing { among: Among::Deleted, ..Listing::default() })
}

/// Brings a task back. It is no longer in a project, or part of a task, that is there no more.
pub(crate) fn restore<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    api.command(caller, request, &Command::Restore(target(request, id)?))
}

pub(crate) fn decide_restore(
    store: &impl Store,
    ctx: &mut Context<'_>,
    target: &Target,
) -> Result<Decision, Problem> {
    let state = deleted(store, &ctx.user, target.id)?.ok_or_else(Problem::not_found)?;
    target.if_match.check(state.task.version)?;
    let (commit, task, open) = restore_task(ctx, &state)?;
    let response = tagged(answer(StatusCode::OK, &TaskView::new(&task, open.as_ref())), task.version);
    Ok(Decision::write(commit, response))
}

/// A deleted task as it comes back: in no project that is there no more, and a part of no task that cannot have it as one now.
pub(crate) fn deleted(store: &impl Store, user: &UserId, id: TaskId) -> Result<Option<SeriesState>, Problem> {
    let Some(mut state) = store.deleted_series(user, id)? else { return Ok(None) };
    let spec = &mut state.task.spec;
    (spec.project, spec.parent) = still(store, user, id, (spec.project, spec.parent))?;
    Ok(Some(state))
}

/// What of a project and a task that a task was under it can be under now.
pub(crate) fn still(
    store: &impl Store,
    user: &UserId,
    id: TaskId,
    (mut project, mut parent): (Option<ProjectId>, Option<TaskId>),
) -> Result<(Option<ProjectId>, Option<TaskId>), Problem> {
    if let Some(was) = project
        && store.project(user, was)?.is_none()
    {
        project = None;
    }
    if let Some(was) = parent
        && !store.may_be_part(user, id, was)?
    {
        parent = None;
    }
    Ok((project, parent))
}
