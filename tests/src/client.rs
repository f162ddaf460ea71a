//! A client of the HTTP API.

use std::time::Duration;

use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use ureq::Agent;

/// Why a request was not answered.
pub type Unanswered = ureq::Error;

/// Somebody who calls the API with their token.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

/// A request that is being put together.
#[derive(Debug)]
pub struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

/// What the service answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, which is text in this API.
    pub body: String,
}

impl Client {
    /// A client of the service at `base` (`http://127.0.0.1:3000`).
    pub fn new(base: impl Into<String>, token: Option<&str>) -> Self {
        Self::patient(base, token, Duration::from_secs(60))
    }

    /// One that waits no longer than this for an answer.
    pub fn patient(base: impl Into<String>, token: Option<&str>, limit: Duration) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(limit))
            .proxy(None)
            .build()
            .into();
        Self { agent, base: base.into(), token: token.map(str::to_owned) }
    }

    /// The same client with another token, or with none.
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// Where it asks (`http://127.0.0.1:3000`).
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The token, if there is one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A new user in this zone, made by this client, who is an admin; as the client that speaks for them.
    pub fn new_user(&self, name: &str, tz: &str) -> Self {
        let user = self.post("/v1/users").json(&json!({ "name": name, "tz": tz })).answer();
        let token = json!({ "user": user.ok(StatusCode::CREATED)["id"], "name": "test" });
        let token = self.post("/v1/tokens").json(&token).answer().ok(StatusCode::CREATED);
        self.with_token(token["secret"].as_str())
    }

    /// Begins a request.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call { client: self, method, path: path.into(), headers: HeaderMap::new(), body: None }
    }

    /// GET, which must succeed.
    pub fn get(&self, path: impl Into<String>) -> Value {
        self.call(Method::GET, path).answer().ok(StatusCode::OK)
    }

    /// POST, to be sent with or without a body.
    pub fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// Creates a task, which must succeed.
    pub fn create(&self, task: &Value) -> Value {
        self.post("/v1/tasks").json(task).answer().ok(StatusCode::CREATED)
    }

    /// Asks to complete an occurrence of a task that recurs.
    pub fn complete(&self, task: &str, recurrence_id: &str) -> Answer {
        let body = serde_json::json!({ "recurrence_id": recurrence_id });
        self.post(format!("/v1/tasks/{task}/complete")).json(&body).answer()
    }

    /// All items of a list, page by page. `path` may have a query.
    pub fn all(&self, path: &str) -> Vec<Value> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.get(format!("{path}{separator}limit=200{next}"));
            items.extend(page["items"].as_array().expect("a list has items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return items,
            }
        }
    }
}

impl Call<'_> {
    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().expect("a header's value"));
        self
    }

    /// Sends `body` as JSON.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends any bytes as any media type; none where it is empty.
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        if media_type.is_empty() { self } else { self.header("content-type", media_type) }
    }

    /// Sends the request; an error means that it is not known whether it was carried out.
    pub fn send(self) -> Result<Answer, Unanswered> {
        let mut request =
            Request::builder().method(self.method).uri(format!("{}{}", self.client.base, self.path));
        if let Some(token) = &self.client.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(headers) = request.headers_mut() {
            headers.extend(self.headers);
        }
        let mut response = match self.body {
            Some(body) => self.client.agent.run(request.body(body)?)?,
            None => self.client.agent.run(request.body(())?)?,
        };
        let body = response.body_mut().read_to_string()?;
        Ok(Answer { status: response.status(), headers: response.headers().clone(), body })
    }

    /// Sends the request, which must be answered.
    pub fn answer(self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        self.send().unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}

impl Answer {
    /// The body, when the status is the one expected.
    pub fn ok(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// A header as text; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a readable header"))
    }

    /// Checks that this is a Problem Details document (RFC 9457) of the given status and type.
    pub fn is_problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.body);
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:perennial:problem:{kind}"), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["title"].is_string(), "{problem}");
        problem
    }
}
