//! Occurrences: complete one, list them.

use http::StatusCode;
use perennial_domain::{
    Bound, Completion, Invalid, Occurrence, OverrideInput, RecurrenceId, Task, TaskId, TaskInput, UserId,
    complete as decide, override_occurrence, project, split_series,
};
use perennial_http_api::{Caller, IfMatch, PageQuery, Problem, Request, Response, answer, json, query};
use perennial_store::{Store, SystemStore};
use serde::Deserialize;
use serde_json::json as document;

use crate::Api;
use crate::api::Decision;
use crate::tasks::{merge, on_task, show as show_task};
use crate::view::{CompletedView, OccurrenceView, OverrideView};

/// Which occurrence to complete.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompleteInput {
    #[serde(default)]
    recurrence_id: Option<String>,
}

pub(crate) fn complete<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<(Response, bool), Problem> {
    query(request, &[])?;
    let if_match = IfMatch::parse(request.headers())?;
    let input: CompleteInput = if request.body().is_empty() {
        CompleteInput::default()
    } else {
        json(request, &["application/json"])?
    };
    let user = caller.user.id.clone();
    api.write(caller, request, |store, ctx| {
        let (task, open) = store.task(&user, id)?.ok_or_else(Problem::not_found)?;
        let occurrence = named(store, &user, &task, open.as_ref(), input.recurrence_id.as_deref())?;
        let all_open = store.open_occurrences(&user, id)?;
        let ended = store.has_ended(&user, id)?;
        match decide(ctx, &task, &occurrence, &all_open, ended) {
            Completion::AlreadyClosed => Ok(Decision::nothing(show(&occurrence))),
            Completion::Closes(commit, closed) => {
                if_match.check(task.version)?;
                Ok(Decision::write(*commit, show(&closed)))
            }
        }
    })
}

/// The occurrence that a client names. A series wants a name: a call that is repeated must not close the next one.
fn named(
    store: &impl Store,
    user: &UserId,
    task: &Task,
    open: Option<&Occurrence>,
    sent: Option<&str>,
) -> Result<Occurrence, Problem> {
    const FIELD: &str = "/recurrence_id";
    let id = match (sent, &task.spec.series) {
        (Some(name), _) if !name.is_empty() => RecurrenceId::from_text(name),
        (_, None) => RecurrenceId::single(),
        (_, Some(_)) => {
            let hint = match open {
                Some(open) => format!(
                    "name the occurrence to complete; the open one is {:?}",
                    open.recurrence_id.as_str()
                ),
                None => "name the occurrence to complete; the next one follows in a moment".to_owned(),
            };
            return Err(Invalid::at(FIELD, hint).into());
        }
    };
    let found = store.occurrence(user, task.id, &id)?;
    found.ok_or_else(|| Invalid::at(FIELD, format!("{:?} is no occurrence of this task", id.as_str())).into())
}

fn show(occurrence: &Occurrence) -> Response {
    answer(StatusCode::OK, &CompletedView::new(occurrence))
}

/// The occurrences of a task: what has been opened so far, or, with `from` and `to`, what lies in a span of time.
pub(crate) fn list(
    store: &impl Store,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Response, Problem> {
    let query = query(request, &["from", "to", "limit", "cursor"])?;
    let user = &caller.user.id;
    let (task, _) = store.task(user, id)?.ok_or_else(Problem::not_found)?;
    let bound = |name: &str| query.iter().find(|(other, _)| other == name).map(|(_, value)| unescaped(value));
    match (bound("from"), bound("to")) {
        (Some(from), Some(to)) => {
            let bounds = (Bound::parse(&from, "from")?, Bound::parse(&to, "to")?);
            span(store, caller, &task, bounds, &query)
        }
        (None, None) => {
            let page = PageQuery::parse(&query)?;
            let occurrences = store.occurrences(user, id, &page.to_store())?;
            let place = |(place, _): &(String, Occurrence)| place.clone();
            let shown = page.show(&occurrences, place, |(_, occurrence)| OccurrenceView::new(occurrence));
            Ok(answer(StatusCode::OK, &shown))
        }
        _ => Err(Problem::malformed("from and to go together")),
    }
}

/// What lies in a span of time: opened occurrences that are due in it, then those still to come.
fn span(
    store: &impl Store,
    caller: &Caller,
    task: &Task,
    bounds: (Bound, Bound),
    query: &[(String, String)],
) -> Result<Response, Problem> {
    if query.iter().any(|(name, _)| name == "cursor") {
        return Err(Problem::malformed("a span of time has no cursor: ask for the next span"));
    }
    let page = PageQuery::parse(query)?;
    let user = &caller.user;
    let opened = store.occurrences_between(&user.id, task.id, bounds, page.limit())?;
    let last = store.last_opened(&user.id, task.id)?;
    let overrides = store.overrides(&user.id, task.id)?;
    let room = page.limit().saturating_sub(opened.len());
    let (coming, complete) = project(task, last.as_ref(), &overrides, &user.zone, bounds, page.limit())?;
    let items: Vec<OccurrenceView> = opened
        .iter()
        .map(OccurrenceView::new)
        .chain(coming.iter().take(room).map(OccurrenceView::planned))
        .collect();
    let complete = complete && coming.len() <= room;
    Ok(answer(StatusCode::OK, &document!({ "items": items, "complete": complete })))
}

/// The value of a query parameter: `%3A` and the like are taken back; a `+` is a plus sign, as in no form.
fn unescaped(value: &str) -> String {
    value.replace("%3A", ":").replace("%3a", ":")
}

pub(crate) fn change<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<(Response, bool), Problem> {
    let input: OverrideInput = json(request, &["application/json"])?;
    let user = caller.user.id.clone();
    on_task(api, caller, request, id, |store, ctx, task, _| {
        let named = RecurrenceId::from_text(input.recurrence_id.as_str());
        let occurrence = store.occurrence(&user, id, &named)?;
        let known = store.overrides(&user, id)?;
        let (commit, change) = override_occurrence(ctx, task, occurrence.as_ref(), &known, &input)?;
        Ok(Decision::write(commit, answer(StatusCode::OK, &OverrideView::new(id, &change))))
    })
}

/// The following occurrences, otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitInput {
    recurrence_id: String,
    #[serde(default)]
    changes: serde_json::Map<String, serde_json::Value>,
}

pub(crate) fn split<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<(Response, bool), Problem> {
    let input: SplitInput = json(request, &["application/json"])?;
    let changes = serde_json::Value::Object(input.changes);
    let named = RecurrenceId::from_text(input.recurrence_id);
    let user = caller.user.id.clone();
    on_task(api, caller, request, id, |store, ctx, task, _| {
        let open = store.open_occurrences(&user, id)?;
        // The fields of the changes are looked at first, on the task as it is, so that errors point into the changes.
        merge(&TaskInput::from(&task.spec), &changes).map_err(|problem| problem.under("/changes"))?;
        let (commit, new, first) = split_series(ctx, task, &open, &named, |following| {
            merge(&following, &changes).map_err(|_| Invalid::at("/changes", "is no change of a task"))
        })?;
        Ok(Decision::write(commit, show_task(StatusCode::CREATED, &new, Some(&first))))
    })
}
