//! The entry point: an HTTP request in, an answer out, and then the events that the request caused.

use std::cell::{LazyCell, OnceCell};

use http::StatusCode;
use perennial_api::{Answered, Api, Limits, Used, Written, admit, finish, template};
use perennial_domain::Ids;
use perennial_events::relay_commit;
use perennial_guest::{
    AuthSettings, BusSettings, CallbackSettings, FreshIds, GuestStore, HttpKeys, JwtSettings, LimitSettings,
    RedisCounter, SettingError, Settings, StoreSettings, WebhookSettings, go_by_clock_of, let_go, log, now,
    open_bus, open_store, read_body, read_head, respond, tell_hot_users,
};
use perennial_http_api::{
    Accepted, Head, Problem, RateServer, Request, correlation_id, may_be_jwt, traceparent,
};
use perennial_store::StoreError;
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;

#[http_component]
async fn serve(incoming: IncomingRequest, out: ResponseOutparam) {
    let head = match read_head(&incoming) {
        Ok(head) => head,
        Err(problem) => return respond(out, problem.into()).await,
    };
    let (method, route) = (head.method.clone(), template(&head));
    let trace = traceparent(&head.headers);
    let request_id =
        LazyCell::new(move || correlation_id(trace.as_deref(), || FreshIds::default().next().to_string()));
    let (opened, used) = (OnceCell::new(), OnceCell::new());
    let answered = answer(incoming, head, &request_id, &opened, &used).await.map_err(|problem| {
        // The one place where a failure within a request is logged.
        match problem.cause() {
            // The bearer is told no more than that the token is not valid.
            Some(cause) if problem.status() == StatusCode::UNAUTHORIZED => {
                log::warn("a request was refused", &cause);
                return problem;
            }
            Some(cause) => log::request_failed("task-api", route, &request_id, cause),
            None => return problem,
        }
        problem.of_request(&request_id)
    });
    let Answered { response, wrote } = finish(&method, answered);
    // A client may take its time with its request, and with its answer: no other is to wait for that.
    opened.get().into_iter().for_each(let_go);
    respond(out, response).await;

    // The client has its answer. Whatever fails from here on is made up for by the next sweep.
    if let (Some(written), Some(store)) = (wrote, opened.get())
        && let Err(error) = publish(store, &written).await
    {
        log::warn("events wait for the next sweep", &format!("{error:#}"));
    }
    if let (Some(used), Some(store)) = (used.get(), opened.get())
        && let Err(error) = used.note(store, now())
    {
        log::warn("it is not noted that a token was used", &error.to_string());
    }
}

/// Answers a request: by its head where that is enough, and without the store where that can be.
async fn answer(
    incoming: IncomingRequest,
    head: Head,
    request_id: &LazyCell<String, impl FnOnce() -> String>,
    opened: &OnceCell<GuestStore>,
    used: &OnceCell<Used>,
) -> Result<Answered, Problem> {
    let auth = AuthSettings::from_host().map_err(misconfigured)?;
    let jwt = may_be_jwt(&head.headers).then(JwtSettings::from_host).transpose().map_err(misconfigured)?;
    let accepted = Accepted {
        bootstrap_token: &auth.bootstrap_token,
        issuer: jwt.as_ref().and_then(|jwt| jwt.issuer.as_ref()),
        key_server: HttpKeys,
    };
    let admitted = admit(&head, &accepted, || open(opened), now()).await?;
    if let Some(token) = admitted.used() {
        used.get_or_init(|| token);
    }
    let body = match admitted.takes_body() {
        true => {
            opened.get().into_iter().for_each(let_go);
            read_body(incoming, admitted.limit()).await?
        }
        false => Vec::new(),
    };
    let request = Request::from_parts(head, body);
    if let Some(answered) = admitted.without_store(&request) {
        return answered;
    }
    let webhooks = WebhookSettings::from_host().map_err(misconfigured)?.policy;
    let LimitSettings { tasks, reads, writes, redis_url } =
        LimitSettings::from_host().map_err(misconfigured)?;
    let counter = redis_url.map(RedisCounter::new);
    let server = counter.as_ref().map(|counter| counter as &dyn RateServer);
    let store = open(opened)?;
    go_by_clock_of(store)?;
    let mut ids = FreshIds::default();
    let mut api = Api {
        store,
        webhooks: &webhooks,
        limits: Limits { tasks, reads, writes, server },
        now: now(),
        ids: &mut ids,
        correlation_id: LazyCell::force(request_id).clone(),
        dry_run: false,
    };
    admitted.carry_out(&mut api, &request)
}

/// The store, opened at the first call.
fn open(opened: &OnceCell<GuestStore>) -> Result<&GuestStore, StoreError> {
    if let Some(store) = opened.get() {
        return Ok(store);
    }
    let settings = StoreSettings::from_host().map_err(|error| StoreError::Database(error.to_string()))?;
    let store = open_store(&settings)?;
    Ok(opened.get_or_init(|| store))
}

fn misconfigured(error: SettingError) -> Problem {
    Problem::misconfigured(error.to_string())
}

async fn publish(store: &GuestStore, written: &Written) -> anyhow::Result<()> {
    let callbacks = CallbackSettings::from_host()?;
    let Some(bus) = open_bus(&BusSettings::from_host()?, Some(&callbacks))? else { return Ok(()) };
    // Whoever had the lease may have left the stream to the next: a clock that planned for it relays when its sweep is over.
    if written.own.is_some() || bus.local().is_none() {
        tell_hot_users(store);
        relay_commit(store, &bus, &written.commit, written.own.as_ref(), &now).await?;
    }
    // Without a clock trigger, each write also runs one slice of the clock's work.
    if let Some(local) = bus.local() {
        local.post("/internal/sweep", Vec::new()).await?;
    }
    Ok(())
}
