//! `Idempotency-Key`: a request that is sent again gets the answer it got.

use http::{HeaderValue, StatusCode, header};
use perennial_domain::IdempotencyRecord;
use perennial_store::IdempotentAnswer;
use sha2::{Digest, Sha256};

use crate::{Problem, Request, Response};

/// Longest key, in characters.
const MAX_KEY: usize = 255;

/// The key of a request, and what the request is.
#[derive(Debug, Clone, PartialEq)]
pub struct IdempotencyKey {
    /// The key, as sent.
    pub key: String,
    fingerprint: String,
}

impl IdempotencyKey {
    /// Reads the header, if it is there.
    pub fn parse(request: &Request) -> Result<Option<Self>, Problem> {
        let mut values = request.headers().get_all("idempotency-key").iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Problem::malformed("Idempotency-Key is given twice"));
        }
        let key = value.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Problem::malformed(format!(
                "Idempotency-Key must be 1 to {MAX_KEY} visible ASCII characters"
            )));
        }
        let mut hash = Sha256::new();
        for part in
            [request.method().as_str().as_bytes(), request.uri().to_string().as_bytes(), request.body()]
        {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let fingerprint = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Some(Self { key: key.to_owned(), fingerprint }))
    }

    /// The record that makes `response` the answer of this key.
    pub fn record(&self, response: &Response) -> IdempotencyRecord {
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        IdempotencyRecord {
            key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
            status: response.status().as_u16(),
            etag: header(header::ETAG),
            location: header(header::LOCATION),
            body: String::from_utf8_lossy(response.body()).into_owned(),
        }
    }
}

/// The stored answer, given again.
pub fn replay(key: &IdempotencyKey, stored: IdempotentAnswer) -> Result<Response, Problem> {
    if stored.fingerprint != key.fingerprint {
        return Err(Problem::idempotency_mismatch());
    }
    let has_body = !stored.body.is_empty();
    let mut response = Response::new(stored.body.into_bytes());
    *response.status_mut() = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    if has_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in [(header::ETAG, stored.etag), (header::LOCATION, stored.location)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}
