//! `Idempotency-Key`: a request that is sent again gets the answer it got.

use std::fmt;

use http::{HeaderName, HeaderValue, StatusCode, header};
use perennial_domain::{ExpectAnswer, IdempotencyRecord};
use perennial_store::IdempotentAnswer;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::auth::bearer;
use crate::sealed::{Seal, is_sealed};
use crate::{Problem, Request, Response};

/// The header of an answer that tells the id of the change that the request made, by which it can be taken back.
pub const CHANGE_ID: HeaderName = HeaderName::from_static("change-id");

/// The header of an answer that is that of an earlier request.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a request is a translation of, as one of its extensions. Two requests of one key are the same where this is the same, whatever
/// each was translated to: "tomorrow" is another day tomorrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked(pub String);

/// The key of a request, what the request is, and the seal of its caller.
#[derive(Clone)]
pub struct IdempotencyKey {
    /// The key, as sent.
    pub key: String,
    fingerprint: String,
    seal: Seal,
}

impl IdempotencyKey {
    /// Reads the header, if it is there. Its request carries a bearer token.
    pub fn parse(request: &Request) -> Result<Option<Self>, Problem> {
        let headers = request.headers();
        let mut values = headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Problem::malformed("Idempotency-Key is given twice"));
        }
        let key = value.to_str().unwrap_or_default();
        if !Self::is_key(key) {
            return Err(Problem::malformed(format!("Idempotency-Key must be {}", Self::FORM)));
        }
        Self::new(request, key.to_owned(), fingerprint(request)).map(Some)
    }

    /// Longest key, in characters.
    pub const MAX: usize = 255;

    /// What a key is, in words.
    pub const FORM: &str = "1 to 255 visible ASCII characters";

    /// Whether a client may send this as a key.
    pub fn is_key(key: &str) -> bool {
        !key.is_empty() && key.len() <= Self::MAX && key.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// The key of one part of a request, which `part` says in full: its own, or one that no client can send, made of the
    /// request's and the part's place. The same part under the same key is the same, in whichever request it comes; of what is a
    /// translation, it is a part of the same.
    pub fn of_part(request: &Request, key: String, part: &[u8]) -> Result<Self, Problem> {
        let part = request.extensions().get().map_or(part, |Asked(asked)| asked.as_bytes());
        Self::new(request, key, hashed(&[b"part", part]))
    }

    /// The key of the part at a place, where it has none of its own: a blank is in no key that is sent.
    pub fn at(&self, index: usize) -> String {
        format!("{} {index}", self.key)
    }

    fn new(request: &Request, key: String, fingerprint: String) -> Result<Self, Problem> {
        let seal = Seal::new(bearer(request.headers())?, &key);
        let seal = seal.ok_or_else(|| Problem::unavailable("nothing can be sealed"))?;
        Ok(Self { key, fingerprint, seal })
    }

    /// What the commits of a request with this key expect: that the key's answer is that request's. `commit` is the one that
    /// keeps it, where no other will do.
    pub fn expectation(&self, commit: Option<Uuid>) -> ExpectAnswer {
        ExpectAnswer { key: self.key.clone(), fingerprint: self.fingerprint.clone(), commit_id: commit }
    }

    /// Whether a stored answer is that of the same request.
    pub fn is_answered_by(&self, stored: &IdempotentAnswer) -> bool {
        stored.fingerprint == self.fingerprint
    }

    /// The record that makes `response` the answer of this key. One that tells a `secret` is sealed.
    pub fn record(&self, response: &Response, secret: bool) -> Result<IdempotencyRecord, Problem> {
        let header = |name: HeaderName| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let body = if secret {
            let sealed = self.seal.seal(response.body(), &self.fingerprint);
            sealed.ok_or_else(|| Problem::unavailable("there is no randomness"))?
        } else {
            String::from_utf8_lossy(response.body()).into_owned()
        };
        Ok(IdempotencyRecord {
            key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
            status: response.status().as_u16(),
            etag: header(header::ETAG),
            location: header(header::LOCATION),
            body,
            change_id: header(CHANGE_ID),
        })
    }
}

/// Tells nothing of the seal.
impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IdempotencyKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// What makes two requests the same: method, address, conditions and body. Each part goes in with its length.
fn fingerprint(request: &Request) -> String {
    if let Some(Asked(asked)) = request.extensions().get() {
        return hashed(&[b"asked", asked.as_bytes()]);
    }
    let address = request.uri().to_string();
    let mut parts = vec![request.method().as_str().as_bytes(), address.as_bytes(), request.body()];
    // Last, and nothing where there is none: so keys stored before conditions were part of it stay good.
    parts.extend(request.headers().get_all(header::IF_MATCH).iter().map(HeaderValue::as_bytes));
    hashed(&parts)
}

fn hashed(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for bytes in parts {
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The stored answer, given again, byte for byte.
pub fn replay(key: &IdempotencyKey, stored: IdempotentAnswer) -> Result<Response, Problem> {
    if !key.is_answered_by(&stored) {
        return Err(Problem::idempotency_mismatch());
    }
    let body = if is_sealed(&stored.body) {
        // The same request with another token of the same user: that caller was not told the secret.
        key.seal.open(&stored.body, &key.fingerprint).ok_or_else(Problem::idempotency_mismatch)?
    } else {
        stored.body.into_bytes()
    };
    let has_body = !body.is_empty();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    if has_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let told =
        [(header::ETAG, stored.etag), (header::LOCATION, stored.location), (CHANGE_ID, stored.change_id)];
    for (name, value) in told {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(token: &str, if_match: &str, body: &str) -> IdempotencyKey {
        let request = http::Request::post("/v1/channels")
            .header("authorization", format!("Bearer {token}"))
            .header("idempotency-key", "k")
            .header("if-match", if_match)
            .body(body.as_bytes().to_vec())
            .unwrap();
        IdempotencyKey::parse(&request).unwrap().unwrap()
    }

    fn stored(record: &IdempotencyRecord) -> IdempotentAnswer {
        IdempotentAnswer {
            fingerprint: record.fingerprint.clone(),
            status: record.status,
            etag: record.etag.clone(),
            location: record.location.clone(),
            body: record.body.clone(),
            change_id: record.change_id.clone(),
        }
    }

    #[test]
    fn a_secret_is_told_again_to_the_same_caller_and_to_no_other() {
        let mut told = crate::answer(StatusCode::CREATED, &serde_json::json!({ "secret": "whsec_x" }));
        told.headers_mut().insert(header::ETAG, HeaderValue::from_static("\"1\""));
        let record = key("a", "*", "{}").record(&told, true).unwrap();
        assert!(!record.body.contains("whsec"), "{}", record.body);

        let again = replay(&key("a", "*", "{}"), stored(&record)).unwrap();
        assert_eq!(again.status(), StatusCode::CREATED);
        assert_eq!(again.body(), told.body());
        assert_eq!(again.headers()["etag"], "\"1\"");
        assert_eq!(again.headers()["content-type"], "application/json");

        for other in [key("b", "*", "{}"), key("a", "\"2\"", "{}"), key("a", "*", "[]")] {
            assert_eq!(replay(&other, stored(&record)).unwrap_err().status().as_u16(), 422);
        }
        let plain = key("a", "*", "{}").record(&told, false).unwrap();
        assert_eq!(plain.body.as_bytes(), told.body());
        assert_eq!(replay(&key("b", "*", "{}"), stored(&plain)).unwrap().body(), told.body());
    }
}
