//! The entry points: an event over HTTP or Redis, and the clock.

use anyhow::{Context as _, Result};
use http::StatusCode;
use perennial_domain::StreamId;
use perennial_events::{CloudEvent, LocalBus, relay_all};
use perennial_guest::callback::{admit, failed, relay};
use perennial_guest::{
    BusSettings, CallbackSettings, FreshIds, GuestStore, Settings, StoreSettings, log, now, open_bus,
    open_store, respond,
};
use perennial_http_api::{answer, no_content};
use serde::Serialize;
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::{http_component, redis_component};

use crate::{HandleError, Swept, handle_event, sweep};

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
        let answer = tick(&store, Some(&callbacks)).await.map(|ticked| answer(StatusCode::OK, &ticked));
        respond(out, answer.unwrap_or_else(|error| failed(&format!("{error:#}")))).await;
        // Where this route is the clock, it is the notifier's clock too.
        let notifier = LocalBus::new(callbacks.token.as_str());
        if let Err(error) = notifier.post("/internal/deliver", Vec::new()).await {
            log::warn("the notifier was not woken", &error);
        }
        return;
    }
    match take(&store, request.body()) {
        Ok(stream) => {
            respond(out, no_content()).await;
            relay(&store, Some(&callbacks), &stream).await;
        }
        Err(error) => respond(out, failed(&format!("{error:#}"))).await,
    }
}

#[redis_component]
async fn on_message(message: Vec<u8>) -> Result<()> {
    let store = open()?;
    let stream = take(&store, &message)?;
    relay(&store, None, &stream).await;
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

/// Applies an event and gives its stream. One that can never be applied is logged and done with.
fn take(store: &GuestStore, message: &[u8]) -> Result<StreamId> {
    let event = CloudEvent::parse(message)?;
    match handle_event(store, &event, now(), &mut FreshIds) {
        Ok(_) => {}
        Err(error @ HandleError::Unusable { .. }) => log::error("an event was given up", &error),
        Err(error) => return Err(error).context("an event waits for the next sweep"),
    }
    Ok(StreamId::new(event.stream))
}

/// What one slice of the clock's work came to.
#[derive(Serialize)]
struct Ticked {
    #[serde(flatten)]
    swept: Swept,
    relayed: u32,
}

/// One slice of the clock's work. Where the bus is out of reach, relaying is left to the HTTP component.
async fn tick(store: &GuestStore, callbacks: Option<&CallbackSettings>) -> Result<Ticked> {
    let swept = sweep(store, now(), &mut FreshIds)?;
    for failure in &swept.failures {
        log::error("left for the next sweep", failure);
    }
    let relayed = match open_bus(&BusSettings::from_host()?, callbacks)? {
        Some(bus) => relay_all(store, &bus, STREAMS, &now).await?,
        None => 0,
    };
    Ok(Ticked { swept, relayed })
}

fn open() -> Result<GuestStore> {
    Ok(open_store(&StoreSettings::from_host()?)?)
}
