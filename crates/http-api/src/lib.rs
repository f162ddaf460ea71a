//! What every HTTP entry point shares: problem details, authentication, documents, pages, conditions, idempotency.

pub mod audit;
mod auth;
mod condition;
mod document;
mod idempotency;
mod jwt;
mod kind;
mod media;
mod page;
mod problem;
mod query;
mod rate;
mod sealed;
mod trace;

pub use auth::{Accepted, Caller, authenticate, has_token, may_be_jwt, same_secret};
pub use condition::{EntityTag, IfMatch, unless_known};
pub use document::{MAX_BODY, json, json_value, typed, unknown_member};
pub use idempotency::{Asked, CHANGE_ID, IdempotencyKey, REPLAYED, replay};
pub use jwt::KeyServer;
pub use kind::Kind;
pub use media::{check_accept, check_body};
pub use page::{CURSOR, Items, LIMIT, PageQuery};
pub use problem::{MAX_DETAIL, MAX_ERRORS, MAX_STREAMS, Problem};
pub use query::{Form, Parameter, Query};
pub use rate::{Counted, MAX_WINDOW, RATE_LIMIT, RATE_LIMIT_POLICY, RatePolicy, RateServer};
pub use trace::{correlation_id, traceparent};

/// A request whose body has been read, within its limit.
pub type Request = http::Request<Vec<u8>>;
/// What comes before a request's body: method, address and headers.
pub type Head = http::request::Parts;
/// An answer.
pub type Response = http::Response<Vec<u8>>;

/// An answer with a JSON document.
pub fn answer(status: http::StatusCode, document: &impl serde::Serialize) -> Response {
    let body = serde_json::to_vec(document).unwrap_or_default();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

/// An answer without a body.
pub fn no_content() -> Response {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = http::StatusCode::NO_CONTENT;
    response
}
