//! The entry points: an event over HTTP or Redis, and the clock. Each only says that something may be due.

use anyhow::Result;
use http::StatusCode;
use perennial_guest::callback::{admit, failed, relay};
use perennial_guest::{FreshIds, GuestStore, Settings, log, now, open_store, respond};
use perennial_http_api::{Problem, answer};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::{http_component, redis_component};

use crate::http_out::HttpSender;
use crate::{Delivered, deliver};

#[http_component]
async fn serve(request: IncomingRequest, out: ResponseOutparam) {
    let settings = match admit(request).await {
        Ok((settings, _)) => settings,
        Err(problem) => return respond(out, problem.into()).await,
    };
    let store = match open_store(&settings) {
        Ok(store) => store,
        Err(error) => return respond(out, Problem::from(error).into()).await,
    };
    match round(&store, &settings).await {
        Ok(delivered) => {
            respond(out, answer(StatusCode::OK, &delivered)).await;
            publish(&store, &settings, &delivered).await;
        }
        Err(error) => respond(out, failed(&format!("{error:#}"))).await,
    }
}

#[redis_component]
async fn on_message(_: Vec<u8>) -> Result<()> {
    wake().await
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
            spin_sdk::http::run(super::wake()).map_err(|error| Error::Other(format!("{error:#}")))
        }
    }

    export!(Clock);
}

async fn wake() -> Result<()> {
    let settings = Settings::from_host()?;
    let store = open_store(&settings)?;
    let delivered = round(&store, &settings).await?;
    publish(&store, &settings, &delivered).await;
    Ok(())
}

async fn round(store: &GuestStore, settings: &Settings) -> Result<Delivered> {
    let delivered = deliver(store, &HttpSender, &settings.webhooks, &now, &mut FreshIds).await?;
    for failure in &delivered.failures {
        log::error("left for the next round", failure);
    }
    Ok(delivered)
}

async fn publish(store: &GuestStore, settings: &Settings, delivered: &Delivered) {
    for user in &delivered.users {
        relay(store, settings, &user.stream()).await;
    }
}
