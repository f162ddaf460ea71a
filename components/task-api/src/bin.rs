//! The bin: tasks that were deleted, until they are forgotten.

use http::StatusCode;
use perennial_domain::{Context, TaskId, restore_task};
use perennial_http_api::{Caller, Problem, Query, Request, Response, answer};
use perennial_store::{Among, Listing, Store, SystemStore};

use crate::Api;
use crate::api::{Answered, Decision};
use crate::command::Command;
use crate::tasks::{show_page, tagged};
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
    api.command(caller, request, &Command::Restore(id))
}

pub(crate) fn decide_restore(
    store: &impl Store,
    ctx: &mut Context<'_>,
    id: TaskId,
) -> Result<Decision, Problem> {
    let mut state = store.deleted_series(&ctx.user, id)?.ok_or_else(Problem::not_found)?;
    let spec = &mut state.task.spec;
    if let Some(project) = spec.project
        && store.project(&ctx.user, project)?.is_none()
    {
        spec.project = None;
    }
    if let Some(parent) = spec.parent
        && store.task(&ctx.user, parent)?.is_none()
    {
        spec.parent = None;
    }
    let (commit, task, open) = restore_task(ctx, &state)?;
    let response = tagged(answer(StatusCode::OK, &TaskView::new(&task, open.as_ref())), task.version);
    Ok(Decision::write(commit, response))
}
