//! The entry points: an event over HTTP or Redis, and the clock.

use anyhow::{Context as _, Result};
use http::StatusCode;
use perennial_events::{CloudEvent, LocalBus, relay_all};
use perennial_guest::callback::{admit, failed, publish};
use perennial_guest::{
    BusSettings, CallbackSettings, FreshIds, GuestStore, RetentionSettings, Settings, StoreSettings, log,
    now, open_bus, open_store, respond,
};
use perennial_http_api::{answer, no_content};
use serde::Serialize;
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::{http_component, redis_component};

use crate::{HandleError, Handled, Swept, fill_gaps, handle_event, sweep_fresh};

/// Streams relayed in one sweep.
const STREAMS: u32 = 50;

/// The clock's address, and the one for events.
const PATHS: [&str; 2] = ["/internal/sweep", "/internal/events/recurrence-scheduler"];

#[http_component]
async fn serve(request: IncomingRequest, out: ResponseOutparam) {
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
    match take(&store, request.body()) {
        Ok(handled) => {
            respond(out, no_content()).await;
            tell(&store, Some(&callbacks), &handled).await;
        }
        Err(error) => respond(out, failed(&format!("{error:#}"))).await,
    }
}

#[redis_component]
async fn on_message(message: Vec<u8>) -> Result<()> {
    let store = open()?;
    let handled = take(&store, &message)?;
    tell(&store, None, &handled).await;
    Ok(())
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

/// Applies an event. One that can never be applied is logged and done with: whoever sent it need not send it again.
fn take(store: &GuestStore, message: &[u8]) -> Result<Vec<Handled>> {
    let event = match CloudEvent::parse(message) {
        Ok(event) => event,
        Err(error) => {
            log::error("a message was given up", &error);
            return Ok(Vec::new());
        }
    };
    let mut handled = match handle_event(store, &event, now(), &mut FreshIds) {
        Ok(handled) => vec![handled],
        Err(HandleError::Store(error)) => return Err(error).context("an event waits for the next sweep"),
        Err(error) => {
            log::error("an event was given up", &error);
            Vec::new()
        }
    };
    match fill_gaps(store, &event, now(), &mut FreshIds) {
        Ok(filled) => handled.extend(filled),
        // Its own effect is written; what else is owed waits for the next event or sweep.
        Err(error) => log::warn("what is owed beside an event waits", &error),
    }
    Ok(handled)
}

/// Publishes what an event led to.
async fn tell(store: &GuestStore, callbacks: Option<&CallbackSettings>, handled: &[Handled]) {
    for handled in handled {
        if let Handled::Now(commit, Some(own)) = handled {
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
    for failure in &swept.failures {
        log::error("not done", failure);
    }
    Ok(Ticked { swept, relayed })
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
