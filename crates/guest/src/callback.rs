//! Callback routes: what a clock, a sidecar or this application itself calls.

use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use perennial_domain::Commit;
use perennial_events::{
    BusError, Delivery, FirstLook, MAX_DELIVERY, MAX_EVENT, RelayError, SidecarState, Status, heard_at,
    relay_commit,
};
use perennial_http_api::{Problem, Request, Response, check_body, same_secret};
use perennial_store::OwnLease;
use spin_sdk::http::IncomingRequest;

use crate::{
    BusSettings, CallbackSettings, GuestStore, SettingError, Settings, StateSettings, log, now, open_bus,
    open_state, read_beginning, read_body, read_head, tell_hot_users,
};

/// Below it are the routes that events are delivered to. A sidecar takes 404 for "drop it": none of these answers so.
const EVENTS: &str = "/events/";

/// What is logged where the state store is of no help.
const WITHOUT: &str = "events are handled without a first look";

/// Lets a callback in: only at one of `paths` (`/x/...` stands for all below `/x/`), only with POST, and only with the token in
/// `dapr-api-token`; all that is seen before its body is read. A body may be as long as an event. Of a longer delivery the beginning is
/// read: who delivers it would bring what is refused again and again.
pub async fn admit(request: IncomingRequest, paths: &[&str]) -> Result<(CallbackSettings, Request), Problem> {
    let head = read_head(&request)?;
    let path = head.uri.path();
    if !paths.iter().any(|known| leads_to(known, path)) {
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
    let is_delivery = path.starts_with(EVENTS);
    check_body(&head.headers, &[], if is_delivery { usize::MAX } else { MAX_EVENT })?;
    let body = match is_delivery {
        true => read_beginning(request, MAX_DELIVERY).await?,
        false => read_body(request, MAX_EVENT).await?,
    };
    Ok((settings, Request::from_parts(head, body)))
}

fn leads_to(route: &str, path: &str) -> bool {
    route.strip_suffix("...").map_or(route == path, |start| path.starts_with(start))
}

/// The answer of a callback that failed: the caller should call again. The reason goes to the log.
pub fn failed(error: &impl std::fmt::Display) -> Response {
    log::error("a callback failed", error);
    Problem::unavailable("the work is left for the next call").into()
}

/// What a request delivers.
pub fn delivery(request: &Request) -> Delivery<'_> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|media_type| media_type.to_str().ok());
    Delivery::read(media_type.unwrap_or_default(), request.body())
}

/// The answer to a delivery, from a status for each event in turn. One event that should come again is answered 503: so every bus
/// understands it.
pub fn delivered(delivery: &Delivery<'_>, statuses: &[Status]) -> Response {
    if matches!((delivery, statuses), (Delivery::One(_), [Status::Retry])) {
        return Problem::unavailable("the work is left for the next call").into();
    }
    json_of(delivery.answer(statuses.iter().copied()))
}

fn json_of(body: Vec<u8>) -> Response {
    let mut response = Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// Asks the state store beside the application, where there is one, which events of a delivery to a route were applied already. Nobody
/// hears at the routes of dead letters by events: what lies there was never applied.
pub async fn first_look<'m>(route: &str, delivery: &'m Delivery<'_>) -> FirstLook<'m, SidecarState> {
    let state = match StateSettings::from_host() {
        Ok(settings) => open_state(&settings),
        Err(error) => {
            log::warn(WITHOUT, &error);
            None
        }
    };
    let Some((state, consumer)) = state.zip(heard_at(route)) else {
        return FirstLook::none(delivery.events());
    };
    let look = FirstLook::at(state, consumer, delivery.events()).await;
    if let Some(reason) = look.failure() {
        log::warn(WITHOUT, &reason);
    }
    look
}

/// Notes what was applied of what the first look did not know, once whoever delivers has been answered: a partition waits for the answer,
/// and a note that comes too late, or never, costs a look into the database.
pub async fn note_applied(look: &FirstLook<'_, SidecarState>, applied: &[bool]) {
    if let Err(reason) = look.note(applied).await {
        log::warn("it is not noted which events were applied", &reason);
    }
}

/// Publishes what a commit has written, under the lease that it took if it took one. What fails here waits for the next sweep.
pub async fn publish(
    store: &GuestStore,
    callbacks: Option<&CallbackSettings>,
    commit: &Commit,
    own: Option<&OwnLease>,
) {
    if let Err(error) = try_publish(store, callbacks, commit, own).await {
        log::warn("events wait for the next sweep", &error);
    }
}

async fn try_publish(
    store: &GuestStore,
    callbacks: Option<&CallbackSettings>,
    commit: &Commit,
    own: Option<&OwnLease>,
) -> Result<(), RelayFailure> {
    if let Some(bus) = open_bus(&BusSettings::from_host()?, callbacks)?
        && (own.is_some() || bus.is_a_broker())
    {
        tell_hot_users(store);
        relay_commit(store, &bus, commit, own, &now).await?;
    }
    Ok(())
}

/// Why events were not published.
#[derive(Debug, thiserror::Error)]
enum RelayFailure {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Relay(#[from] RelayError),
}
