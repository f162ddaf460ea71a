//! One wrong request and the answer it must get.

use http::Method;
use perennial_tests::Client;
use serde_json::Value;

/// One row of a table: a request, and how it is refused.
#[derive(Debug, Clone)]
pub struct Case {
    what: String,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    media_type: &'static str,
    body: Option<Vec<u8>>,
    token: Token,
    status: u16,
    kind: &'static str,
    pointer: Option<String>,
}

/// Whose token a request carries.
#[derive(Debug, Clone)]
pub enum Token {
    Owner,
    None,
    Some(String),
}

impl Case {
    /// A request that is refused with this status and type.
    pub fn new(
        what: impl Into<String>,
        method: Method,
        path: impl Into<String>,
        refused: (u16, &'static str),
    ) -> Self {
        let (status, kind) = refused;
        Self {
            what: what.into(),
            method,
            path: path.into(),
            headers: Vec::new(),
            media_type: "application/json",
            body: None,
            token: Token::Owner,
            status,
            kind,
            pointer: None,
        }
    }

    /// A JSON body with a wrong field: 422, with a pointer to it.
    pub fn field(what: &str, method: Method, path: &str, body: &Value, pointer: &str) -> Self {
        Self::new(what, method, path, (422, "invalid")).body(body.to_string()).at(pointer)
    }

    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    pub fn media_type(self, media_type: &'static str) -> Self {
        Self { media_type, ..self }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn token(self, token: Token) -> Self {
        Self { token, ..self }
    }

    /// The answer's `errors` hold this pointer.
    pub fn at(self, pointer: &str) -> Self {
        Self { pointer: Some(pointer.to_owned()), ..self }
    }

    /// Sends it and compares the answer; the error tells of all that is not as it must be.
    pub fn try_on(&self, owner: &Client) -> Result<(), String> {
        let client = match &self.token {
            Token::Owner => owner.clone(),
            Token::None => owner.with_token(None),
            Token::Some(token) => owner.with_token(Some(token)),
        };
        let mut call = client.call(self.method.clone(), &self.path);
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        if let Some(body) = &self.body {
            call = call.body(self.media_type, body.clone());
        }
        let answer = call.send().map_err(|error| format!("{}: no answer: {error}", self.what))?;
        let problem: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let pointers: Vec<&str> = problem["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|error| error["pointer"].as_str())
            .collect();
        let same = answer.status.as_u16() == self.status
            && answer.header("content-type") == "application/problem+json"
            && problem["type"] == format!("urn:perennial:problem:{}", self.kind)
            && problem["status"] == self.status
            && self.pointer.as_deref().is_none_or(|pointer| pointers.contains(&pointer));
        let wanted = format!("{} {} {}", self.status, self.kind, self.pointer.as_deref().unwrap_or_default());
        same.then_some(())
            .ok_or_else(|| format!("{}: wanted {wanted}, got {} {}", self.what, answer.status, answer.body))
    }
}
