//! Callback routes: what a clock, a sidecar or this application itself calls.

use http::Method;
use perennial_domain::StreamId;
use perennial_events::{MAX_EVENT, RelayError, relay_stream};
use perennial_http_api::{Problem, Request, Response, check_body, same_secret};
use perennial_store::SystemStore;
use spin_sdk::http::IncomingRequest;

use crate::{BusSettings, CallbackSettings, Settings, log, now, open_bus, read_body, read_head};

/// Lets a callback in: only at one of `paths`, only with POST, and only with the token in `dapr-api-token`; all that is
/// seen before its body is read. A body may be as long as an event.
pub async fn admit(request: IncomingRequest, paths: &[&str]) -> Result<(CallbackSettings, Request), Problem> {
    let head = read_head(&request)?;
    if !paths.contains(&head.uri.path()) {
        return Err(Problem::not_found());
    }
    if head.method != Method::POST {
        return Err(Problem::method_not_allowed("POST"));
    }
    let settings =
        CallbackSettings::from_host().map_err(|error| Problem::misconfigured(error.to_string()))?;
    let token = head.headers.get("dapr-api-token").and_then(|token| token.to_str().ok()).unwrap_or_default();
    if !same_secret(token, &settings.token) {
        return Err(Problem::unauthenticated("callbacks need the header dapr-api-token"));
    }
    check_body(&head.headers, &[], MAX_EVENT)?;
    let body = read_body(request, MAX_EVENT).await?;
    Ok((settings, Request::from_parts(head, body)))
}

/// The answer of a callback that failed: the caller should call again. The reason goes to the log.
pub fn failed(error: &impl std::fmt::Display) -> Response {
    log::error("a callback failed", error);
    Problem::unavailable("the work is left for the next call").into()
}

/// Publishes what has been written to a stream. What fails here waits for the next sweep.
pub async fn relay(store: &impl SystemStore, callbacks: Option<&CallbackSettings>, stream: &StreamId) {
    let relayed = async {
        let Some(bus) = open_bus(&BusSettings::from_host()?, callbacks)? else { return Ok(()) };
        relay_stream(store, &bus, stream, &now).await.map(|_| ()).map_err(RelayFailure::Relay)
    };
    if let Err(error) = relayed.await {
        log::warn("events wait for the next sweep", &error);
    }
}

/// Why a stream was not relayed.
#[derive(Debug, thiserror::Error)]
enum RelayFailure {
    #[error(transparent)]
    Setting(#[from] crate::SettingError),
    #[error(transparent)]
    Bus(#[from] perennial_events::BusError),
    #[error(transparent)]
    Relay(RelayError),
}
