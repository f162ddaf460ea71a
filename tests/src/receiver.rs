//! A receiver of webhooks.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::wait::until;

/// An address that takes webhooks and remembers them. It is gone once this is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Delivery>>>,
    _stop: oneshot::Sender<()>,
}

/// One POST as it came in.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// When it came.
    pub at: Instant,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Receiver {
    /// Takes everything.
    pub fn start() -> Self {
        Self::answering(|_| Response::new(Empty::new()))
    }

    /// Answers the first delivery with `answer(1)`, the second with `answer(2)`, and so on.
    pub fn answering(answer: impl Fn(usize) -> Response<Empty<Bytes>> + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<Delivery>>>::default();
        let (stop, stopped) = oneshot::channel();
        let (seen, answer) = (received.clone(), Arc::new(answer));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = serve(listener, seen, answer) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, received, _stop: stop }
    }

    /// Takes connections and requests, and never answers.
    pub fn hanging() -> Self {
        Self::answering(|_| {
            loop {
                thread::park();
            }
        })
    }

    /// Lets `talk` have each connection to itself, in a thread of its own, and remembers no delivery.
    pub fn talking(talk: impl Fn(std::net::TcpStream) + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let talk = Arc::new(talk);
        // It listens until the process of the tests ends.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let talk = talk.clone();
                thread::spawn(move || talk(stream));
            }
        });
        Self { address, received: Arc::default(), _stop: oneshot::channel().0 }
    }

    /// Where webhooks go.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Everything that came in so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.received.lock().unwrap().clone()
    }

    /// The first `count` deliveries, once they are there.
    pub fn wait_for(&self, count: usize, limit: Duration) -> Vec<Delivery> {
        until(&format!("{count} webhooks"), limit, || {
            let deliveries = self.deliveries();
            (deliveries.len() >= count).then_some(deliveries)
        })
    }
}

impl Delivery {
    /// A header as text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("a webhook has {name}")).to_str().unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Checks a delivery with the reference library of Standard Webhooks 1.0.
pub fn verify(secret: &str, delivery: &Delivery) -> Result<(), standardwebhooks::WebhookError> {
    standardwebhooks::Webhook::new(secret)?.verify(&delivery.body, &delivery.headers)
}

async fn serve<A>(listener: TcpListener, seen: Arc<Mutex<Vec<Delivery>>>, answer: Arc<A>)
where
    A: Fn(usize) -> Response<Empty<Bytes>> + Send + Sync + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        let (seen, answer) = (seen.clone(), answer.clone());
        let service = service_fn(move |request| take(request, seen.clone(), answer.clone()));
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new();
            // A sender that goes away in the middle, as a killed one does, is not our failure.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn take<A>(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<Delivery>>>,
    answer: Arc<A>,
) -> Result<Response<Empty<Bytes>>, Infallible>
where
    A: Fn(usize) -> Response<Empty<Bytes>>,
{
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(Response::new(Empty::new())) };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(Delivery { at: Instant::now(), headers: head.headers, body: body.to_bytes() });
        seen.len()
    };
    Ok(answer(number))
}
