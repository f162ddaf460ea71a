//! The entry point: an HTTP request in, an answer out, and then the events that the request caused.

use std::cell::{LazyCell, OnceCell};

use perennial_api::{Answered, Hosted, Used, admit, finish, publish, template};
use perennial_domain::Ids;
use perennial_guest::{
    Accepting, FreshIds, Opened, SettingError, go_by_clock_of, log, now, read_body, read_head, respond, told,
};
use perennial_http_api::{Head, Problem, Request, correlation_id, traceparent};
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
    let (opened, used) = (Opened::default(), OnceCell::new());
    let answered = answer(incoming, head, &request_id, &opened, &used)
        .await
        .map_err(|problem| told(problem, ("task-api", route), || LazyCell::force(&request_id).clone()));
    let Answered { response, wrote } = finish(&method, answered);
    opened.let_go();
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
    opened: &Opened,
    used: &OnceCell<Used>,
) -> Result<Answered, Problem> {
    let accepting = Accepting::from_host(&head.headers).map_err(misconfigured)?;
    let admitted = admit(&head, &accepting.accepted(), || opened.open(), now()).await?;
    if let Some(token) = admitted.used() {
        used.get_or_init(|| token);
    }
    let body = match admitted.takes_body() {
        true => {
            opened.let_go();
            read_body(incoming, admitted.limit()).await?
        }
        false => Vec::new(),
    };
    let request = Request::from_parts(head, body);
    if let Some(answered) = admitted.without_store(&request) {
        return answered;
    }
    let hosted = Hosted::from_host().map_err(misconfigured)?;
    let store = opened.open()?;
    go_by_clock_of(store)?;
    let mut ids = FreshIds::default();
    let mut api = hosted.api(store, &mut ids, LazyCell::force(request_id).clone());
    admitted.carry_out(&mut api, &request)
}

fn misconfigured(error: SettingError) -> Problem {
    Problem::misconfigured(error.to_string())
}
