//! Webhooks over HTTP: bounded in time, no redirects followed, the answer's body not read.

use perennial_domain::Attempt;
use perennial_guest::within;
use spin_sdk::http::{ErrorCode, IncomingResponse, Method, Request, SendError, send};

use crate::{Post, Sender};

/// How long a receiver may take to answer, in milliseconds.
const TIMEOUT: u64 = 15_000;

/// A look at what has come due meanwhile, once a second.
const PAUSE: u64 = 1_000;

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
        // With its length said it goes out whole: receivers that cannot read chunks can read it.
        request.set_header("content-length", post.body.len().to_string());
        *request.body_mut() = post.body.clone().into_bytes();
        match within(TIMEOUT, send::<_, IncomingResponse>(request)).await {
            Some(Ok(response)) => judge(response.status(), retry_after(&response)),
            Some(Err(error)) if hung(&error) => Attempt::Hung { error: words(&error).to_owned() },
            Some(Err(error)) => Attempt::Refused { error: words(&error).to_owned(), retry_after: None },
            None => Attempt::Hung {
                error: format!("the receiver did not answer within {} seconds", TIMEOUT / 1_000),
            },
        }
    }

    async fn pause(&self) {
        within(PAUSE, std::future::pending::<()>()).await;
    }
}

/// Whether it took long to fail: then nobody should wait for the same endpoint again soon.
fn hung(error: &SendError) -> bool {
    matches!(
        error,
        SendError::Http(
            ErrorCode::DnsTimeout
                | ErrorCode::ConnectionTimeout
                | ErrorCode::ConnectionReadTimeout
                | ErrorCode::ConnectionWriteTimeout
                | ErrorCode::HttpResponseTimeout
        )
    )
}

/// Why there is no answer, in words for the owner of the address: what they can look at, and nothing of the host's inside.
fn words(error: &SendError) -> &'static str {
    let SendError::Http(code) = error else { return "the request could not be sent" };
    match code {
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => "the receiver's name could not be resolved",
        ErrorCode::DestinationNotFound | ErrorCode::DestinationUnavailable => "the receiver was not found",
        ErrorCode::DestinationIpProhibited | ErrorCode::DestinationIpUnroutable => {
            "the receiver's name leads to an address that may not be called"
        }
        ErrorCode::HttpRequestDenied => "the receiver's address may not be called",
        ErrorCode::ConnectionRefused => "the connection was refused",
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => "the receiver took too long",
        ErrorCode::ConnectionTerminated => "the receiver closed the connection",
        ErrorCode::ConnectionLimitReached => "too many connections are open already",
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => {
            "no secure connection came about (TLS)"
        }
        ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestUriTooLong => "the address cannot be called",
        ErrorCode::HttpProtocolError | ErrorCode::HttpResponseIncomplete => {
            "the receiver broke off, or its answer was not HTTP"
        }
        _ => "the request failed",
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
