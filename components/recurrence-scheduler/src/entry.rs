//! The entry points: an event over HTTP or Redis, and the clock.

use std::cell::Cell;

use anyhow::Result;
use http::StatusCode;
use perennial_domain::Timestamp;
use perennial_events::{LocalBus, Status, relay_shard, replay_letters};
use perennial_guest::callback::{admit, delivered, delivery, failed, first_look, note_applied, publish};
use perennial_guest::{
    BusSettings, CallbackSettings, FreshIds, GuestStore, MetricsSettings, RetentionSettings, Settings,
    SidecarSettings, StoreSettings, go_by_clock_of, log, now, open_bus, open_sidecar, open_store, read_head,
    respond, tell_hot_users,
};
use perennial_http_api::{Problem, Request, Response, answer, no_content};
use perennial_store::{MetricsStore, Shard};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::{http_component, redis_component};

use crate::{Job, Outlet, Taken, Ticked, comes_to_nothing, metrics, take, take_given_up, tick};

/// Streams relayed in one sweep.
const STREAMS: u32 = 50;

/// The addresses: the clock's, the one that has a sidecar be the clock, and those that a sidecar calls.
const PATHS: [&str; 4] = ["/internal/sweep", "/internal/clock", "/job/...", "/events/..."];

/// What it hears.
const EVENTS: &str = "/events/recurrence-scheduler/task-events";

/// Where a sidecar passes the turns of others on to, which are applications of their own beside sidecars.
const NOTIFIER: &str = "/v1.0/invoke/notifier/method/internal/deliver";
const AUDIT: &str = "/v1.0/invoke/audit/method/internal/audit";

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
    if request.uri().path() == EVENTS {
        return hear(&callbacks, &request, out).await;
    }
    let store = match open() {
        Ok(store) => store,
        Err(error) => return respond(out, failed(&format!("{error:#}"))).await,
    };
    match request.uri().path() {
        "/internal/sweep" => {
            let (response, anchors) = ticked(work(None, &Bus::new(&store, Some(&callbacks))).await);
            respond(out, response).await;
            // Where this route is the clock, it is that of the notifier and of the audit too.
            let others = LocalBus::new(callbacks.token.as_str());
            if let Err(error) = others.post("/internal/deliver", Vec::new()).await {
                log::warn("the notifier was not woken", &error);
            }
            if anchors && let Err(error) = others.post("/internal/audit", Vec::new()).await {
                log::warn("the audit was not woken", &error);
            }
        }
        "/internal/clock" => respond(out, told(begin_clock().await.map(|()| no_content()))).await,
        path => {
            if let Some(name) = path.strip_prefix("/job/") {
                job(&store, &callbacks, name, out).await;
            } else if let Some(topic) = path.strip_prefix("/events/dead-letters/") {
                keep(&store, topic, (&request, out)).await;
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

/// Applies the events of a delivery, each by itself, then publishes what they led to. The database is asked about none that a first look
/// knows.
async fn hear(callbacks: &CallbackSettings, request: &Request, out: ResponseOutparam) {
    let delivery = delivery(request);
    let look = first_look(EVENTS, &delivery).await;
    let unknown = look.unknown();
    if unknown.iter().all(|message| comes_to_nothing(message)) {
        let statuses = vec![Status::Success; delivery.events().count()];
        return respond(out, delivered(&delivery, &statuses)).await;
    }
    let store = match open() {
        Ok(store) => store,
        Err(error) => return respond(out, failed(&format!("{error:#}"))).await,
    };
    let taken = take(&store, &unknown, now(), &mut FreshIds::default());
    note(&taken);
    let statuses = look.of_each(Status::Success, statuses(&taken));
    respond(out, delivered(&delivery, &statuses)).await;
    tell(&store, Some(callbacks), &taken).await;
    note_applied(&look, &taken.applied).await;
}

/// Keeps what a broker has given up to deliver on a topic.
async fn keep(store: &GuestStore, topic: &str, (request, out): (&Request, ResponseOutparam)) {
    let delivery = delivery(request);
    let events: Vec<&[u8]> = delivery.events().collect();
    let taken = take_given_up(store, topic, &events, now());
    note(&taken);
    respond(out, delivered(&delivery, &statuses(&taken))).await;
}

fn statuses(taken: &Taken) -> Vec<Status> {
    let status = |done: &bool| if *done { Status::Success } else { Status::Retry };
    taken.done.iter().map(status).collect()
}

/// A job of the clock: it is answered once its sweep is done, since its next call waits for that, and a bus that hangs stops no clock. A
/// sidecar that is told 404 takes a job for done with: what is no job of ours has failed.
async fn job(store: &GuestStore, callbacks: &CallbackSettings, name: &str, out: ResponseOutparam) {
    let Some(job) = Job::parse(name) else {
        return respond(out, failed(&format!("there is no job {name:?}"))).await;
    };
    let bus = Bus { asked: Cell::new(Some(out)), ..Bus::new(store, Some(callbacks)) };
    let (response, anchors) = ticked(work(Some(job.shard()), &bus).await);
    if let Some(out) = bus.asked.take() {
        respond(out, response).await;
    }
    // One of the ticks is that of the notifier and of the audit too.
    if matches!(job, Job::Tick(shard) if shard.number() == 0) {
        if let Err(error) = wake(NOTIFIER).await {
            log::warn("the notifier was not woken", &format!("{error:#}"));
        }
        if anchors && let Err(error) = wake(AUDIT).await {
            log::warn("the audit was not woken", &format!("{error:#}"));
        }
    }
}

async fn wake(other: &str) -> Result<()> {
    let sidecar = open_sidecar(&SidecarSettings::from_host()?);
    sidecar.tell(other, Vec::new()).await.map_err(anyhow::Error::msg)
}

/// Has the sidecar call every second, once for each shard. Said twice, it is said once.
async fn begin_clock() -> Result<()> {
    let sidecar = open_sidecar(&SidecarSettings::from_host()?);
    for shard in Shard::all() {
        let job = Job::Tick(shard);
        sidecar.tell(&job.address(), Job::each_second()).await.map_err(anyhow::Error::msg)?;
    }
    Ok(())
}

#[redis_component]
async fn on_message(message: Vec<u8>) -> Result<()> {
    let store = open()?;
    let taken = take(&store, &[&message], now(), &mut FreshIds::default());
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
                let ticked = super::work(None, &super::Bus::new(&store, None)).await?;
                let failed = ticked.and_then(|ticked| ticked.failed);
                failed.map_or(Ok(()), |error| Err(anyhow::Error::msg(error)))
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
        publish(store, callbacks, commit, own.as_ref()).await;
    }
}

/// Where events go: the bus, unless it is out of reach, so that they are left to the HTTP component.
struct Bus<'a> {
    store: &'a GuestStore,
    callbacks: Option<&'a CallbackSettings>,
    /// Who is answered as soon as the sweep is done.
    asked: Cell<Option<ResponseOutparam>>,
}

impl<'a> Bus<'a> {
    fn new(store: &'a GuestStore, callbacks: Option<&'a CallbackSettings>) -> Self {
        Self { store, callbacks, asked: Cell::new(None) }
    }

    async fn relay(&self, shard: Option<Shard>) -> Result<u32> {
        let Some(bus) = open_bus(&BusSettings::from_host()?, self.callbacks)? else { return Ok(0) };
        tell_hot_users(self.store);
        let round = relay_shard(self.store, &bus, (STREAMS, shard), &now).await?;
        for failure in &round.failures {
            log::warn("events wait", failure);
        }
        Ok(round.published)
    }

    async fn replay(&self) -> Result<u32> {
        let Some(bus) = open_bus(&BusSettings::from_host()?, self.callbacks)? else { return Ok(0) };
        let resent = replay_letters(self.store, &bus, &now).await?;
        for failure in &resent.failures {
            log::warn("a dead letter was not sent again", failure);
        }
        Ok(resent.sent)
    }
}

impl Outlet for Bus<'_> {
    async fn swept(&self) {
        if let Some(out) = self.asked.take() {
            respond(out, no_content()).await;
        }
    }

    async fn relay(&self, shard: Option<Shard>) -> Result<u32, String> {
        self.relay(shard).await.map_err(|error| format!("{error:#}"))
    }

    async fn wake(&self, shard: Shard, at: Timestamp) -> Result<(), String> {
        let settings = SidecarSettings::from_host().map_err(|error| error.to_string())?;
        open_sidecar(&settings).tell(&Job::Due(shard).address(), Job::once(at)).await
    }

    async fn replay(&self) -> Result<u32, String> {
        self.replay().await.map_err(|error| format!("{error:#}"))
    }
}

/// One slice of the clock's work, of all shards or of one; `None`: another is at it.
async fn work(shard: Option<Shard>, bus: &Bus<'_>) -> Result<Option<Ticked>> {
    let kept = RetentionSettings::from_host()?;
    bus.store.keep_events(kept.events);
    bus.store.keep_conversations(kept.conversations);
    let ticked = tick(bus.store, shard, &now, &mut FreshIds::default(), bus).await?;
    for failure in ticked.iter().flat_map(|ticked| &ticked.swept.failures) {
        log::error("not done", failure);
    }
    Ok(ticked)
}

/// What a tick is answered, and whether chains are to be anchored: they are, whatever else has failed.
fn ticked(done: Result<Option<Ticked>>) -> (Response, bool) {
    let Ok(Some(ticked)) = done else { return (told(done.map(|_| no_content())), false) };
    let anchors = ticked.swept.anchors;
    match &ticked.failed {
        Some(error) => (failed(error), anchors),
        None => (answer(StatusCode::OK, &ticked), anchors),
    }
}

fn open() -> Result<GuestStore> {
    let store = open_store(&StoreSettings::from_host()?)?;
    go_by_clock_of(&store)?;
    Ok(store)
}
