//! Letting a client in, by the head of its request alone.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, response};
use perennial_domain::{Scope, Timestamp};
use perennial_events::EventPlace;
use perennial_http_api::{
    Accepted, Caller, Form, Head, KeyServer, MAX_BODY, Parameter, Problem, Query, authenticate, check_accept,
    check_body,
};
use perennial_store::{StoreError, SystemStore};

/// The one address there is here.
const ADDRESS: &str = "/v1/stream";

/// What is answered.
const MEDIA: &str = "text/event-stream";

/// The id of the last event that a client has read (HTML standard §9.2.4).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The same, for clients that cannot send it.
const AFTER: Parameter =
    Parameter { name: "after", form: Form::Text(EventPlace::MAX, EventPlace::PATTERN), words: "" };

/// A client who may follow their events.
#[derive(Debug)]
pub struct Admitted {
    /// Who it is.
    pub caller: Caller,
    /// Where they go on; `None` = from now on.
    pub after: Option<EventPlace>,
}

/// Looks at the head of a request. The store is opened only for a token that has to be looked up.
pub async fn admit<'s, S: SystemStore + 's>(
    head: &Head,
    accepted: &Accepted<'_, impl KeyServer>,
    store: impl FnOnce() -> Result<&'s S, StoreError>,
    now: Timestamp,
) -> Result<Admitted, Problem> {
    if head.uri.path().trim_matches('/') != ADDRESS.trim_matches('/') {
        return Err(Problem::not_found());
    }
    if ![Method::GET, Method::HEAD].contains(&head.method) {
        return Err(Problem::method_not_allowed("GET, HEAD"));
    }
    let caller = reader(&head.headers, accepted, store, now).await?;
    check_body(&head.headers, &[], MAX_BODY)?;
    check_accept(&head.headers, MEDIA)?;
    let query = Query::read(&head.uri, &[AFTER])?;
    let after = match last_event_id(&head.headers)? {
        Some(place) => Some(place),
        None => query.get(AFTER.name).map(|text| place(text, AFTER.name)).transpose()?,
    };
    Ok(Admitted { caller, after })
}

/// Who asks, if they may read.
pub(crate) async fn reader<'s, S: SystemStore + 's>(
    headers: &HeaderMap,
    accepted: &Accepted<'_, impl KeyServer>,
    store: impl FnOnce() -> Result<&'s S, StoreError>,
    now: Timestamp,
) -> Result<Caller, Problem> {
    let caller = authenticate(headers, accepted, store, now).await?;
    caller.needs(Scope::TasksRead)?;
    Ok(caller)
}

/// The head of the answer. Nobody on the way keeps it, or waits until there is more of it.
pub fn head() -> response::Parts {
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = StatusCode::OK;
    for (name, value) in [
        (header::CONTENT_TYPE, MEDIA),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        head.headers.insert(name, HeaderValue::from_static(value));
    }
    head
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<EventPlace>, Problem> {
    let mut values = headers.get_all(LAST_EVENT_ID).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.any(|other| other != value) {
        return Err(Problem::malformed("Last-Event-ID is given twice"));
    }
    place(value.to_str().unwrap_or_default(), "Last-Event-ID").map(Some)
}

fn place(text: &str, name: &str) -> Result<EventPlace, Problem> {
    let wrong = || Problem::malformed(format!("{name} must be the id of an event of this stream"));
    EventPlace::parse(text).ok_or_else(wrong)
}
