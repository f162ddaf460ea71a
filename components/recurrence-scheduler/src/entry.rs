//! The entry points: an event over HTTP or Redis, and the clock.

use anyhow::{Context as _, Result};
use http::StatusCode;
use perennial_events::{CloudEvent, LocalBus, Status, relay_all};
use perennial_guest::callback::{admit, delivered, delivery, failed, publish};
use perennial_guest::{
    BusSettings, CallbackSettings, DaprSettings, FreshIds, GuestStore, Settings, StoreSettings, log, now,
    open_bus, open_sidecar, open_store, respond,
};
use perennial_http_api::{Request, Response, answer, no_content};
use serde::Serialize;
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::{http_component, redis_component};

use crate::{HandleError, Handled, Job, SHARDS, Swept, handle_event, sweep_shard};

/// Streams relayed in one sweep.
const STREAMS: u32 = 50;

/// The addresses: the clock's, the one that has a sidecar be the clock, and those that a sidecar calls.
const PATHS: [&str; 4] = ["/internal/sweep", "/internal/clock", "/job/...", "/events/..."];

/// Where a sidecar passes the notifier's turn on to.
const NOTIFIER: &str = "/v1.0/invoke/notifier/method/internal/deliver";

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
    match request.uri().path() {
        "/internal/sweep" => {
            let ticked = tick(&store, 0, Some(&callbacks)).await;
            respond(out, told(ticked.map(|ticked| answer(StatusCode::OK, &ticked)))).await;
            // Where this route is the clock, it is the notifier's clock too.
            let notifier = LocalBus::new(callbacks.token.as_str());
            if let Err(error) = notifier.post("/internal/deliver", Vec::new()).await {
                log::warn("the notifier was not woken", &error);
            }
        }
        "/internal/clock" => respond(out, told(begin_clock().await.map(|()| no_content()))).await,
        "/events/recurrence-scheduler/task-events" => hear(&store, &callbacks, &request, out).await,
        path => {
            if let Some(name) = path.strip_prefix("/job/") {
                job(&store, &callbacks, name, out).await;
            } else if let Some(topic) = path.strip_prefix("/events/dead-letters/") {
                respond(out, keep_dead_letters(topic, &request)).await;
            } else {
                respond(out, failed(&format!("nobody hears at {path}"))).await;
            }
        }
    }
}

/// The answer, or that of a callback that failed.
fn told(done: Result<Response>) -> Response {
    done.unwrap_or_else(|error| failed(&format!("{error:#}")))
}

/// Applies the events of a delivery, each by itself, then publishes what they led to.
async fn hear(store: &GuestStore, callbacks: &CallbackSettings, request: &Request, out: ResponseOutparam) {
    let delivery = delivery(request);
    let (mut handled, mut statuses) = (Vec::new(), Vec::new());
    for event in delivery.events() {
        statuses.push(match take(store, event) {
            Ok(done) => {
                handled.push(done);
                Status::Success
            }
            Err(error) => {
                log::error("an event comes again", &format!("{error:#}"));
                Status::Retry
            }
        });
    }
    respond(out, delivered(&delivery, &statuses)).await;
    for done in &handled {
        tell(store, Some(callbacks), done).await;
    }
}

/// Keeps what a sidecar has given up to deliver. Nobody keeps it yet: it stays on its topic, and comes again.
fn keep_dead_letters(topic: &str, _request: &Request) -> Response {
    failed(&format!("the dead letters of {topic} stay on their topic"))
}

/// A job of the clock. A sidecar that is told 404 takes a job for done with: what is no job of ours has failed.
async fn job(store: &GuestStore, callbacks: &CallbackSettings, name: &str, out: ResponseOutparam) {
    let Some(Job::Tick(shard)) = Job::parse(name) else {
        return respond(out, failed(&format!("there is no job {name:?}"))).await;
    };
    let ticked = tick(store, shard, Some(callbacks)).await;
    respond(out, told(ticked.map(|ticked| answer(StatusCode::OK, &ticked)))).await;
    // One of the ticks is the notifier's too, which is an application of its own beside a sidecar.
    if shard == 0
        && let Err(error) = wake_notifier().await
    {
        log::warn("the notifier was not woken", &format!("{error:#}"));
    }
}

async fn wake_notifier() -> Result<()> {
    let sidecar = open_sidecar(&DaprSettings::from_host()?);
    sidecar.tell(NOTIFIER, Vec::new()).await.map_err(anyhow::Error::msg)
}

/// Has the sidecar call every second, once for each shard. Said twice, it is said once.
async fn begin_clock() -> Result<()> {
    let sidecar = open_sidecar(&DaprSettings::from_host()?);
    for shard in 0..SHARDS {
        let job = Job::Tick(shard);
        sidecar.tell(&job.address(), job.schedule()).await.map_err(anyhow::Error::msg)?;
    }
    Ok(())
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
                super::tick(&store, 0, None).await.map(|_| ())
            })
            .map_err(|error: anyhow::Error| Error::Other(format!("{error:#}")))
        }
    }

    export!(Clock);
}

/// Applies an event. One that can never be applied is logged and done with: whoever sent it need not send it again.
fn take(store: &GuestStore, message: &[u8]) -> Result<Handled> {
    let event = match CloudEvent::parse(message) {
        Ok(event) => event,
        Err(error) => {
            log::error("a message was given up", &error);
            return Ok(Handled::Before);
        }
    };
    match handle_event(store, &event, now(), &mut FreshIds) {
        Ok(handled) => Ok(handled),
        Err(HandleError::Store(error)) => Err(error).context("an event waits for the next sweep"),
        Err(error) => {
            log::error("an event was given up", &error);
            Ok(Handled::Before)
        }
    }
}

/// Publishes what an event led to.
async fn tell(store: &GuestStore, callbacks: Option<&CallbackSettings>, handled: &Handled) {
    if let Handled::Now(commit, own) = handled {
        publish(store, callbacks, commit, own.as_ref()).await;
    }
}

/// What one slice of the clock's work came to.
#[derive(Serialize)]
struct Ticked {
    #[serde(flatten)]
    swept: Swept,
    relayed: u32,
}

/// One slice of the clock's work of a shard. Relaying comes before what may bring us down.
async fn tick(store: &GuestStore, shard: u8, callbacks: Option<&CallbackSettings>) -> Result<Ticked> {
    let (mut swept, unfinished) = sweep_shard(store, shard, &now, &mut FreshIds)?;
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
