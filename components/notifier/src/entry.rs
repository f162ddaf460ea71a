//! The entry points: an event over HTTP or Redis, and the clock. Each only says that something may be due.

use anyhow::Result;
use perennial_events::relay_all;
use perennial_guest::callback::{admit, delivered, delivery, failed, first_look, note_applied};
use perennial_guest::{
    BusSettings, CallbackSettings, FreshIds, GuestStore, Settings, StoreSettings, WebhookSettings,
    go_by_clock_of, log, now, open_bus, open_store, respond, tell_hot_users,
};
use perennial_http_api::{Request, Response, no_content};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::{http_component, redis_component};

use crate::http_out::HttpSender;
use crate::{Delivered, deliver};

/// For how long a round that an event or a request has begun claims what comes due, in milliseconds. A host lets a guest go on
/// for a minute after its answer, and an attempt takes a quarter of one.
const BRIEFLY: i64 = 30_000;

/// The same for the clock, whose rounds may last for minutes: the least, and what is added by the second it begins in. Those that
/// begin one after the other then end at different times, and one of them claims while others wait for their last attempts.
const BY_THE_CLOCK: (i64, i64) = (60_000, 40_000);

/// Clocks that run at once.
const CLOCKS: i64 = 4;

/// Streams relayed after a round.
const STREAMS: u32 = 50;

/// The addresses of the HTTP entry point.
const PATHS: [&str; 2] = ["/internal/deliver", "/events/notifier/..."];

/// What it hears. An event only says that something may be due: one round is for all that a delivery brings.
const REMINDERS: &str = "/events/notifier/reminders";

#[http_component]
async fn serve(request: IncomingRequest, out: ResponseOutparam) {
    let (callbacks, request) = match admit(request, &PATHS).await {
        Ok(admitted) => admitted,
        Err(problem) => return respond(out, problem.into()).await,
    };
    match request.uri().path() {
        "/internal/deliver" => {
            answer_and_deliver(&callbacks, no_content(), out).await;
        }
        REMINDERS => hear(&callbacks, &request, out).await,
        path => respond(out, failed(&format!("nobody hears at {path}"))).await,
    }
}

/// A round for all that a delivery brings, if it brings anything that is not known to have had its round.
async fn hear(callbacks: &CallbackSettings, request: &Request, out: ResponseOutparam) {
    let delivery = delivery(request);
    let look = first_look(REMINDERS, &delivery).await;
    let answer = delivered(&delivery, &delivery.taken_for_hints());
    let unknown = look.unknown().len();
    if unknown == 0 {
        respond(out, answer).await;
    } else if answer_and_deliver(callbacks, answer, out).await {
        note_applied(&look, &vec![true; unknown]).await;
    }
}

/// Answers, and goes on with a round; whether it came to its end. The caller only says that something may be due. It need not wait for
/// any receiver: what fails here waits in the store.
async fn answer_and_deliver(callbacks: &CallbackSettings, answer: Response, out: ResponseOutparam) -> bool {
    let store = match open() {
        Ok(store) => store,
        Err(error) => {
            respond(out, failed(&format!("{error:#}"))).await;
            return false;
        }
    };
    respond(out, answer).await;
    match round(&store, BRIEFLY).await {
        Ok(delivered) => {
            publish(&store, Some(callbacks), &delivered).await;
            true
        }
        Err(error) => {
            log::warn("notifications wait for the next round", &format!("{error:#}"));
            false
        }
    }
}

#[redis_component]
async fn on_message(_: Vec<u8>) -> Result<()> {
    wake(BRIEFLY).await
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
            spin_sdk::http::run(super::wake(super::by_the_clock()))
                .map_err(|error| Error::Other(format!("{error:#}")))
        }
    }

    export!(Clock);
}

/// How long this round of the clock claims.
fn by_the_clock() -> i64 {
    let (least, step) = BY_THE_CLOCK;
    let turn = now().as_millis().div_euclid(1_000).rem_euclid(CLOCKS);
    least.saturating_add(step.saturating_mul(turn))
}

async fn wake(claiming: i64) -> Result<()> {
    let store = open()?;
    let delivered = round(&store, claiming).await?;
    publish(&store, None, &delivered).await;
    Ok(())
}

fn open() -> Result<GuestStore> {
    let store = open_store(&StoreSettings::from_host()?)?;
    go_by_clock_of(&store)?;
    Ok(store)
}

async fn round(store: &GuestStore, claiming: i64) -> Result<Delivered> {
    let policy = WebhookSettings::from_host()?.policy;
    let delivered = deliver(store, &HttpSender, &policy, (&now, claiming), &mut FreshIds::default()).await?;
    for failure in &delivered.failures {
        log::error("left for the next round", failure);
    }
    Ok(delivered)
}

/// Publishes what became of the attempts. What fails here waits for the scheduler's next sweep.
async fn publish(store: &GuestStore, callbacks: Option<&CallbackSettings>, delivered: &Delivered) {
    if delivered.relay
        && let Err(error) = try_publish(store, callbacks).await
    {
        log::warn("events wait for the next sweep", &format!("{error:#}"));
    }
}

async fn try_publish(store: &GuestStore, callbacks: Option<&CallbackSettings>) -> Result<()> {
    if let Some(bus) = open_bus(&BusSettings::from_host()?, callbacks)? {
        tell_hot_users(store);
        for failure in relay_all(store, &bus, STREAMS, &now).await?.failures {
            log::warn("events wait", &failure);
        }
    }
    Ok(())
}
