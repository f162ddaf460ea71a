//! What a user changed, and taking it back.

use http::StatusCode;
use perennial_domain::{Change, Invalid, TaskId, undo as take_back};
use perennial_http_api::{Caller, IfMatch, PageQuery, Problem, Query, Request, Response, answer, no_content};
use perennial_store::{ChangeRecord, Store, SystemStore};
use uuid::Uuid;

use crate::Api;
use crate::api::{Answered, Decision};
use crate::bin::{deleted, still};
use crate::view::ChangeView;

/// The changes that the user made, the last first.
pub(crate) fn list(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    let page = PageQuery::of_ids(query)?;
    // What is written in another way is the id of nothing.
    let subject = query.get("subject").map(str::to_lowercase);
    let changes = store.changes(&caller.user.id, subject.as_deref(), &page.to_store())?;
    Ok(answer(StatusCode::OK, &page.show(&changes, |change| change.id.clone(), ChangeView::new)))
}

pub(crate) fn get(store: &impl Store, caller: &Caller, id: &str) -> Result<Response, Problem> {
    let (change, _) = store.change(&caller.user.id, id)?.ok_or_else(Problem::not_found)?;
    Ok(answer(StatusCode::OK, &ChangeView::new(&change)))
}

/// Takes a change of a task back, if it is the last that was made of it.
pub(crate) fn undo<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    let if_match = IfMatch::parse(request.headers())?;
    let user = caller.user.id.clone();
    api.write(caller, request, |store, ctx| {
        let (record, is_last) = store.change(&user, id)?.ok_or_else(Problem::not_found)?;
        let mut change = change(&record).ok_or_else(Problem::not_found)?;
        change.check_kind()?;
        if !is_last {
            return Err(
                Invalid::at("", "something else has changed the same since: take that back first").into()
            );
        }
        let task = TaskId::parse(&record.subject).ok_or_else(Problem::not_found)?;
        let asked = change.recurrence_id();
        let state = if change.deletes() {
            deleted(store, &user, task)?
        } else {
            store.series(&user, task, asked.as_ref())?
        };
        let state = state.ok_or_else(|| Invalid::at("", "its task is there no more"))?;
        if_match.check(state.task.version)?;
        // What it was under may be there no more.
        let was = change.was_under(&state.task.spec);
        let now = still(store, &user, task, was)?;
        for (member, is_gone) in [("project", now.0 != was.0), ("parent", now.1 != was.1)] {
            if is_gone {
                change.goes_without(member);
            }
        }
        let beside = match change.position() {
            Some(place) => store.taken(&user, task, &place)?,
            None => None,
        };
        Ok(Decision::write(take_back(ctx, &state, &change, beside.as_ref())?, no_content()))
    })
}

fn change(record: &ChangeRecord) -> Option<Change> {
    let ChangeRecord { id, action, before, after, .. } = record.clone();
    Some(Change { id: Uuid::try_parse(&id).ok()?, action, before, after })
}
