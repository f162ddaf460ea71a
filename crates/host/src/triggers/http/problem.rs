//! Answers of the host itself that say why, as RFC 9457 has it.

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::json;
use wasmtime_wasi_http::WasiBody;

/// Answers `status` with the reason in words. The type says no more than the status does.
pub(super) fn problem(status: StatusCode, detail: &str) -> Response<WasiBody> {
    let title = status.canonical_reason().unwrap_or_default();
    let text = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let mut response = Response::new(super::full(text.to_string().into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

/// Answers 503: it may be tried again soon.
pub(super) fn busy(detail: &str) -> Response<WasiBody> {
    later(StatusCode::SERVICE_UNAVAILABLE, detail)
}

/// Answers `status`: it may be tried again soon.
pub(super) fn later(status: StatusCode, detail: &str) -> Response<WasiBody> {
    let mut response = problem(status, detail);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
