//! Tasks: list, create, read, change, delete.

use http::{HeaderValue, StatusCode, header};
use perennial_domain::filter::{self, Clock, Condition, Test};
use perennial_domain::search::Query as Search;
use perennial_domain::{
    Context, Invalid, MoveInput, Occurrence, ProjectId, RecurrenceId, SeriesState, Task, TaskId, TaskInput,
    TaskStatus, Timestamp, UserId, create_task, delete_task, escaped, leave_unchanged, move_task, tag,
    update_task,
};
use perennial_http_api::{
    Caller, EntityTag, IfMatch, PageQuery, Problem, Query, Request, Response, answer, json, json_value,
    no_content, typed, unknown_member,
};
use perennial_store::{Among, Listing, Sort, Store, SystemStore, TaskRecord};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::Api;
use crate::api::{Answered, Decision};
use crate::command::{Command, Target};
use crate::view::TaskView;

pub(crate) const MERGE_PATCH: [&str; 2] = ["application/merge-patch+json", "application/json"];

pub(crate) fn list(
    store: &impl Store,
    caller: &Caller,
    query: &Query,
    now: Timestamp,
) -> Result<Response, Problem> {
    show_page(store, caller, query, &listing(caller, query, now)?)
}

/// The list that a query asks for.
fn listing(caller: &Caller, query: &Query, now: Timestamp) -> Result<Listing, Problem> {
    let status = query.get("status").map(|status| match status {
        "done" => TaskStatus::Done,
        _ => TaskStatus::Open,
    });
    let clock = Clock { now, zone: caller.user.zone, week_start: caller.user.week_start.into() };
    let filter = query.get("filter").map(|text| filter::parse(text, &clock)).transpose()?;
    let search = query.get("q").map(Search::parse).transpose()?;
    // The first of these has indexes, as a search has; what is asked for besides is looked for among what it gives.
    let mut conditions: Vec<Condition> = filter.into_iter().collect();
    let mut among = Among::All;
    let mut only = |scope: Among, test: Test| match among {
        Among::All if search.is_none() => among = scope,
        _ => conditions.push(Condition::Test(test)),
    };
    if let Some(id) = query.get("parent") {
        let id = TaskId::parse(id).unwrap_or_else(|| TaskId::new(Uuid::nil()));
        only(Among::Parent(id), Test::Parent(id));
    }
    if let Some(id) = query.get("project") {
        let id = Uuid::try_parse(id).unwrap_or_else(|_| Uuid::nil());
        only(Among::Project(ProjectId::new(id)), Test::Project(id));
    }
    if let Some(text) = query.get("tag") {
        let tag = tag(text, "/tag")?;
        only(Among::Tag(tag.clone()), Test::Tag(tag));
    }
    let filter = (!conditions.is_empty()).then(|| Condition::all(conditions));
    let sort = query.get("sort").unwrap_or(if search.is_some() { "relevance" } else { "created" });
    if sort == "relevance" && search.is_none() {
        return Err(Invalid::at("/sort", "relevance needs words to look for: give q as well").into());
    }
    let (descending, name) = sort.strip_prefix('-').map_or((false, sort), |name| (true, name));
    let sort = match name {
        "due" => Sort::Due,
        "priority" => Sort::Priority,
        "updated" => Sort::Updated,
        "position" => Sort::Position,
        "relevance" => Sort::Relevance,
        _ => Sort::Created,
    };
    Ok(Listing { among, status, sort, descending, filter, search })
}

/// A page of a list of tasks.
pub(crate) fn show_page(
    store: &impl Store,
    caller: &Caller,
    query: &Query,
    listing: &Listing,
) -> Result<Response, Problem> {
    let page = PageQuery::read(query)?;
    let after = page.after(|text| listing.read(text))?;
    let tasks = store.tasks(&caller.user.id, listing, after.as_ref(), page.to_store().limit)?;
    let rows = tasks.read()?;
    let place = |task: &TaskRecord<'_>| {
        tasks.place(task, listing).map_or_else(String::new, |place| listing.write(&place))
    };
    let end = tasks.end().map(|end| listing.write(end));
    let shown = page.show_part(&rows, tasks.cut(), end, place, TaskView::of_record);
    Ok(answer(StatusCode::OK, &shown))
}

pub(crate) fn get(store: &impl Store, user: &UserId, id: TaskId) -> Result<Response, Problem> {
    let task = store.task(user, id)?.ok_or_else(Problem::not_found)?;
    let task = task.read()?.pop().ok_or_else(Problem::not_found)?;
    Ok(tagged(answer(StatusCode::OK, &TaskView::of_record(&task)), task.version))
}

pub(crate) fn create<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
) -> Result<Answered, Problem> {
    let input = json(request, &["application/json"])?;
    api.command(caller, request, &Command::Create(Box::new(input)))
}

pub(crate) fn decide_create(ctx: &mut Context<'_>, input: &TaskInput) -> Result<Decision, Problem> {
    let (commit, task, occurrence) = create_task(ctx, input)?;
    Ok(Decision::write(commit, created(&task, &occurrence)))
}

pub(crate) fn update<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    let patch = merge_patch(json_value(request, &MERGE_PATCH)?, "a task")?;
    api.command(caller, request, &Command::Update(target(request, id)?, patch))
}

/// A merge patch of something.
pub(crate) fn merge_patch(document: Value, of: &str) -> Result<Value, Problem> {
    match document {
        Value::Object(_) => Ok(document),
        _ => Err(Invalid::at("", format!("a merge patch of {of} is a JSON object")).into()),
    }
}

pub(crate) fn decide_update(
    store: &impl Store,
    ctx: &mut Context<'_>,
    target: &Target,
    patch: &Value,
) -> Result<Decision, Problem> {
    let state = target.state(store, ctx)?;
    let before = TaskInput::from(&state.task.spec);
    let input = merge(&before, patch)?;
    if input == before {
        let shown = get(store, &ctx.user, target.id)?;
        return Ok(Decision::nothing(leave_unchanged(ctx, &state), shown));
    }
    let (commit, task, open) = update_task(ctx, &state, &input)?;
    Ok(Decision::write(commit, show(StatusCode::OK, &task, open.as_ref())))
}

pub(crate) fn delete<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    api.command(caller, request, &Command::Delete(target(request, id)?))
}

pub(crate) fn decide_delete(
    store: &impl Store,
    ctx: &mut Context<'_>,
    target: &Target,
) -> Result<Decision, Problem> {
    let state = target.state(store, ctx)?;
    Ok(Decision::write(delete_task(ctx, &state), no_content()))
}

/// Moves a task: into a project, under another task, or to a place between others.
pub(crate) fn relocate<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Answered, Problem> {
    let input: MoveInput = json(request, &["application/json"])?;
    input.check(id)?;
    api.command(caller, request, &Command::Move(target(request, id)?, input))
}

pub(crate) fn decide_move(
    store: &impl Store,
    ctx: &mut Context<'_>,
    target: &Target,
    input: &MoveInput,
) -> Result<Decision, Problem> {
    let state = target.state(store, ctx)?;
    let beside = match (input.before, input.after) {
        (Some(before), _) => Some((before, false, "/before")),
        (_, Some(after)) => Some((after, true, "/after")),
        _ => None,
    };
    let between = match beside {
        Some((other, follows, pointer)) => Some(
            store
                .beside(&ctx.user, other, follows)?
                .ok_or_else(|| Invalid::at(pointer, "is no task of yours"))?,
        ),
        None => None,
    };
    let (commit, task) = move_task(ctx, &state, input, between.as_ref())?;
    Ok(Decision::write(commit, show(StatusCode::OK, &task, state.open.first())))
}

/// The task that a request is for.
pub(crate) fn target(request: &Request, id: TaskId) -> Result<Target, Problem> {
    Ok(Target { id, if_match: IfMatch::parse(request.headers())? })
}

/// Carries out a write on one task of the caller.
pub(crate) fn on_task<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    (id, asked): (TaskId, Option<&RecurrenceId>),
    decide: impl FnMut(&S, &mut Context<'_>, &SeriesState) -> Result<Decision, Problem>,
) -> Result<Answered, Problem> {
    api.write_on(caller, request, |store, user| store.series(user, id, asked), decide)
}

/// A document with a merge patch applied (RFC 7396).
pub(crate) fn merge<T: Serialize + DeserializeOwned>(whole: &T, patch: &Value) -> Result<T, Problem> {
    let whole = serde_json::to_value(whole).unwrap_or_default();
    let mut document = whole.clone();
    json_patch::merge(&mut document, patch);
    // `null` takes away what is there; a member that nothing can have is no less wrong for that. Of those that there can be, none
    // of which is there, a document has few.
    for (object, name) in nothings(patch, &whole, "") {
        let mut named = document.clone();
        if let Some(members) = named.pointer_mut(&object).and_then(Value::as_object_mut) {
            members.insert(name, Value::Null);
        }
        if let Some(problem) = unknown_member::<T>(named) {
            return Err(problem);
        }
    }
    typed(document)
}

/// The members that a patch takes away and that are not there, each with the pointer of its object. What programs note
/// (`metadata`) may have any name.
fn nothings(patch: &Value, whole: &Value, at: &str) -> Vec<(String, String)> {
    let members = patch.as_object().into_iter().flatten().filter(|(name, _)| *name != "metadata");
    members
        .flat_map(|(name, value)| match (value, whole.get(name)) {
            (Value::Null, None) => vec![(at.to_owned(), name.clone())],
            (Value::Object(_), before) => {
                nothings(value, before.unwrap_or(&Value::Null), &format!("{at}/{}", escaped(name)))
            }
            _ => Vec::new(),
        })
        .collect()
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

/// An answer with the entity tag of what it tells.
pub(crate) fn tagged(mut response: Response, tag: impl Into<EntityTag>) -> Response {
    if let Ok(tag) = HeaderValue::try_from(tag.into().as_str()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
