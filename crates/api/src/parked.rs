//! Work that was given up: what it was, why, and another try.

use http::StatusCode;
use perennial_domain::{Context, Invalid, LetterAction, Scope, retry_parked};
use perennial_http_api::{Caller, PageQuery, Problem, Query, Request, Response, answer, no_content};
use perennial_store::{AccountStore, KeptLetter, ParkedItem, Store, SystemStore, WorkKind};

use crate::Api;
use crate::api::{Answered, Decision};
use crate::letters::changed;
use crate::view::{ParkedPage, ParkedView};

/// The caller's own, or, for an admin who asks for it, everyone's.
pub(crate) fn list(
    store: &(impl Store + AccountStore),
    caller: &Caller,
    query: &Query,
) -> Result<Response, Problem> {
    let all = query.get("all") == Some("true");
    let page = PageQuery::of_rows(query)?;
    let (items, total) = if all {
        caller.needs(Scope::Admin)?;
        (store.parked_of_all(&page.to_store())?, store.parked_count_of_all()?)
    } else {
        (store.parked(&caller.user.id, &page.to_store())?, store.parked_count(&caller.user.id)?)
    };
    let page = page.show(&items, |item| item.id.to_string(), |item| ParkedView::new(item, all));
    Ok(answer(StatusCode::OK, &ParkedPage { page, total }))
}

/// Has one item tried again, now. An admin may ask for anyone's.
pub(crate) fn retry<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    let id: i64 = id.parse().map_err(|_| Problem::not_found())?;
    let (user, admin) = (caller.user.id.clone(), caller.needs(Scope::Admin).is_ok());
    api.write(caller, request, |store, ctx| {
        let item = if admin { store.parked_item_of_all(id)? } else { store.parked_item(&user, id)? };
        let item = item.ok_or_else(Problem::not_found)?;
        if item.kind == WorkKind::Event {
            return replay(store, ctx, &item);
        }
        Ok(Decision::write(retry_parked(ctx, id, &item.user_id), no_content()))
    })
}

/// Has an event that was given up sent again.
fn replay(store: &impl Store, ctx: &mut Context<'_>, item: &ParkedItem) -> Result<Decision, Problem> {
    let letter = store.letter_of(&item.user_id, &item.item, item.recurrence_id.as_str())?;
    let letter = letter
        .filter(KeptLetter::is_event)
        .ok_or_else(|| Invalid::at("", "a dead letter of which too little is kept cannot be sent again"))?;
    Ok(Decision::write(changed(ctx, LetterAction::Replay, &letter), no_content()))
}
