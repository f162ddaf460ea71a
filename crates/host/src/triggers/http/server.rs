//! The listener: HTTP/1.1 and HTTP/2 without TLS, hardened against slow and oversized requests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::WasiBody;

use super::HttpTrigger;
use super::lingering::lingering;
use super::reading::{Client, Clients, Reading};
use super::socket::Socket;
use crate::timed_body::TimedBody;

/// How long a client may take to send the head of a request; also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may pause within a request's body.
const BODY_PAUSE: Duration = Duration::from_secs(30);

/// The bound on the head of a request, as in Spin.
const HEAD_BYTES: usize = 128 * 1024;

/// How long a client that sends nothing more waits for its answer. One that has left looks the same, unless it answers with a
/// reset.
const HALF_CLOSED: Duration = Duration::from_secs(60);

/// Between two looks at whether a client sends nothing more.
const LOOK: Duration = Duration::from_secs(1);

/// Accepts connections until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    trigger: Arc<HttpTrigger>,
    clients: Arc<Clients>,
    stop: CancellationToken,
) {
    let builder = Arc::new(builder());
    let (watched, limits) = (clients.clone(), trigger.services.limits.clone());
    let kill = trigger.services.kill.clone();
    tokio::spawn(async move { kill.run_until_cancelled(watched.watch(&limits)).await });
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let (builder, trigger, stop) = (builder.clone(), trigger.clone(), stop.clone());
                let client = clients.enter();
                tokio::spawn(
                    async move { connection(&builder, stream, (address, client), trigger, stop).await },
                );
            }
            // Out of file descriptors, most likely: others must be closed first.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .half_close(true)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_BYTES.try_into().unwrap_or(u32::MAX))
        .max_concurrent_streams(256)
        .keep_alive_interval(HEAD_TIMEOUT)
        .keep_alive_timeout(HEAD_TIMEOUT);
    builder
}

async fn connection(
    builder: &Builder<TokioExecutor>,
    stream: TcpStream,
    (address, client): (SocketAddr, Arc<Client>),
    trigger: Arc<HttpTrigger>,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let asked = CancellationToken::new();
    let first = asked.clone();
    let asking = client.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        first.cancel();
        asking.moves();
        request.extensions_mut().insert(asking.held.clone());
        answer(trigger.clone(), request, address)
    });
    let stream = Arc::new(stream);
    let reading = Reading::new(Socket(stream.clone()), client.clone());
    let connection = builder.serve_connection(TokioIo::new(reading), service);
    tokio::pin!(connection);
    let serving = async {
        tokio::select! {
            served = connection.as_mut() => served,
            () = stop.cancelled() => {
                // What is being answered may be finished; the connection takes nothing new.
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    let served = tokio::select! {
        served = serving => served,
        () = silence(&asked) => return,
        () = client.cut.cancelled() => return,
        () = gone(&stream) => return,
    };
    if let Err(error) = served {
        tracing::debug!(client = %address, %error, "connection closed");
    }
}

/// Ends when the client has left: its side is reset, or nothing has come from there for long since it was closed.
async fn gone(stream: &TcpStream) {
    let mut closed = None;
    loop {
        tokio::select! {
            _ = stream.ready(Interest::ERROR) => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let ready = stream.ready(Interest::READABLE).now_or_never();
        if ready.is_some_and(|ready| ready.is_ok_and(|ready| ready.is_read_closed())) {
            let since = *closed.get_or_insert_with(Instant::now);
            if since.elapsed() >= HALF_CLOSED {
                return;
            }
        }
    }
}

/// Ends if a new connection asks nothing for too long: hyper's own timer starts only once it knows the protocol.
async fn silence(asked: &CancellationToken) {
    tokio::time::sleep(HEAD_TIMEOUT).await;
    if asked.is_cancelled() {
        std::future::pending::<()>().await;
    }
}

async fn answer(
    trigger: Arc<HttpTrigger>,
    request: Request<Incoming>,
    client: SocketAddr,
) -> Result<Response<WasiBody>, Infallible> {
    let limit = trigger.services.limits.body;
    let request = request.map(|body| TimedBody::new(body, BODY_PAUSE, Some(limit)).boxed_unsync());
    Ok(trigger.handle(lingering(request), client).await)
}
