//! Keeping anchors: in the host's log, and at an address outside, where one is set.

use perennial_audit::Anchor;
use perennial_guest::within;
use spin_sdk::http::{IncomingResponse, Method, Request, send};

use crate::Keeper;

/// How long the address may take to answer, in milliseconds.
const TIMEOUT: u64 = 15_000;

/// Prints anchors, one a line, which a host keeps in a file of its own; and posts them, likewise one a line.
pub struct Outside<'a> {
    /// The address, if there is one.
    pub url: Option<&'a str>,
}

impl Keeper for Outside<'_> {
    async fn keep(&self, anchors: &[Anchor]) -> Result<(), String> {
        let mut lines = String::new();
        for anchor in anchors {
            let line = serde_json::to_string(anchor).map_err(|error| error.to_string())?;
            println!("{line}");
            lines.push_str(&line);
            lines.push('\n');
        }
        let Some(url) = self.url else { return Ok(()) };
        let late = || Err(format!("the address did not answer within {} seconds", TIMEOUT / 1_000));
        within(TIMEOUT, post(url, lines)).await.unwrap_or_else(late)
    }
}

async fn post(url: &str, lines: String) -> Result<(), String> {
    let mut request = Request::new(Method::Post, url);
    request.set_header("content-type", "application/x-ndjson");
    request.set_header("user-agent", concat!("perennial/", env!("CARGO_PKG_VERSION")));
    // With its length said it goes out whole.
    request.set_header("content-length", lines.len().to_string());
    *request.body_mut() = lines.into_bytes();
    let response: IncomingResponse =
        send(request).await.map_err(|error| format!("the request failed: {error}"))?;
    match response.status() {
        200..=299 => Ok(()),
        status => Err(format!("the address answered {status}")),
    }
}
