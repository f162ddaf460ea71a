//! The API on a store of its own, without a host: requests as text, answers as text.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use http::Method;
use perennial_api::{Answered, Api, Limits, handle};
use perennial_domain::{Timestamp, WebhookPolicy};
use perennial_fixture::{Counting, Fixture, NOON};
use perennial_http_api::{Accepted, KeyServer, Request, Response};
use perennial_jwt::Issuer;
use serde_json::Value;

/// The token of the owner.
pub const OWNER: &str = "bootstrap";

/// The API.
#[derive(Default)]
pub struct Service {
    /// Its store.
    pub fixture: Fixture,
    /// Now; noon unless told otherwise.
    pub now: Option<Timestamp>,
    /// The limits; none unless told otherwise.
    pub limits: Limits<'static>,
    /// The issuer of JWTs; none unless told otherwise.
    pub issuer: Option<Issuer>,
    /// Where its keys are fetched from.
    pub published: Published,
    /// Whether writes are only rehearsed.
    pub dry_run: bool,
    ids: Counting,
}

/// An issuer's server: it answers so often, and is away then.
#[derive(Default)]
pub struct Published {
    /// What it answers next.
    pub answers: RefCell<VecDeque<String>>,
    /// How often it was asked.
    pub asked: Cell<u32>,
}

impl KeyServer for &Published {
    async fn fetch(&self, _: &str) -> Result<String, String> {
        self.asked.set(self.asked.get().saturating_add(1));
        self.answers.borrow_mut().pop_front().ok_or_else(|| "away".to_owned())
    }

    fn failed(&self, _: &str) {}
}

impl Service {
    /// Sends a request: `POST /v1/tasks`, further headers, and a document if it is not null.
    pub fn send(&mut self, token: &str, line: &str, headers: &[(&str, &str)], body: &Value) -> Response {
        let request = request(token, line, headers, body);
        let mut api = Api {
            store: &self.fixture.store,
            webhooks: &WebhookPolicy::default(),
            limits: self.limits,
            now: self.now.unwrap_or(NOON),
            ids: &mut self.ids,
            correlation_id: "test".to_owned(),
            dry_run: self.dry_run,
        };
        let accepted =
            Accepted { bootstrap_token: OWNER, issuer: self.issuer.as_ref(), key_server: &self.published };
        let Answered { response, .. } = pollster::block_on(handle(&mut api, &accepted, request));
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
