//! Tasks: list, create, read, change, delete.

use http::{HeaderValue, StatusCode, header};
use perennial_domain::{
    Context, Occurrence, RecurrenceId, SeriesState, Task, TaskId, TaskInput, TaskStatus, create_task,
    delete_task, leave_unchanged, update_task,
};
use perennial_http_api::{
    Caller, IfMatch, PageQuery, Problem, Query, Request, Response, answer, etag, json, json_value,
    no_content, typed,
};
use perennial_store::{Store, SystemStore};
use serde_json::Value;

use crate::Api;
use crate::api::{Answered, Decision};
use crate::view::TaskView;

const MERGE_PATCH: [&str; 2] = ["application/merge-patch+json", "application/json"];

pub(crate) fn list(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    let status = query.get("status").map(|status| match status {
        "done" => TaskStatus::Done,
        _ => TaskStatus::Open,
    });
    let page = PageQuery::read(query)?;
    let tasks = store.tasks(&caller.user.id, status, &page.to_store())?;
    let rows = tasks.read()?;
    let shown = page.show_part(&rows, tasks.cut(), |task| task.id.to_string(), TaskView::of_record);
    Ok(answer(StatusCode::OK, &shown))
}

pub(crate) fn create<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
) -> Result<Answered, Problem> {
    let input: TaskInput = json(request, &["application/json"])?;
    api.write(caller, request, |_, ctx| {
        let (commit, task, occurrence) = create_task(ctx, &input)?;
        Ok(Decision::write(commit, created(&task, &occurrence)))
    })
}

pub(crate) fn get(store: &impl Store, caller: &Caller, id: TaskId) -> Result<Response, Problem> {
    let task = store.task(&caller.user.id, id)?.ok_or_else(Problem::not_found)?;
    let task = task.read()?.pop().ok_or_else(Problem::not_found)?;
    Ok(tagged(answer(StatusCode::OK, &TaskView::of_record(&task)), task.version))
}

pub(crate) fn update<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    let patch: Value = json_value(request, &MERGE_PATCH)?;
    if !patch.is_object() {
        return Err(perennial_domain::Invalid::at("", "a merge patch of a task is a JSON object").into());
    }
    on_task(api, caller, request, (id, None), |store, ctx, state| {
        let before = TaskInput::from(&state.task.spec);
        let input = merge(&before, &patch)?;
        if input == before {
            return Ok(Decision::nothing(leave_unchanged(ctx, state), get(store, caller, id)?));
        }
        let (commit, task, open) = update_task(ctx, state, &input)?;
        Ok(Decision::write(commit, show(StatusCode::OK, &task, open.as_ref())))
    })
}

pub(crate) fn delete<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    on_task(api, caller, request, (id, None), |_, ctx, state| {
        Ok(Decision::write(delete_task(ctx, state), no_content()))
    })
}

/// Carries out a write on one task of the caller: it is read, and `If-Match` checked, each time the write is decided.
pub(crate) fn on_task<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    (id, asked): (TaskId, Option<&RecurrenceId>),
    mut decide: impl FnMut(&S, &mut Context<'_>, &SeriesState) -> Result<Decision, Problem>,
) -> Result<Answered, Problem> {
    let if_match = IfMatch::parse(request.headers())?;
    let user = caller.user.id.clone();
    api.write(caller, request, |store, ctx| {
        let state = store.series(&user, id, asked)?.ok_or_else(Problem::not_found)?;
        if_match.check(state.task.version)?;
        decide(store, ctx, &state)
    })
}

/// A task with a merge patch applied (RFC 7396).
pub(crate) fn merge(task: &TaskInput, patch: &Value) -> Result<TaskInput, Problem> {
    let mut document = serde_json::to_value(task).unwrap_or_default();
    json_patch::merge(&mut document, patch);
    typed(document)
}

/// The answer that tells of a new task, and where it is.
pub(crate) fn created(task: &Task, first: &Occurrence) -> Response {
    made(answer(StatusCode::CREATED, &TaskView::new(task, Some(first))), task)
}

/// An answer that tells of a new task, with where it is and its version.
pub(crate) fn made(response: Response, task: &Task) -> Response {
    let mut response = tagged(response, task.version);
    if let Ok(location) = HeaderValue::try_from(format!("/v1/tasks/{}", task.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn show(status: StatusCode, task: &Task, open: Option<&Occurrence>) -> Response {
    tagged(answer(status, &TaskView::new(task, open)), task.version)
}

/// An answer with the entity tag of a version.
fn tagged(mut response: Response, version: i64) -> Response {
    if let Ok(tag) = HeaderValue::try_from(etag(version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
