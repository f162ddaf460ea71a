//! Webhooks over HTTP: bounded in time, no redirects followed, the answer's body not read.

use perennial_domain::Attempt;
use perennial_guest::within;
use spin_sdk::http::{IncomingResponse, Method, Request, send};

use crate::{Post, Sender};

/// How long a receiver may take to answer, in milliseconds.
const TIMEOUT: u64 = 15_000;

/// Sends over the host's HTTP client.
pub struct HttpSender;

impl Sender for HttpSender {
    async fn send(&self, post: &Post) -> Attempt {
        let mut request = Request::new(Method::Post, post.url.as_str());
        for (name, value) in [
            ("content-type", "application/json"),
            ("user-agent", concat!("perennial/", env!("CARGO_PKG_VERSION"))),
            ("webhook-id", post.signature.id.as_str()),
            ("webhook-timestamp", post.signature.timestamp.as_str()),
            ("webhook-signature", post.signature.signature.as_str()),
        ] {
            request.set_header(name, value);
        }
        *request.body_mut() = post.body.clone().into_bytes();
        match within(TIMEOUT, send::<_, IncomingResponse>(request)).await {
            Some(Ok(response)) => judge(response.status(), retry_after(&response)),
            Some(Err(error)) => Attempt::Refused { error: format!("no answer: {error}"), retry_after: None },
            None => Attempt::Refused { error: format!("no answer in {TIMEOUT} ms"), retry_after: None },
        }
    }
}

/// Standard Webhooks 1.0: 2xx is a yes, 410 a lasting no, anything else (redirects too) a no for now.
fn judge(status: u16, retry_after: Option<i64>) -> Attempt {
    match status {
        200..=299 => Attempt::Accepted,
        410 => Attempt::Gone { error: "the receiver answered 410".to_owned() },
        _ => Attempt::Refused { error: format!("the receiver answered {status}"), retry_after },
    }
}

fn retry_after(response: &IncomingResponse) -> Option<i64> {
    let values = response.headers().get("retry-after");
    String::from_utf8(values.into_iter().next()?).ok()?.trim().parse().ok()
}
