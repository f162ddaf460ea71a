//! Users: list, create and delete.

use http::StatusCode;
use perennial_domain::{Invalid, UserId, UserInput, create_user, delete_user};
use perennial_http_api::{Caller, PageQuery, Problem, Query, Request, Response, answer, json, no_content};
use perennial_store::{Store, SystemStore, UserRecord};

use crate::Api;
use crate::api::{Answered, Decision};
use crate::view::UserView;

pub(crate) fn list(store: &impl SystemStore, query: &Query) -> Result<Response, Problem> {
    fn shown(record: &UserRecord) -> UserView<'_> {
        UserView::new(&record.user, record.identity.as_ref())
    }
    let page = PageQuery::of_ids(query)?;
    let users = store.users(&page.to_store())?;
    Ok(answer(StatusCode::OK, &page.show(&users, |record| record.user.id.to_string(), shown)))
}

pub(crate) fn create<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
) -> Result<Answered, Problem> {
    let input: UserInput = json(request, &["application/json"])?;
    api.write(caller, request, |_, ctx| {
        let (commit, user) = create_user(ctx, &input)?;
        Ok(Decision::write(
            commit,
            answer(StatusCode::CREATED, &UserView::new(&user, input.identity.as_ref())),
        ))
    })
}

pub(crate) fn delete<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    let id = UserId::new(id);
    api.write(caller, request, |store, ctx| {
        let user = store.user(&id)?.ok_or_else(Problem::not_found)?;
        Ok(Decision::write(delete_user(ctx, &user.id), no_content()))
    })
}

/// Deletes the caller, who says who they are: an address that was put together wrong deletes nobody.
pub(crate) fn delete_own<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    query: &Query,
) -> Result<Answered, Problem> {
    let id = caller.user.id.as_str();
    if query.get("user") != Some(id) {
        return Err(Invalid::at(
            "?user",
            "must be your own id, which GET /v1/me tells: you are to be deleted",
        )
        .into());
    }
    delete(api, caller, request, id)
}
