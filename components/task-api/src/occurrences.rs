//! Occurrences: complete one, list them.

use http::StatusCode;
use perennial_domain::{
    Completion, Invalid, Occurrence, RecurrenceId, Task, TaskId, UserId, complete as decide,
};
use perennial_http_api::{Caller, IfMatch, PageQuery, Problem, Request, Response, answer, json, query};
use perennial_store::{Store, SystemStore};
use serde::Deserialize;

use crate::Api;
use crate::api::Decision;
use crate::view::{CompletedView, OccurrenceView};

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
        match decide(ctx, &task, &occurrence) {
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

pub(crate) fn list(
    store: &impl Store,
    caller: &Caller,
    request: &Request,
    id: TaskId,
) -> Result<Response, Problem> {
    let page = PageQuery::parse(&query(request, &["limit", "cursor"])?)?;
    let user = &caller.user.id;
    store.task(user, id)?.ok_or_else(Problem::not_found)?;
    let occurrences = store.occurrences(user, id, &page.to_store())?;
    let shown = page.show(
        &occurrences,
        |(place, _)| place.clone(),
        |(_, occurrence)| OccurrenceView::new(occurrence),
    );
    Ok(answer(StatusCode::OK, &shown))
}
