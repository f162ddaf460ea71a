//! Key sets over HTTP: bounded in time and length, no redirects followed.

use futures::StreamExt;
use perennial_http_api::KeyServer;
use perennial_jwt::MAX_JWKS;
use spin_sdk::http::{IncomingResponse, Method, Request, send};

use crate::{log, within};

/// How long an issuer may take to answer whole, in milliseconds.
const TIMEOUT: u64 = 5_000;

/// Longest reason that is logged, in characters.
const MAX_REASON: usize = 200;

/// Fetches key sets over the host's HTTP client.
pub struct HttpKeys;

impl KeyServer for HttpKeys {
    async fn fetch(&self, url: &str) -> Result<String, String> {
        let late = || Err(format!("the issuer did not answer within {} seconds", TIMEOUT / 1_000));
        within(TIMEOUT, get(url)).await.unwrap_or_else(late)
    }

    fn failed(&self, why: &str) {
        let why: String = why.chars().take(MAX_REASON).collect();
        log::warn("the keys of the JWT issuer were not fetched", &why);
    }
}

async fn get(url: &str) -> Result<String, String> {
    let mut request = Request::new(Method::Get, url);
    request.set_header("accept", "application/jwk-set+json, application/json");
    request.set_header("user-agent", concat!("perennial/", env!("CARGO_PKG_VERSION")));
    // With its length said it goes out without an empty chunk.
    request.set_header("content-length", "0");
    let response: IncomingResponse =
        send(request).await.map_err(|error| format!("the request failed: {error}"))?;
    let status = response.status();
    if status != 200 {
        return Err(format!("the issuer answered {status}"));
    }
    let mut body = Vec::new();
    let mut chunks = Box::pin(response.take_body_stream());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| "the answer broke off".to_owned())?;
        if body.len().saturating_add(chunk.len()) > MAX_JWKS {
            return Err(format!("the key set is longer than {MAX_JWKS} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| "the key set is not UTF-8".to_owned())
}
