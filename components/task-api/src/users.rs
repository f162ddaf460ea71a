//! Users: list and create.

use http::StatusCode;
use perennial_domain::{UserInput, create_user};
use perennial_http_api::{Caller, PageQuery, Problem, Query, Request, Response, answer, json};
use perennial_store::{Store, SystemStore, UserRecord};

use crate::Api;
use crate::api::{Answered, Decision};
use crate::view::UserView;

pub(crate) fn list(store: &impl SystemStore, query: &Query) -> Result<Response, Problem> {
    fn shown(record: &UserRecord) -> UserView<'_> {
        UserView::new(&record.user, record.identity.as_ref())
    }
    let page = PageQuery::read(query)?;
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
