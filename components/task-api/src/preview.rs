//! A recurrence before there is a task. Nothing is stored, and with the bootstrap token nothing is even read.

use http::{Method, StatusCode};
use perennial_domain::{PreviewInput, Scope, preview};
use perennial_http_api::{Caller, Problem, Request, Response, answer, has_token, json, query};

/// The address.
const PATH: &str = "/v1/recurrence/preview";

/// Answers a preview that needs no store: the caller has the bootstrap token. `None` for any other request.
pub fn without_store(request: &Request, bootstrap_token: &str) -> Option<Response> {
    let ours = request.uri().path() == PATH && request.method() == Method::POST;
    (ours && has_token(request.headers(), bootstrap_token))
        .then(|| show(request).unwrap_or_else(Response::from))
}

pub(crate) fn post(caller: &Caller, request: &Request) -> Result<Response, Problem> {
    caller.needs(Scope::TasksRead)?;
    show(request)
}

fn show(request: &Request) -> Result<Response, Problem> {
    query(request, &[])?;
    let input: PreviewInput = json(request, &["application/json"])?;
    Ok(answer(StatusCode::OK, &preview(&input)?))
}
