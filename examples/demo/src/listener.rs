//! A webhook listener on this machine.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The path of our webhooks.
pub const PATH: &str = "/perennial-demo";

/// Largest body taken, in bytes.
const LARGEST: usize = 256 * 1024;

/// A listener that takes every POST, for as long as the process lives.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    received: Receiver<Received>,
}

/// A webhook as it came in.
#[derive(Debug)]
pub struct Received {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Listener {
    /// Listens on a free port.
    pub fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener =
            runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("cannot listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let (sender, received) = mpsc::channel();
        thread::spawn(move || runtime.block_on(serve(listener, sender)));
        Ok(Self { address, received })
    }

    /// Where webhooks go.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// What has come in since this was last asked.
    pub fn received(&self) -> impl Iterator<Item = Received> {
        self.received.try_iter()
    }
}

async fn serve(listener: TcpListener, sender: Sender<Received>) {
    while let Ok((stream, _)) = listener.accept().await {
        let sender = sender.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| take(request, &sender));
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                eprintln!("   (a connection to the listener broke off: {error})");
            }
        });
    }
}

async fn take(
    request: Request<Incoming>,
    sender: &Sender<Received>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let status = match Limited::new(body, LARGEST).collect().await {
        Ok(body) => {
            let received = Received { headers: head.headers, body: body.to_bytes() };
            // Once the story is told nobody listens any more.
            if sender.send(received).is_ok() { StatusCode::NO_CONTENT } else { StatusCode::GONE }
        }
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    Ok(response)
}
