//! A server of the protocol with what the official conformance suite asks for (`@modelcontextprotocol/conformance`): its names, its
//! texts. It has no tokens and no store, and is otherwise wired as the product's own `/mcp` is.
#![expect(
    unsafe_code,
    clippy::indexing_slicing,
    reason = "the SDK's macro generates unsafe code; indexing JSON cannot panic"
)]

mod changes;
mod inputs;
mod listed;
mod server;

use std::time::Instant;

use http::header::HOST;
use perennial_guest::{StreamedAnswer, read_body, read_head, respond, within};
use perennial_mcp::{LASTS, MAX_BODY, Names, Outside, Protocol, Reply, tell};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;

use crate::changes::Changes;
use crate::server::Fixture;

#[http_component]
async fn serve(incoming: IncomingRequest, out: ResponseOutparam) {
    let mut head = match read_head(&incoming) {
        Ok(head) => head,
        Err(problem) => return respond(out, problem.into()).await,
    };
    if let Some(host) = incoming.authority().filter(|_| !head.headers.contains_key(HOST)) {
        head.headers.extend(host.parse().ok().map(|host| (HOST, host)));
    }
    let names = Names {
        hosts: ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec(),
        origins: ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"].map(str::to_owned).to_vec(),
    };
    let Ok(mut protocol) = Protocol::of::<Fixture>(&names) else { return };
    if let Some(refusal) = protocol.refuses(&head.headers) {
        return respond(out, refusal).await;
    }
    let body = match read_body(incoming, MAX_BODY).await {
        Ok(body) => body,
        Err(problem) => return respond(out, problem.into()).await,
    };
    let mut changes = Changes::from_now();
    match protocol.answer(http::Request::from_parts(head, body), &mut Fixture).await {
        Reply::Whole(answer) => respond(out, answer).await,
        Reply::Stream(stream) => {
            let Ok(answer) = StreamedAnswer::begin(out, stream.head()) else { return };
            let outside = Host { answer, began: Instant::now() };
            let Ok(_) = tell(stream, &mut Fixture, &mut changes, &outside).await;
            outside.answer.end();
        }
    }
}

struct Host {
    answer: StreamedAnswer,
    began: Instant,
}

impl Outside for Host {
    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(LASTS)
    }

    fn is_read(&self) -> bool {
        self.answer.is_read()
    }

    async fn send(&self, bytes: perennial_mcp::Bytes, millis: u64) -> bool {
        within(millis, self.answer.send(&bytes)).await.is_some_and(|sent| sent.is_ok())
    }

    async fn pause(&self, millis: u64) {
        within(millis, std::future::pending::<()>()).await;
    }

    async fn may_read(&self) -> bool {
        true
    }
}
