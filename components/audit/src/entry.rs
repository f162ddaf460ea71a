//! The entry points: a request of the API, the callback of a clock, and the clock itself.

use std::cell::{LazyCell, OnceCell};
use std::collections::BTreeSet;

use anyhow::Result;
use http::StatusCode;
use perennial_audit::Key;
use perennial_domain::{Ids, TokenId, UserId};
use perennial_events::{CloudEvent, Status};
use perennial_guest::callback::{self, failed};
use perennial_guest::{
    Accepting, AuditSettings, FreshIds, LimitSettings, Opened, RedisCounter, SettingError, Settings,
    StoreSettings, go_by_clock_of, log, now, open_store, read_body, read_head, respond, told,
};
use perennial_http_api::{Head, Problem, RateServer, Request, Response, answer, correlation_id, traceparent};
use perennial_store::{AccountStore, SealStore};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;

use crate::http_out::Outside;
use crate::{Anchored, Limits, Service, admit, anchor_due, finish, template};

/// The addresses that others call: a clock, and a sidecar with events.
const PATHS: [&str; 2] = [CLOCK, "/events/audit/..."];
const CLOCK: &str = "/internal/audit";

/// What it hears. An event only says that its user has entries to be sealed: the sweep finds them too.
const EVENTS: &str = "/events/audit/task-events";

/// Entries sealed with one delivery.
const SEALED: u32 = 1_000;

#[http_component]
async fn serve(incoming: IncomingRequest, out: ResponseOutparam) {
    let path = incoming.path_with_query().unwrap_or_default();
    if path.starts_with(CLOCK) || path.starts_with("/events/") {
        return called(incoming, out).await;
    }
    let head = match read_head(&incoming) {
        Ok(head) => head,
        Err(problem) => return respond(out, problem.into()).await,
    };
    let (method, route) = (head.method.clone(), template(&head));
    let trace = traceparent(&head.headers);
    let request_id =
        LazyCell::new(move || correlation_id(trace.as_deref(), || FreshIds::default().next().to_string()));
    let (opened, used) = (Opened::default(), OnceCell::new());
    let answered = carried_out(incoming, head, &opened, &used)
        .await
        .map_err(|problem| told(problem, ("audit", route), || LazyCell::force(&request_id).clone()));
    opened.let_go();
    respond(out, finish(&method, answered)).await;
    if let (Some((user, token)), Some(store)) = (used.get(), opened.get())
        && let Err(error) = store.token_used(user, *token, now())
    {
        log::warn("it is not noted that a token was used", &error.to_string());
    }
}

mod cron {
    //! The clock trigger's world.

    wit_bindgen::generate!({
        path: "../../wit/deps/spin-cron@3.0.0",
        world: "spin-cron",
        async: true,
    });

    struct Clock;

    impl Guest for Clock {
        async fn handle_cron_event(_: Metadata) -> Result<(), Error> {
            // Futures of the SDK run in its own executor, never in the trigger's.
            spin_sdk::http::run(async { super::anchors().await.map(|_| ()) })
                .map_err(|error: anyhow::Error| Error::Other(format!("{error:#}")))
        }
    }

    export!(Clock);
}

/// Anchors what is due, for a clock that calls, or seals what events tell of. No address of events answers 404, which a sidecar takes
/// for "drop it".
async fn called(incoming: IncomingRequest, out: ResponseOutparam) {
    let request = match callback::admit(incoming, &PATHS).await {
        Ok((_, request)) => request,
        Err(problem) => return respond(out, problem.into()).await,
    };
    let answer = match request.uri().path() {
        EVENTS => return hear(&request, out).await,
        CLOCK => match anchors().await {
            Ok(anchored) => answer(StatusCode::OK, &anchored),
            Err(error) => failed(&format!("{error:#}")),
        },
        path => failed(&format!("nobody hears at {path}")),
    };
    respond(out, answer).await;
}

/// Seals what the users of events have done, but of those that a first look knows to be sealed. What is no event tells of nobody.
async fn hear(request: &Request, out: ResponseOutparam) {
    let delivery = callback::delivery(request);
    let look = callback::first_look(EVENTS, &delivery).await;
    let unknown = look.unknown();
    if let Err(error) = seal(&unknown) {
        return respond(out, failed(&format!("{error:#}"))).await;
    }
    let statuses = vec![Status::Success; delivery.events().count()];
    respond(out, callback::delivered(&delivery, &statuses)).await;
    callback::note_applied(&look, &vec![true; unknown.len()]).await;
}

fn seal(events: &[&[u8]]) -> Result<()> {
    let users = events.iter().filter_map(|event| CloudEvent::parse(event).ok());
    let users: BTreeSet<UserId> = users.map(|event| UserId::new(event.userid)).collect();
    if users.is_empty() {
        return Ok(());
    }
    let users: Vec<UserId> = users.into_iter().collect();
    let store = open_store(&StoreSettings::from_host()?)?;
    go_by_clock_of(&store)?;
    store.seal_of(&users, now(), SEALED)?;
    Ok(())
}

async fn anchors() -> Result<Anchored> {
    let AuditSettings { key, anchor_url } = AuditSettings::from_host()?;
    let store = open_store(&StoreSettings::from_host()?)?;
    go_by_clock_of(&store)?;
    let outside = Outside { url: anchor_url.as_deref() };
    let anchored = anchor_due(&store, key_of(&key).as_ref(), &outside, &now).await?;
    for failure in &anchored.failures {
        log::error("not anchored", failure);
    }
    Ok(anchored)
}

/// Answers a request: by its head where that is enough.
async fn carried_out(
    incoming: IncomingRequest,
    head: Head,
    opened: &Opened,
    used: &OnceCell<(UserId, TokenId)>,
) -> Result<Response, Problem> {
    let accepting = Accepting::from_host(&head.headers).map_err(misconfigured)?;
    let admitted = admit(&head, &accepting.accepted(), || opened.open(), now()).await?;
    if let Some(token) = admitted.used() {
        used.get_or_init(|| token);
    }
    go_by_clock_of(opened.open()?)?;
    let body = match admitted.takes_body() {
        true => {
            opened.let_go();
            read_body(incoming, admitted.limit()).await?
        }
        false => Vec::new(),
    };
    let settings = AuditSettings::from_host().map_err(misconfigured)?;
    let LimitSettings { reads, redis_url, .. } = LimitSettings::from_host().map_err(misconfigured)?;
    let counter = redis_url.map(RedisCounter::new);
    let key = key_of(&settings.key);
    let service = Service {
        store: opened.open()?,
        key: key.as_ref(),
        limits: Limits { reads, server: counter.as_ref().map(|counter| counter as &dyn RateServer) },
        now: now(),
    };
    admitted.carry_out(&service, &Request::from_parts(head, body))
}

fn key_of(key: &str) -> Option<Key> {
    (!key.is_empty()).then(|| Key::new(key))
}

fn misconfigured(error: SettingError) -> Problem {
    Problem::misconfigured(error.to_string())
}
