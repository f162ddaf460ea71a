//! Personal access tokens: list, make, revoke.

use http::StatusCode;
use perennial_domain::{TokenId, TokenInput, TokenRow, TokenSecret, create_token, revoke_token};
use perennial_http_api::{Caller, PageQuery, Problem, Query, Request, Response, answer, json, no_content};
use perennial_store::{Page, Store, StoreError, SystemStore};

use crate::Api;
use crate::api::{Answered, Decision, fresh_secret};
use crate::view::TokenView;

pub(crate) fn list(store: &impl SystemStore, query: &Query) -> Result<Response, Problem> {
    show(query, |page| store.tokens(page))
}

/// The caller's own.
pub(crate) fn list_own(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    show(query, |page| store.own_tokens(&caller.user.id, page))
}

fn show(
    query: &Query,
    read: impl FnOnce(&Page) -> Result<Vec<TokenRow>, StoreError>,
) -> Result<Response, Problem> {
    let page = PageQuery::of_ids(query)?;
    let tokens = read(&page.to_store())?;
    Ok(answer(StatusCode::OK, &page.show(&tokens, |token| token.id.to_string(), TokenView::new)))
}

pub(crate) fn create<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
) -> Result<Answered, Problem> {
    let input: TokenInput = json(request, &["application/json"])?;
    api.write(caller, request, |store, ctx| {
        let owner = store.user(&input.user)?;
        let secret = fresh_secret("prn_")?;
        let hashed = TokenSecret::new(secret.clone());
        let (commit, token) = create_token(ctx, &input, owner.as_ref(), &caller.scopes, &hashed)?;
        Ok(Decision::secret(commit, answer(StatusCode::CREATED, &TokenView::with_secret(&token, &secret))))
    })
}

pub(crate) fn revoke<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    revoke_found(api, caller, request, id, |store, id| store.token(id))
}

/// Revokes a token of the caller's own: also the one that asks.
pub(crate) fn revoke_own<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answered, Problem> {
    revoke_found(api, caller, request, id, |store, id| store.own_token(&caller.user.id, id))
}

fn revoke_found<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    id: &str,
    find: impl Fn(&S, TokenId) -> Result<Option<TokenRow>, StoreError>,
) -> Result<Answered, Problem> {
    let id = TokenId::parse(id).ok_or_else(Problem::not_found)?;
    api.write(caller, request, |store, ctx| {
        let token = find(store, id)?.ok_or_else(Problem::not_found)?;
        Ok(Decision::write(revoke_token(ctx, &token), no_content()))
    })
}
