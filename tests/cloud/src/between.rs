//! What stands between a sidecar and its handler: it delivers every event twice, late and out of order, or never.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use perennial_events::Delivery;
use perennial_tests::{Answer, Client};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Between two tries to hand an event on.
const AGAIN: Duration = Duration::from_millis(200);

/// How an event is handed on.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// Twice at least, each time so late at most: what came later may be handed on sooner. The sidecar is told at once that the
    /// event is done with.
    Twice(Duration),
    /// Once, but for one of so many: that is refused, until it is mended.
    Poisoned(usize),
}

/// A server in the place of a handler. It is gone once this is dropped.
#[derive(Debug)]
pub struct Between {
    address: SocketAddr,
    state: Arc<State>,
    _stop: oneshot::Sender<()>,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    handler: Client,
    /// All events that came, by their ids.
    seen: Mutex<BTreeMap<String, Event>>,
    /// The last sequence of each stream that its handler has taken, and how many events it took after a later one.
    order: Mutex<(BTreeMap<String, u64>, usize)>,
    poison: Mutex<BTreeSet<String>>,
    mended: AtomicBool,
    under_way: AtomicUsize,
    delivered: AtomicUsize,
}

/// An event as it first came.
#[derive(Debug, Clone)]
struct Event {
    id: String,
    stream: String,
    sequence: u64,
    completes: bool,
    at: DateTime<Utc>,
    /// How long after its commit the handler first took it, if it has.
    taken: Option<TimeDelta>,
    /// When it was refused first and last, if it was.
    refused: Option<(Instant, Instant)>,
}

/// A request as it came.
#[derive(Debug, Clone)]
struct Came {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Between {
    /// Listens at a port, in the place of the handler at an address.
    pub fn start(port: u16, handler: &str, manner: Manner) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            manner,
            handler: Client::new(handler, None),
            seen: Mutex::default(),
            order: Mutex::default(),
            poison: Mutex::default(),
            mended: AtomicBool::new(false),
            under_way: AtomicUsize::new(0),
            delivered: AtomicUsize::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = state.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = serve(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, state, _stop: stop }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Events that are still to be handed on.
    pub fn under_way(&self) -> usize {
        self.state.under_way.load(Ordering::SeqCst)
    }

    /// How often an event was handed on.
    pub fn delivered(&self) -> usize {
        self.state.delivered.load(Ordering::SeqCst)
    }

    /// The ids of all events that came.
    pub fn seen(&self) -> BTreeSet<String> {
        self.state.seen.lock().unwrap().keys().cloned().collect()
    }

    /// The ids of those that the handler has taken.
    pub fn taken(&self) -> BTreeSet<String> {
        let seen = self.state.seen.lock().unwrap();
        seen.values().filter(|event| event.taken.is_some()).map(|event| event.id.clone()).collect()
    }

    /// How many completions the handler took after a later one of their stream.
    pub fn overtaken(&self) -> usize {
        self.state.order.lock().unwrap().1
    }

    /// How long after its commit an event was taken at most, of those that were not refused.
    pub fn slowest(&self) -> TimeDelta {
        let (seen, poison) = (self.state.seen.lock().unwrap(), self.state.poison.lock().unwrap());
        let sound = seen.values().filter(|event| !poison.contains(&event.id));
        sound.filter_map(|event| event.taken).max().unwrap_or_default()
    }

    /// How long one event was refused at most, from the first time to the last: so long it held up what is behind it.
    pub fn longest_refused(&self) -> Duration {
        let seen = self.state.seen.lock().unwrap();
        seen.values()
            .filter_map(|event| event.refused)
            .map(|(first, last)| last - first)
            .max()
            .unwrap_or_default()
    }

    /// The ids of those that are refused.
    pub fn poison(&self) -> BTreeSet<String> {
        self.state.poison.lock().unwrap().clone()
    }

    /// From now on nothing is refused.
    pub fn mend(&self) {
        self.state.mended.store(true, Ordering::SeqCst);
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        let service = service_fn(move |request| take(request, state.clone()));
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new();
            // A sidecar that is killed in the middle is not our failure.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn take(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(Response::new(Full::default())) };
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let came = Came { method: head.method, path, headers: head.headers, body: body.to_bytes() };
    let event = came.path.starts_with("/events/") && !came.path.starts_with("/events/dead-letters/");
    let answer = match event.then(|| came.events()) {
        None => pass_on(&state, &came).await,
        Some(events) => match state.manner {
            Manner::Twice(late) => {
                state.note(&events);
                for _ in 0..2 {
                    state.under_way.fetch_add(1, Ordering::SeqCst);
                    let (state, came) = (state.clone(), came.clone());
                    tokio::spawn(async move {
                        let wait = u64::try_from(late.as_millis()).unwrap();
                        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=wait))).await;
                        hand_on(&state, &came).await;
                    });
                }
                Some(came.done())
            }
            Manner::Poisoned(one_of) => {
                if state.refuses(&events, one_of) {
                    Some((StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()))
                } else {
                    let answer = pass_on(&state, &came).await;
                    if answer.as_ref().is_some_and(is_taken) {
                        state.took(&events);
                    }
                    answer
                }
            }
        },
    };
    let (status, body) = answer.unwrap_or((StatusCode::BAD_GATEWAY, Bytes::new()));
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    Ok(response)
}

/// Hands an event on until it is taken, and once only.
async fn hand_on(state: &Arc<State>, came: &Came) {
    loop {
        if pass_on(state, came).await.as_ref().is_some_and(is_taken) {
            let events = came.events();
            state.took(&events);
            state.delivered.fetch_add(events.len(), Ordering::SeqCst);
            break;
        }
        tokio::time::sleep(AGAIN).await;
    }
    state.under_way.fetch_sub(1, Ordering::SeqCst);
}

/// Whether all events of a request are done with.
fn is_taken((status, body): &(StatusCode, Bytes)) -> bool {
    status.is_success() && !String::from_utf8_lossy(body).contains("RETRY")
}

/// Passes a request on as it is; `None` where the handler does not answer.
async fn pass_on(state: &Arc<State>, came: &Came) -> Option<(StatusCode, Bytes)> {
    let (state, came) = (state.clone(), came.clone());
    let answered = tokio::task::spawn_blocking(move || came.send(&state.handler)).await;
    answered.ok().flatten().map(|answer| (answer.status, Bytes::from(answer.body)))
}

impl State {
    /// Notes which events came.
    fn note(&self, events: &[Event]) {
        let mut seen = self.seen.lock().unwrap();
        for event in events {
            seen.entry(event.id.clone()).or_insert_with(|| event.clone());
        }
    }

    /// Notes that the handler has taken events.
    fn took(&self, events: &[Event]) {
        let mut seen = self.seen.lock().unwrap();
        let (last, overtaken) = &mut *self.order.lock().unwrap();
        for event in events {
            let Some(event) = seen.get_mut(&event.id).filter(|event| event.taken.is_none()) else { continue };
            event.taken = Some(Utc::now() - event.at);
            if event.completes {
                let last = last.entry(event.stream.clone()).or_default();
                *overtaken += usize::from(event.sequence < *last);
                *last = event.sequence.max(*last);
            }
        }
    }

    /// Whether one of these events is to be refused. Which of a number it is shows at its first coming.
    fn refuses(&self, events: &[Event], one_of: usize) -> bool {
        for event in events {
            let (mut seen, mut poison) = (self.seen.lock().unwrap(), self.poison.lock().unwrap());
            if !seen.contains_key(&event.id) {
                seen.insert(event.id.clone(), event.clone());
                if seen.len().is_multiple_of(one_of) {
                    poison.insert(event.id.clone());
                }
            }
        }
        let (mut seen, poison) = (self.seen.lock().unwrap(), self.poison.lock().unwrap());
        let refused = events.iter().find(|event| poison.contains(&event.id));
        let refused = refused.filter(|_| !self.mended.load(Ordering::SeqCst));
        if let Some(event) = refused.and_then(|event| seen.get_mut(&event.id)) {
            let now = Instant::now();
            event.refused = Some((event.refused.map_or(now, |(first, _)| first), now));
        }
        refused.is_some()
    }
}

impl Came {
    fn send(&self, handler: &Client) -> Option<Answer> {
        let mut call = handler.call(self.method.clone(), self.path.clone()).body("", self.body.to_vec());
        for name in ["content-type", "dapr-api-token", "traceparent"] {
            if let Some(value) = self.headers.get(name) {
                call = call.header(name, value.to_str().unwrap());
            }
        }
        call.send().ok()
    }

    /// Its events. What is none is left out.
    fn events(&self) -> Vec<Event> {
        let media_type = self.headers.get("content-type").and_then(|value| value.to_str().ok());
        let delivery = Delivery::read(media_type.unwrap_or_default(), &self.body);
        let events = delivery.events().filter_map(|event| serde_json::from_slice(event).ok());
        events.filter_map(|event| Event::read(&event)).collect()
    }

    /// The answer that all of its events are done with.
    fn done(&self) -> (StatusCode, Bytes) {
        let document: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let done = |entry: &Value| serde_json::json!({ "entryId": entry["entryId"], "status": "SUCCESS" });
        let answer = match document["entries"].as_array() {
            Some(entries) => serde_json::json!({ "statuses": entries.iter().map(done).collect::<Vec<_>>() }),
            None => serde_json::json!({ "status": "SUCCESS" }),
        };
        (StatusCode::OK, Bytes::from(answer.to_string()))
    }
}

impl Event {
    fn read(event: &Value) -> Option<Self> {
        Some(Self {
            id: event["id"].as_str()?.to_owned(),
            stream: event["partitionkey"].as_str()?.to_owned(),
            sequence: event["sequence"].as_str()?.parse().ok()?,
            completes: event["type"] == "task.completed",
            at: event["time"].as_str()?.parse().ok()?,
            taken: None,
            refused: None,
        })
    }
}
