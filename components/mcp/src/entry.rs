//! The entry point: a request in, an answer or a stream out, and then the events that the request caused.

use std::time::Instant;

use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST};
use perennial_api::{Hosted, Written, publish};
use perennial_domain::{Ids, Scope, UserId};
use perennial_guest::{
    Accepting, FreshIds, GuestStore, McpSettings, Opened, SettingError, Settings, StreamedAnswer,
    go_by_clock_of, let_go, log, now, read_body, read_head, respond, told, within,
};
use perennial_http_api::{
    Caller, Head, MAX_STREAMS, Problem, Request, Response, authenticate, correlation_id, traceparent,
};
use perennial_mcp::{Bytes, LASTS, MAX_BODY, Names, Outside, Protocol, Reply, Stream, tell};
use perennial_store::{AccountStore, Store, StoreError};
use perennial_tools::{Call, Called, Confirmation, Refused, Tool};
use serde_json::{Map, Value};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;

use crate::{Asked, Carry, Changes, Tasks, asked, challenge, metadata};

/// What the log calls a request that failed here.
const HERE: (&str, &str) = ("mcp", "/mcp");

/// How long a listener counts whose end is not seen, in milliseconds: longer than one lasts.
const COUNTS: i64 = 245_000;

/// When who has too many listeners is to try again, in seconds.
const AGAIN: u32 = 10;

#[http_component]
async fn serve(incoming: IncomingRequest, out: ResponseOutparam) {
    let mut head = match read_head(&incoming) {
        Ok(head) => head,
        Err(problem) => return respond(out, problem.into()).await,
    };
    // Spin may have put it there alone.
    if let Some(host) = incoming.authority().filter(|_| !head.headers.contains_key(HOST)) {
        head.headers.extend(host.parse().ok().map(|host| (HOST, host)));
    }
    let trace = traceparent(&head.headers);
    let request_id = correlation_id(trace.as_deref(), || FreshIds::default().next().to_string());
    let opened = Opened::default();
    let told = |problem| -> Response { told(problem, HERE, || request_id.clone()).into() };
    let Entered { mut shown, protocol, listens } = match enter(&head, &opened, told).await {
        Ok(entered) => entered,
        Err(response) => {
            opened.let_go();
            return respond(out, response).await;
        }
    };
    // A client may take its time with its request, and with its answer: no other is to wait for that.
    opened.let_go();
    let body = match read_body(incoming, MAX_BODY).await {
        Ok(body) => body,
        Err(problem) => return respond(out, told(problem)).await,
    };
    let request = Request::from_parts(head, body);
    let carried =
        opened.open().map_err(Problem::from).and_then(|store| Carried::new(store, &shown, &request_id));
    let carried = match carried {
        Ok(carried) => carried,
        Err(problem) => return respond(out, told(problem)).await,
    };
    let store = carried.store;
    let mut listener = match listens.then(|| Listener::begin(store, &shown.caller)).transpose() {
        Ok(listener) => listener,
        Err(problem) => return respond(out, told(problem)).await,
    };
    let mut server = Tasks::new(carried, shown.caller.user.id.as_str(), shown.token());
    match (protocol.answer(request, &mut server).await, &mut listener) {
        (Reply::Stream(stream), Some(listener)) => listener.listen(out, stream, (&mut server, &shown)).await,
        (Reply::Stream(_), None) => {
            respond(out, told(Problem::malformed("Mcp-Method is not what is asked for"))).await
        }
        (Reply::Whole(response), _) => {
            let_go(store);
            respond(out, response).await;
        }
    }
    listener.into_iter().for_each(Listener::end);
    // The client has its answer. Whatever fails from here on is made up for by the next sweep.
    for written in server.into_inner().wrote {
        if let Err(error) = publish(store, &written).await {
            log::warn("events wait for the next sweep", &format!("{error:#}"));
        }
    }
    if let Some(token) = shown.caller.to_note.take()
        && let Err(error) = store.token_used(&shown.caller.user.id, token, now())
    {
        log::warn("it is not noted that a token was used", &error.to_string());
    }
}

/// A request whose head was let in.
struct Entered {
    shown: Shown,
    protocol: Protocol,
    /// Whether it is to listen for changes.
    listens: bool,
}

/// Looks at the head of a request: at its host and origin before its token. `Err` is the answer, where the head is enough for one.
async fn enter(
    head: &Head,
    opened: &Opened,
    told: impl Fn(Problem) -> Response,
) -> Result<Entered, Response> {
    let settings = McpSettings::from_host().map_err(|error| told(misconfigured(error)))?;
    let listens = match asked(head).map_err(&told)? {
        Asked::Metadata => {
            return Err(metadata(&head.method, settings.outside.as_ref()).unwrap_or_else(&told));
        }
        Asked::Protocol { listens } => listens,
    };
    let names = Names { hosts: settings.hosts, origins: settings.origins };
    let protocol = Protocol::of::<Tasks<Carried<'_>>>(&names);
    let mut protocol = protocol.map_err(|error| told(Problem::misconfigured(error.to_string())))?;
    protocol.refuses(&head.headers).map_or(Ok(()), Err)?;
    let shown = Shown::by(&head.headers, opened).await.map_err(|problem| {
        let mut response = told(problem);
        challenge(&mut response, settings.outside.as_ref());
        response
    })?;
    Ok(Entered { shown, protocol, listens })
}

/// A caller, and what they showed.
struct Shown {
    caller: Caller,
    headers: HeaderMap,
    accepting: Accepting,
}

impl Shown {
    async fn by(headers: &HeaderMap, opened: &Opened) -> Result<Self, Problem> {
        let accepting = Accepting::from_host(headers).map_err(misconfigured)?;
        let caller = reader(headers, &accepting, || opened.open()).await?;
        Ok(Self { caller, headers: headers.clone(), accepting })
    }

    /// The token. It was looked at already.
    fn token(&self) -> &str {
        let shown = self.headers.get(AUTHORIZATION).and_then(|shown| shown.to_str().ok()).unwrap_or_default();
        shown.split_once(' ').map_or(shown, |(_, token)| token.trim())
    }
}

/// Who asks, if they may read.
async fn reader<'s>(
    headers: &HeaderMap,
    accepting: &Accepting,
    store: impl FnOnce() -> Result<&'s GuestStore, StoreError>,
) -> Result<Caller, Problem> {
    let caller = authenticate(headers, &accepting.accepted(), store, now()).await?;
    caller.needs(Scope::TasksRead)?;
    Ok(caller)
}

fn misconfigured(error: SettingError) -> Problem {
    Problem::misconfigured(error.to_string())
}

/// What tools are carried out with.
struct Carried<'s> {
    store: &'s GuestStore,
    caller: Caller,
    headers: HeaderMap,
    hosted: Hosted,
    ids: FreshIds,
    request_id: String,
    /// What was written: its events go out once the answer has.
    wrote: Vec<Written>,
}

impl<'s> Carried<'s> {
    fn new(store: &'s GuestStore, shown: &Shown, request_id: &str) -> Result<Self, Problem> {
        go_by_clock_of(store)?;
        Ok(Self {
            store,
            caller: shown.caller.clone(),
            headers: shown.headers.clone(),
            hosted: Hosted::from_host().map_err(misconfigured)?,
            ids: FreshIds::default(),
            request_id: request_id.to_owned(),
            wrote: Vec::new(),
        })
    }
}

impl Carry for Carried<'_> {
    fn tools(&self) -> impl Iterator<Item = &'static Tool> {
        perennial_tools::tools(&self.caller.scopes)
    }

    fn call(
        &mut self,
        agent: Option<&str>,
        name: &str,
        arguments: &Map<String, Value>,
        confirmation: Confirmation<'_>,
    ) -> Result<Called, Refused> {
        let mut caller = self.caller.clone();
        if let Some(agent) = agent {
            caller.actor = caller.actor.by(agent);
        }
        let mut api = self.hosted.api(self.store, &mut self.ids, self.request_id.clone());
        let call = Call { name, arguments, headers: &self.headers, key: None, confirmation };
        let mut called = perennial_tools::call(&mut api, &caller, &call)?;
        self.wrote.append(&mut called.wrote);
        Ok(called)
    }

    fn failed(&self, problem: &Problem) {
        if let Some(cause) = problem.cause() {
            log::request_failed(HERE.0, HERE.1, &self.request_id, cause);
        }
    }
}

/// Somebody who listens for changes, and counts as one who does.
struct Listener<'s> {
    store: &'s GuestStore,
    user: UserId,
    id: String,
    changes: Changes<'s, GuestStore>,
}

impl<'s> Listener<'s> {
    fn begin(store: &'s GuestStore, caller: &Caller) -> Result<Self, Problem> {
        let (user, id) = (caller.user.id.clone(), FreshIds::default().next().to_string());
        let (from, until) = (now(), now().plus_millis(COUNTS));
        if !store.begin_listening(&user, &id, (from, until), MAX_STREAMS)? {
            return Err(Problem::too_many_streams(AGAIN));
        }
        match Changes::from_now(store, user.clone()) {
            Ok(changes) => Ok(Self { store, user, id, changes }),
            Err(error) => {
                // Where that fails too, it counts for some minutes; what is told is why it did not begin.
                let _ = store.end_listening(&user, &id);
                Err(error.into())
            }
        }
    }

    async fn listen(
        &mut self,
        out: ResponseOutparam,
        stream: Box<Stream>,
        (server, shown): (&mut Tasks<Carried<'_>>, &Shown),
    ) {
        let Ok(answer) = StreamedAnswer::begin(out, stream.head()) else { return };
        let outside = Host { answer, began: Instant::now(), shown, store: self.store };
        if let Err(error) = tell(stream, server, &mut self.changes, &outside).await {
            log::warn("a stream ends before its time", &error.to_string());
        }
        outside.answer.end();
    }

    fn end(self) {
        if let Err(error) = self.store.end_listening(&self.user, &self.id) {
            log::warn("a listener who has left counts for some minutes", &error.to_string());
        }
    }
}

/// The host, as a stream knows it.
struct Host<'a> {
    answer: StreamedAnswer,
    began: Instant,
    shown: &'a Shown,
    store: &'a GuestStore,
}

impl Outside for Host<'_> {
    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(LASTS)
    }

    fn is_read(&self) -> bool {
        self.answer.is_read()
    }

    async fn send(&self, bytes: Bytes, millis: u64) -> bool {
        let_go(self.store);
        within(millis, self.answer.send(&bytes)).await.is_some_and(|sent| sent.is_ok())
    }

    async fn pause(&self, millis: u64) {
        let_go(self.store);
        within(millis, std::future::pending::<()>()).await;
    }

    async fn may_read(&self) -> bool {
        reader(&self.shown.headers, &self.shown.accepting, || Ok(self.store)).await.is_ok()
    }
}
