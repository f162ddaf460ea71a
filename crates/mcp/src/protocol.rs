//! rmcp's Streamable HTTP service, run for one request on one thread.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use rmcp::ErrorData;
use rmcp::model::{ErrorCode, JsonRpcError};
use rmcp::transport::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tower_service::Service as _;

use crate::relay::{Question, Relay};
use crate::{Server, Stream};

/// Longest body of a request, in bytes.
pub const MAX_BODY: usize = 256 * 1024;

/// How long nothing is sent to a listener at most.
const BEAT: Duration = Duration::from_secs(15);

/// How long the protocol itself may take, without what a server does: no more than a defect needs to be seen.
const STUCK: Duration = Duration::from_secs(10);

pub(crate) type Service = StreamableHttpService<Relay, NeverSessionManager>;
type Answer = http::Response<BoxBody<Bytes, Infallible>>;

/// By what names clients reach the server, and which pages may call it: against DNS rebinding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Host names, with a port or for any.
    pub hosts: Vec<String>,
    /// Origins (RFC 6454) as `scheme://host:port`, or with `:*` for any port. A request without an `Origin` is of no page, and is let in.
    pub origins: Vec<String>,
}

/// How a request is answered.
pub enum Reply {
    /// At once.
    Whole(http::Response<Vec<u8>>),
    /// Little by little.
    Stream(Box<Stream>),
}

/// The protocol, for one request.
pub struct Protocol {
    runtime: Runtime,
    service: Service,
    questions: mpsc::UnboundedReceiver<Question>,
}

impl Protocol {
    /// Speaks for a server under these names.
    ///
    /// # Errors
    /// Where the host has no clock to wait by.
    pub fn of<S: Server>(names: &Names) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let (relay, questions) = Relay::to::<S>();
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_sse_keep_alive(Some(BEAT))
            .with_max_request_body_bytes(MAX_BODY)
            .with_allowed_hosts(&names.hosts)
            .with_allowed_origins(&names.origins)
            .enforce_origin_validation();
        let service =
            Service::new(move || Ok(relay.clone()), Arc::new(NeverSessionManager::default()), config);
        Ok(Self { runtime, service, questions })
    }

    /// The refusal of a request that is for a host, or from a page, that is not named. Nothing else is looked at.
    pub fn refuses(&mut self, headers: &HeaderMap) -> Option<http::Response<Vec<u8>>> {
        // rmcp looks at these before anything else, and refuses every method but three afterwards.
        let mut asked = http::Request::new(Empty::<Bytes>::new());
        *asked.method_mut() = Method::TRACE;
        for name in [HOST, ORIGIN] {
            for value in headers.get_all(&name) {
                asked.headers_mut().append(name.clone(), value.clone());
            }
        }
        let answer = self.service.call(asked);
        let Ok(answer) = self.runtime.block_on(answer);
        (answer.status() != StatusCode::METHOD_NOT_ALLOWED).then(|| self.whole(answer))
    }

    /// Answers a request, whose names were looked at, with what the server says.
    pub async fn answer(mut self, request: http::Request<Vec<u8>>, server: &mut impl Server) -> Reply {
        let (head, body) = request.into_parts();
        let (body, says_json) = (Bytes::from(body), says_json(&head.headers));
        let mut answer = self.service.call(http::Request::from_parts(head, Full::new(body.clone())));
        let mut listener = None;
        let answer = loop {
            let questions = &mut self.questions;
            let step = async {
                tokio::select! {
                    biased;
                    Some(question) = questions.recv() => Err(question),
                    answer = &mut answer => Ok(answer),
                }
            };
            match self.runtime.block_on(async { tokio::time::timeout(STUCK, step).await }) {
                Ok(Ok(Ok(answer))) => break answer,
                Ok(Ok(Err(never))) => match never {},
                Ok(Err(question)) => listener = question.put_to(server).await.or(listener),
                Err(_) => return Reply::Whole(stuck()),
            }
        };
        if answer.headers().get(CONTENT_TYPE).is_some_and(|media| media == "text/event-stream") {
            let (head, body) = answer.into_parts();
            let Self { runtime, service, questions } = self;
            let stream = Stream { head, runtime, _service: service, questions, body, listener };
            return Reply::Stream(Box::new(stream));
        }
        // rmcp says of a body that it cannot read that its media type is wrong.
        if says_json && answer.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return Reply::Whole(unreadable(&body));
        }
        Reply::Whole(self.whole(answer))
    }

    fn whole(&self, answer: Answer) -> http::Response<Vec<u8>> {
        let (mut head, body) = answer.into_parts();
        let Ok(body) = self.runtime.block_on(body.collect());
        let body = body.to_bytes().to_vec();
        if !body.is_empty() && !head.headers.contains_key(CONTENT_TYPE) {
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        }
        http::Response::from_parts(head, body)
    }
}

fn says_json(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    media.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// The answer to a body that is no message of JSON-RPC 2.0 (§5.1).
fn unreadable(body: &[u8]) -> http::Response<Vec<u8>> {
    let error = match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => ErrorData::invalid_request("the body is not one message of JSON-RPC 2.0", None),
        Err(error) => ErrorData::new(ErrorCode::PARSE_ERROR, format!("the body is not JSON: {error}"), None),
    };
    told(StatusCode::BAD_REQUEST, error)
}

fn stuck() -> http::Response<Vec<u8>> {
    told(StatusCode::INTERNAL_SERVER_ERROR, ErrorData::internal_error("no answer came", None))
}

fn told(status: StatusCode, error: ErrorData) -> http::Response<Vec<u8>> {
    let body = serde_json::to_vec(&JsonRpcError::new(None, error)).unwrap_or_default();
    let mut answer = http::Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
