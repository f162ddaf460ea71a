//! The entry points: an event over HTTP or Redis, and the clock.

use anyhow::Result;
use http::StatusCode;
use perennial_events::{LocalBus, relay_all, replay_letters};
use perennial_guest::callback::{admit, failed, publish};
use perennial_guest::{
    BusSettings, CallbackSettings, FreshIds, GuestStore, MetricsSettings, RetentionSettings, Settings,
    StoreSettings, log, now, open_bus, open_store, read_head, respond,
};
use perennial_http_api::{Problem, Response, answer, no_content};
use perennial_store::MetricsStore;
use serde::Serialize;
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::{http_component, redis_component};

use crate::{Swept, Taken, metrics, sweep_fresh, take, take_given_up};

/// Streams relayed in one sweep.
const STREAMS: u32 = 50;

/// The clock's address, the one for events, and the ones for what a broker has given up, each of its topic.
const PATHS: [&str; 3] =
    ["/internal/sweep", "/internal/events/recurrence-scheduler", "/events/dead-letters/..."];

#[http_component]
async fn serve(request: IncomingRequest, out: ResponseOutparam) {
    let path = request.path_with_query().unwrap_or_default();
    if path.split('?').next() == Some(metrics::PATH) {
        return respond(out, told_metrics(&request).unwrap_or_else(Response::from)).await;
    }
    let (callbacks, request) = match admit(request, &PATHS).await {
        Ok(admitted) => admitted,
        Err(problem) => return respond(out, problem.into()).await,
    };
    let store = match open() {
        Ok(store) => store,
        Err(error) => return respond(out, failed(&format!("{error:#}"))).await,
    };
    if request.uri().path() == "/internal/sweep" {
        let ticked = tick(&store, Some(&callbacks)).await;
        let anchors = ticked.as_ref().is_ok_and(|ticked| ticked.swept.anchors);
        let answer = ticked.map(|ticked| answer(StatusCode::OK, &ticked));
        respond(out, answer.unwrap_or_else(|error| failed(&format!("{error:#}")))).await;
        // Where this route is the clock, it is that of the notifier and of the audit too.
        let others = LocalBus::new(callbacks.token.as_str());
        if let Err(error) = others.post("/internal/deliver", Vec::new()).await {
            log::warn("the notifier was not woken", &error);
        }
        if anchors && let Err(error) = others.post("/internal/audit", Vec::new()).await {
            log::warn("the audit was not woken", &error);
        }
        return;
    }
    let topic = request.uri().path().strip_prefix("/events/dead-letters/");
    let taken = match topic {
        Some(topic) => take_given_up(&store, topic, &[request.body()], now()),
        None => take(&store, &[request.body()], now(), &mut FreshIds),
    };
    note(&taken);
    let done = taken.done.iter().all(|done| *done);
    let comes_again = || failed(&"a message is to come again");
    respond(out, if done { no_content() } else { comes_again() }).await;
    tell(&store, Some(&callbacks), &taken).await;
}

#[redis_component]
async fn on_message(message: Vec<u8>) -> Result<()> {
    let store = open()?;
    let taken = take(&store, &[&message], now(), &mut FreshIds);
    note(&taken);
    tell(&store, None, &taken).await;
    Ok(())
}

/// The metrics, to who has their token.
fn told_metrics(request: &IncomingRequest) -> Result<Response, Problem> {
    let head = read_head(request)?;
    let settings = MetricsSettings::from_host().map_err(|error| Problem::misconfigured(error.to_string()))?;
    metrics::admit(&head, &settings.token)?;
    let look = || -> Result<_> { Ok(open()?.metrics(now())?) };
    let found = look().map_err(|error| {
        log::error("the metrics were not read", &format!("{error:#}"));
        Problem::unavailable("the store did not answer")
    })?;
    Ok(metrics::answer(&head.method, &found, now()))
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
            spin_sdk::http::run(async {
                let store = super::open()?;
                super::tick(&store, None).await.map(|_| ())
            })
            .map_err(|error: anyhow::Error| Error::Other(format!("{error:#}")))
        }
    }

    export!(Clock);
}

/// Tells the log what was not applied.
fn note(taken: &Taken) {
    for given_up in &taken.given_up {
        log::error("an event was given up", given_up);
    }
    for failure in &taken.failures {
        log::error("an event waits for the next sweep", failure);
    }
}

/// Publishes what events led to.
async fn tell(store: &GuestStore, callbacks: Option<&CallbackSettings>, taken: &Taken) {
    for (commit, own) in &taken.written {
        if let Some(own) = own {
            publish(store, callbacks, commit, own).await;
        }
    }
}

/// What one slice of the clock's work came to.
#[derive(Serialize)]
struct Ticked {
    #[serde(flatten)]
    swept: Swept,
    relayed: u32,
    /// Dead letters sent again.
    replayed: u32,
}

/// One slice of the clock's work. Relaying comes before what may bring us down.
async fn tick(store: &GuestStore, callbacks: Option<&CallbackSettings>) -> Result<Ticked> {
    store.keep_events(RetentionSettings::from_host()?.events);
    let (mut swept, unfinished) = sweep_fresh(store, None, &now, &mut FreshIds)?;
    let mut relayed = if swept.relay { relay(store, callbacks).await? } else { 0 };
    if !unfinished.is_empty() {
        swept.relay = false;
        unfinished.sweep(store, &now, &mut FreshIds, &mut swept)?;
        if swept.relay {
            relayed = relayed.saturating_add(relay(store, callbacks).await?);
        }
    }
    let replayed = if swept.letters { replay(store, callbacks).await? } else { 0 };
    for failure in &swept.failures {
        log::error("not done", failure);
    }
    Ok(Ticked { swept, relayed, replayed })
}

/// Sends dead letters again that are to be; gives their number.
async fn replay(store: &GuestStore, callbacks: Option<&CallbackSettings>) -> Result<u32> {
    let Some(bus) = open_bus(&BusSettings::from_host()?, callbacks)? else { return Ok(0) };
    let resent = replay_letters(store, &bus, &now).await?;
    for failure in &resent.failures {
        log::warn("a dead letter was not sent again", failure);
    }
    Ok(resent.sent)
}

/// Publishes what waits; gives the number of events. Where the bus is out of reach, that is left to the HTTP component.
async fn relay(store: &GuestStore, callbacks: Option<&CallbackSettings>) -> Result<u32> {
    let Some(bus) = open_bus(&BusSettings::from_host()?, callbacks)? else { return Ok(0) };
    let round = relay_all(store, &bus, STREAMS, &now).await?;
    for failure in &round.failures {
        log::warn("events wait", failure);
    }
    Ok(round.published)
}

fn open() -> Result<GuestStore> {
    Ok(open_store(&StoreSettings::from_host()?)?)
}
