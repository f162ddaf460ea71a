//! Asking the operations of the API, as the caller would by HTTP.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use perennial_api::{Answered, Api, Written, admit_as};
use perennial_http_api::{Asked, Caller, IdempotencyKey, Problem, Request, Response};
use perennial_store::{Store, SystemStore};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::answer::Failure;
use crate::names::Projects;
use crate::{Call, Confirmation};

/// The way from a tool to the operations.
pub(crate) struct Door<'d, 'a, S> {
    pub api: &'d mut Api<'a, S>,
    pub caller: &'d Caller,
    headers: &'d HeaderMap,
    key: Option<&'d str>,
    pub confirmation: Confirmation<'d>,
    /// The call in one word: equal calls have the same.
    asked: String,
    /// What was written so far.
    pub wrote: Vec<Written>,
    /// What was refused so far, of many.
    pub failures: Vec<Failure>,
    /// A failure that is none of the caller's.
    pub failed: Option<Problem>,
    /// The caller's projects, once they were asked for.
    pub projects: Option<Projects>,
}

/// What one command of many was answered.
pub(crate) enum Told {
    /// It was carried out.
    Done(Done),
    /// It was refused, with this document (RFC 9457).
    Refused(Value),
}

/// An answer of the API, in parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Done {
    pub change_id: Option<String>,
    pub body: Value,
}

/// What is sent beside method and address.
#[derive(Default)]
pub(crate) struct Beside<'a> {
    pub body: Option<Value>,
    pub key: Option<&'a str>,
    pub if_match: Option<String>,
}

impl<'d, 'a, S: Store + SystemStore> Door<'d, 'a, S> {
    pub(crate) fn new(api: &'d mut Api<'a, S>, caller: &'d Caller, call: &Call<'d>) -> Self {
        let said = json!([call.name, call.arguments]).to_string();
        Self {
            api,
            caller,
            headers: call.headers,
            key: call.key,
            confirmation: call.confirmation,
            asked: digest(&[b"tool", said.as_bytes()]),
            wrote: Vec::new(),
            failures: Vec::new(),
            failed: None,
            projects: None,
        }
    }

    /// The key of the call: that of the arguments, or else the caller's. A rehearsal has none.
    pub(crate) fn key(&self, given: Option<&str>) -> Result<Option<String>, Problem> {
        if self.api.dry_run {
            return Ok(None);
        }
        let Some(key) = given.or(self.key) else { return Ok(None) };
        match IdempotencyKey::is_key(key) {
            true => Ok(Some(key.to_owned())),
            false => Err(crate::arguments::wrong(
                "/idempotency_key",
                &format!("must be {}, without blanks", IdempotencyKey::FORM),
            )),
        }
    }

    /// Asks for what is there.
    pub(crate) fn get<T: DeserializeOwned>(&mut self, address: &str) -> Result<T, Problem> {
        read(&self.send(&Method::GET, address, Beside::default())?)
    }

    /// Asks for a change, by itself.
    pub(crate) fn change(
        &mut self,
        method: &Method,
        address: &str,
        beside: Beside<'_>,
    ) -> Result<Done, Problem> {
        let response = self.send(method, address, beside)?;
        Ok(done(&response))
    }

    /// Carries out many commands, each by itself: each with its index among the caller's items. Under a key, each has one of its own,
    /// made of that and of the index, so that a repetition of the call meets it whatever becomes of the others.
    pub(crate) fn each(
        &mut self,
        commands: Vec<(usize, Value)>,
        key: Option<&str>,
    ) -> Result<Vec<(usize, Told)>, Problem> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let (places, mut operations): (Vec<usize>, Vec<Value>) = commands.into_iter().unzip();
        if let Some(key) = key {
            for (index, operation) in places.iter().zip(&mut operations) {
                if let Some(members) = operation.as_object_mut() {
                    members.insert("idempotency_key".to_owned(), part(key, *index).into());
                }
            }
        }
        let body = json!({ "mode": "each", "operations": operations });
        let response =
            self.send(&Method::POST, "/v1/bulk", Beside { body: Some(body), key, if_match: None })?;
        let mut document: Value = read(&response)?;
        let results = document.get_mut("results").and_then(Value::as_array_mut).map(std::mem::take);
        let text = |result: &Value, name: &str| result.get(name).and_then(Value::as_str).map(str::to_owned);
        let told = |mut result: Value| match result.get_mut("problem").map(Value::take) {
            Some(problem) => Told::Refused(problem),
            None => Told::Done(Done {
                change_id: text(&result, "change_id"),
                body: result.get_mut("body").map(Value::take).unwrap_or_default(),
            }),
        };
        Ok(places.into_iter().zip(results.unwrap_or_default().into_iter().map(told)).collect())
    }

    /// What a repetition of a call is answered: of each of so many items, what is stored of it. All are `None` where the key is new.
    ///
    /// # Errors
    /// The key was used for another call.
    pub(crate) fn answered(&mut self, key: &str, items: usize) -> Result<Vec<Option<Done>>, Problem> {
        let mut known = vec![None; items];
        let request =
            self.request(&Method::POST, "/v1/bulk", Beside { body: None, key: Some(key), if_match: None })?;
        let Some(whole) = IdempotencyKey::parse(&request)? else { return Ok(known) };
        if self.api.stored_answer(self.caller, Some(&whole))?.is_none() {
            return Ok(known);
        }
        for (index, known) in known.iter_mut().enumerate() {
            let one = IdempotencyKey::of_part(&request, part(key, index), &[])?;
            *known = self.api.stored_answer(self.caller, Some(&one))?.map(|response| done(&response));
        }
        Ok(known)
    }

    /// The answer that a call by itself had before, under its key.
    pub(crate) fn answer(&mut self, key: &str) -> Result<Option<Done>, Problem> {
        let beside = Beside { body: None, key: Some(key), if_match: None };
        let request = self.request(&Method::POST, "/v1/bulk", beside)?;
        let key = IdempotencyKey::parse(&request)?;
        let stored = self.api.stored_answer(self.caller, key.as_ref())?;
        Ok(stored.map(|response| done(&response)))
    }

    /// A key that is made of what is told, for this call alone.
    pub(crate) fn own_key(&self, parts: &[&str]) -> String {
        let said: Vec<&[u8]> =
            parts.iter().copied().chain([self.asked.as_str()]).map(str::as_bytes).collect();
        digest(&said)
    }

    /// The headers of the request that the call came in.
    pub(crate) fn headers(&self) -> &'d HeaderMap {
        self.headers
    }

    /// Asks one operation, and keeps what was written.
    fn send(&mut self, method: &Method, address: &str, beside: Beside<'_>) -> Result<Response, Problem> {
        let (head, body) = self.request(method, address, beside)?.into_parts();
        let admitted = admit_as(&head, self.caller.clone())?;
        let Answered { response, wrote } = admitted.carry_out(self.api, &Request::from_parts(head, body))?;
        self.wrote.extend(wrote);
        Ok(response)
    }

    fn request(&self, method: &Method, address: &str, beside: Beside<'_>) -> Result<Request, Problem> {
        let unsendable = || Problem::malformed("the arguments cannot be sent on");
        let body = beside.body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let mut request = Request::new(body);
        *request.method_mut() = method.clone();
        *request.uri_mut() = address.parse().map_err(|_| unsendable())?;
        request.extensions_mut().insert(Asked(self.asked.clone()));
        let headers = request.headers_mut();
        for name in [header::AUTHORIZATION, HeaderName::from_static("traceparent")] {
            for value in self.headers.get_all(&name) {
                headers.append(&name, value.clone());
            }
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| unsendable());
        if let Some(key) = beside.key {
            headers.insert("idempotency-key", value(key)?);
        }
        if let Some(tags) = beside.if_match {
            headers.insert(header::IF_MATCH, value(&tags)?);
        }
        Ok(request)
    }
}

/// An address with a query: what is given of it.
pub(crate) fn address(path: &str, query: &[(&str, Option<&str>)]) -> String {
    let mut address = path.to_owned();
    let given = query.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    for (index, (name, value)) in given.enumerate() {
        address.push(if index == 0 { '?' } else { '&' });
        address.push_str(name);
        address.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => address.push(byte.into()),
                _ => address.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    address
}

/// The key of one item of a call.
pub(crate) fn part(key: &str, index: usize) -> String {
    digest(&[b"tool item", key.as_bytes(), &index.to_le_bytes()])
}

/// A digest of parts, each with its length, in hexadecimal digits.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for bytes in parts {
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn done(response: &Response) -> Done {
    let text =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Done { change_id: text("change-id"), body: serde_json::from_slice(response.body()).unwrap_or_default() }
}

/// The document of an answer of ours.
fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Problem> {
    serde_json::from_slice(response.body()).map_err(|_| unreadable())
}

/// The same of a part of one.
pub(crate) fn reread<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|_| unreadable())
}

fn unreadable() -> Problem {
    Problem::unavailable("an answer of the service could not be read")
}
