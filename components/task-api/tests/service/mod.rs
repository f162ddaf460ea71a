//! The API on a store of its own, without a host: requests as text, answers as text.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::Method;
use perennial_domain::{Timestamp, WebhookPolicy};
use perennial_fixture::{Counting, Fixture, NOON};
use perennial_http_api::{Request, Response};
use serde_json::Value;
use task_api::{Answered, Api, handle};

/// The token of the owner.
pub const OWNER: &str = "bootstrap";

/// The API.
#[derive(Default)]
pub struct Service {
    /// Its store.
    pub fixture: Fixture,
    /// Now; noon unless told otherwise.
    pub now: Option<Timestamp>,
    ids: Counting,
}

impl Service {
    /// Sends a request: `POST /v1/tasks`, further headers, and a document if it is not null.
    pub fn send(&mut self, token: &str, line: &str, headers: &[(&str, &str)], body: &Value) -> Response {
        let request = request(token, line, headers, body);
        let mut api = Api {
            store: &self.fixture.store,
            webhooks: &WebhookPolicy::default(),
            now: self.now.unwrap_or(NOON),
            ids: &mut self.ids,
            correlation_id: "test".to_owned(),
        };
        let Answered { response, .. } = handle(&mut api, OWNER, request);
        response
    }

    /// The document that the owner is answered.
    pub fn json(&mut self, line: &str, body: &Value) -> Value {
        let response = self.send(OWNER, line, &[], body);
        assert!(response.status().is_success(), "{line}: {}", String::from_utf8_lossy(response.body()));
        serde_json::from_slice(response.body()).unwrap_or_default()
    }
}

/// A request as text.
pub fn request(token: &str, line: &str, headers: &[(&str, &str)], body: &Value) -> Request {
    let (method, address) = line.split_once(' ').unwrap();
    let mut request = Request::new(if body.is_null() { Vec::new() } else { body.to_string().into_bytes() });
    *request.method_mut() = Method::try_from(method).unwrap();
    *request.uri_mut() = address.parse().unwrap();
    let mut header = |name: &str, value: &str| {
        let name = http::HeaderName::try_from(name).unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    };
    if !token.is_empty() {
        header("authorization", &format!("Bearer {token}"));
    }
    if !body.is_null() && !headers.iter().any(|(name, _)| *name == "content-type") {
        header("content-type", "application/json");
    }
    headers.iter().for_each(|(name, value)| header(name, value));
    request
}
