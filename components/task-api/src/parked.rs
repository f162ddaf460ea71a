//! Work that was given up: what it was, why, and another try.

use http::StatusCode;
use perennial_domain::{Invalid, Scope, retry_parked};
use perennial_http_api::{Caller, PageQuery, Problem, Request, Response, answer, no_content, query};
use perennial_store::{AccountStore, Store, SystemStore, WorkKind};
use serde_json::json;

use crate::Api;
use crate::api::{Answered, Decision};
use crate::view::ParkedView;

/// The caller's own, or, for an admin who asks for it, everyone's.
pub(crate) fn list(
    store: &(impl Store + AccountStore),
    caller: &Caller,
    request: &Request,
) -> Result<Response, Problem> {
    let query = query(request, &["all", "limit", "cursor"])?;
    let all = match query.iter().find(|(name, _)| name == "all").map(|(_, value)| value.as_str()) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::malformed("all must be true or false")),
    };
    let page = PageQuery::parse(&query)?;
    let (items, total) = if all {
        caller.needs(Scope::Admin)?;
        (store.parked_of_all(&page.to_store())?, store.parked_count_of_all()?)
    } else {
        (store.parked(&caller.user.id, &page.to_store())?, store.parked_count(&caller.user.id)?)
    };
    let shown = page.show(&items, |item| item.id.to_string(), |item| ParkedView::new(item, all));
    let mut document = serde_json::to_value(shown).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        members.insert("total".to_owned(), json!(total));
    }
    Ok(answer(StatusCode::OK, &document))
}

/// Has one item tried again, now. An admin may ask for anyone's.
pub(crate) fn retry<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    query(request, &[])?;
    let id: i64 = id.parse().map_err(|_| Problem::not_found())?;
    let (user, admin) = (caller.user.id.clone(), caller.needs(Scope::Admin).is_ok());
    api.write(caller, request, |store, ctx| {
        let item = if admin { store.parked_item_of_all(id)? } else { store.parked_item(&user, id)? };
        let item = item.ok_or_else(Problem::not_found)?;
        if item.kind == WorkKind::Event {
            return Err(
                Invalid::at("", "a dead letter is kept, not tried again: what it says is past").into()
            );
        }
        Ok(Decision::write(retry_parked(ctx, id, &item.user_id), no_content()))
    })
}
