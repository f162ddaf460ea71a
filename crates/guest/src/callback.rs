//! Callback routes: what a clock, a sidecar or this application itself calls.

use http::Method;
use perennial_domain::StreamId;
use perennial_events::{RelayError, relay_stream};
use perennial_http_api::{Problem, Request, Response, same_secret};
use perennial_store::SystemStore;
use spin_sdk::http::IncomingRequest;

use crate::{Settings, log, now, open_bus, read};

/// Lets a callback in: only with the token in `dapr-api-token`, and only with POST.
pub async fn admit(request: IncomingRequest) -> Result<(Settings, Request), Problem> {
    let settings = Settings::from_host().map_err(|error| Problem::misconfigured(error.to_string()))?;
    let request = read(request).await?;
    let token =
        request.headers().get("dapr-api-token").and_then(|token| token.to_str().ok()).unwrap_or_default();
    if !same_secret(token, &settings.callback_token) {
        return Err(Problem::unauthenticated("callbacks need the header dapr-api-token"));
    }
    if request.method() != Method::POST {
        return Err(Problem::method_not_allowed("POST"));
    }
    Ok((settings, request))
}

/// The answer of a callback that failed: the caller should call again. The reason goes to the log.
pub fn failed(error: &impl std::fmt::Display) -> Response {
    log::error("a callback failed", error);
    Problem::unavailable("the work is left for the next call").into()
}

/// Publishes what has been written to a stream. What fails here waits for the next sweep.
pub async fn relay(store: &impl SystemStore, settings: &Settings, stream: &StreamId) {
    let relayed = async {
        let bus = open_bus(settings)?;
        relay_stream(store, &bus, stream, &now).await?;
        Ok::<_, RelayError>(())
    };
    if let Err(error) = relayed.await {
        log::warn("events wait for the next sweep", &error);
    }
}
