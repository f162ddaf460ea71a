//! A chain, link by link: everything that it takes to verify it elsewhere.

use http::{HeaderValue, header};
use perennial_domain::UserId;
use perennial_http_api::{Problem, Query, Response};
use perennial_store::{AuditStore, StoreError};
use serde::Serialize;

/// Most lines of an answer.
const LINES: u32 = 1_000;

/// Bytes of entries after which an answer ends, about.
const BYTES: u32 = 1 << 20;

/// A line of an export.
#[derive(Serialize)]
struct Line<'a> {
    seal: &'a perennial_audit::Seal,
    entry: Option<&'a perennial_audit::Entry>,
}

pub(crate) fn export(store: &impl AuditStore, user: &UserId, query: &Query) -> Result<Response, Problem> {
    let limit = query.get("limit").and_then(|text| text.parse().ok()).unwrap_or(LINES);
    let mut body = Vec::new();
    for link in store.links(user, place(query)?, limit, BYTES)? {
        let line = Line { seal: &link.seal, entry: link.entry.as_ref() };
        serde_json::to_writer(&mut body, &line).map_err(StoreError::from)?;
        body.push(b'\n');
    }
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// The place in the chain to go on after.
pub(crate) fn place(query: &Query) -> Result<i64, Problem> {
    let Some(text) = query.get("after") else { return Ok(0) };
    let is_one = text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    let wrong = || Problem::malformed("after must be a place in the chain");
    text.parse().ok().filter(|_| is_one).ok_or_else(wrong)
}
