//! The entry point: a request in, and then a stream out for as long as it lasts.

use std::time::Instant;

use http::{HeaderMap, Method};
use perennial_domain::{Ids, Timestamp};
use perennial_guest::{
    Accepting, FreshIds, GuestStore, Opened, StreamedAnswer, draw, go_by_clock_of, let_go, log, now,
    read_head, respond, told, within,
};
use perennial_http_api::{Caller, Head, Problem, Response, correlation_id, traceparent};
use perennial_store::{AccountStore, Store};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;

use crate::{Follower, LASTS, Look, Outside, admit, door, head, listen, tell};

#[http_component]
async fn serve(incoming: IncomingRequest, out: ResponseOutparam) {
    let asked = match read_head(&incoming) {
        Ok(asked) => asked,
        Err(problem) => return respond(out, problem.into()).await,
    };
    let opened = Opened::default();
    let settings = Accepting::from_host(&asked.headers);
    let begun = match &settings {
        Ok(settings) => begin(&asked, settings, &opened).await,
        Err(error) => Err(Problem::misconfigured(error.to_string())),
    };
    let (stream, settings) = match (begun, &settings) {
        (Ok(Some(stream)), Ok(settings)) => (stream, settings),
        (Ok(_), _) => return respond(out, Response::from_parts(head(), Vec::new())).await,
        (Err(problem), _) => {
            let mut response: Response = refused(problem, &asked).into();
            if asked.method == Method::HEAD {
                response.body_mut().clear();
            }
            return respond(out, response).await;
        }
    };
    let Stream { store, caller, id, mut follower, first } = stream;
    if let Ok(answer) = StreamedAnswer::begin(out, &head()) {
        let outside = Host { answer, began: Instant::now(), asked: &asked.headers, settings, store };
        if let Err(error) = tell(&mut follower, first, &outside).await {
            log::warn("a stream ends before its time", &error.to_string());
        }
        outside.answer.end();
    }
    if let Err(error) = store.end_listening(&caller.user.id, &id) {
        log::warn("a stream that has ended counts for a minute", &error.to_string());
    }
    if let Some(token) = caller.to_note
        && let Err(error) = store.token_used(&caller.user.id, token, now())
    {
        log::warn("it is not noted that a token was used", &error.to_string());
    }
}

/// A stream that may begin.
struct Stream<'s> {
    store: &'s GuestStore,
    caller: Caller,
    /// Its name among the user's streams.
    id: String,
    follower: Follower<'s, GuestStore>,
    first: Look,
}

/// Lets a client in; `None` where only the head is asked for.
async fn begin<'s>(
    asked: &Head,
    settings: &Accepting,
    opened: &'s Opened,
) -> Result<Option<Stream<'s>>, Problem> {
    let admitted = admit(asked, &settings.accepted(), || opened.open(), now()).await?;
    if asked.method == Method::HEAD {
        return Ok(None);
    }
    let (store, caller, id) = (opened.open()?, admitted.caller, FreshIds::default().next().to_string());
    go_by_clock_of(store)?;
    let (follower, first) = listen(store, &caller.user.id, &id, admitted.after, now())?;
    Ok(Some(Stream { store, caller, id, follower, first }))
}

/// The problem as its client is told it.
fn refused(problem: Problem, asked: &Head) -> Problem {
    let trace = traceparent(&asked.headers);
    let request_id = || correlation_id(trace.as_deref(), || FreshIds::default().next().to_string());
    told(problem, ("live", "/v1/stream"), request_id)
}

/// The host, as a stream knows it.
struct Host<'a> {
    answer: StreamedAnswer,
    began: Instant,
    asked: &'a HeaderMap,
    settings: &'a Accepting,
    store: &'a GuestStore,
}

impl Outside for Host<'_> {
    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(LASTS)
    }

    fn draw(&self, bound: u64) -> u64 {
        draw(bound)
    }

    fn is_read(&self) -> bool {
        self.answer.is_read()
    }

    async fn send(&self, text: String, millis: u64) -> bool {
        let_go(self.store);
        within(millis, self.answer.send(text.as_bytes())).await.is_some_and(|sent| sent.is_ok())
    }

    async fn pause(&self, millis: u64) {
        let_go(self.store);
        within(millis, std::future::pending::<()>()).await;
    }

    async fn may_read(&self) -> bool {
        let now: Timestamp = now();
        door::reader(self.asked, &self.settings.accepted(), || Ok(self.store), now).await.is_ok()
    }
}
