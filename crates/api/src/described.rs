//! The API described: the document and the page, as they were made from the table of operations.

use http::{HeaderName, HeaderValue, header};
use perennial_http_api::Response;

/// Nothing may be loaded, and no script run, by the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// For programs.
pub(crate) fn document() -> Response {
    answer(include_bytes!("../openapi.json"), &[(header::CONTENT_TYPE, "application/json")])
}

/// For people.
pub(crate) fn page() -> Response {
    answer(
        include_bytes!("../docs.html"),
        &[
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
    )
}

fn answer(body: &[u8], headers: &[(HeaderName, &'static str)]) -> Response {
    let mut response = Response::new(body.to_vec());
    for (name, value) in headers {
        response.headers_mut().insert(name.clone(), HeaderValue::from_static(value));
    }
    response
}
