//! The entry points: an event over HTTP or Redis, and the clock.

use anyhow::{Context as _, Result};
use http::StatusCode;
use perennial_domain::StreamId;
use perennial_events::{CloudEvent, LocalBus, relay_all};
use perennial_guest::callback::{admit, failed, relay};
use perennial_guest::{FreshIds, GuestStore, Settings, log, now, open_bus, open_store, respond};
use perennial_http_api::{Problem, Response, answer, no_content};
use serde::Serialize;
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::{http_component, redis_component};

use crate::{HandleError, Swept, handle_event, sweep};

/// Streams relayed in one sweep.
const STREAMS: u32 = 50;

#[http_component]
async fn serve(request: IncomingRequest, out: ResponseOutparam) {
    let (settings, request) = match admit(request).await {
        Ok(admitted) => admitted,
        Err(problem) => return respond(out, problem.into()).await,
    };
    let store = match open_store(&settings) {
        Ok(store) => store,
        Err(error) => return respond(out, Problem::from(error).into()).await,
    };
    if request.uri().path() == "/internal/sweep" {
        let answer = tick(&store, &settings).await.map(|ticked| answer(StatusCode::OK, &ticked));
        respond(out, answer.unwrap_or_else(|error| failed(&format!("{error:#}")))).await;
        // Where this route is the clock, it is the notifier's clock too.
        let notifier = LocalBus::new(settings.callback_token.as_str());
        if let Err(error) = notifier.post("/internal/deliver", Vec::new()).await {
            log::warn("the notifier was not woken", &error);
        }
        return;
    }
    match take(&store, request.body()) {
        Ok(stream) => {
            respond(out, no_content()).await;
            relay(&store, &settings, &stream).await;
        }
        Err(error) => respond(out, Response::from(failed(&format!("{error:#}")))).await,
    }
}

#[redis_component]
async fn on_message(message: Vec<u8>) -> Result<()> {
    let settings = Settings::from_host()?;
    let store = open_store(&settings)?;
    let stream = take(&store, &message)?;
    relay(&store, &settings, &stream).await;
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
                let settings = super::Settings::from_host()?;
                let store = super::open_store(&settings)?;
                super::tick(&store, &settings).await.map(|_| ())
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

/// One slice of the clock's work.
async fn tick(store: &GuestStore, settings: &Settings) -> Result<Ticked> {
    let swept = sweep(store, now(), &mut FreshIds)?;
    for failure in &swept.failures {
        log::error("left for the next sweep", failure);
    }
    let relayed = relay_all(store, &open_bus(settings)?, STREAMS, &now).await?;
    Ok(Ticked { swept, relayed })
}
