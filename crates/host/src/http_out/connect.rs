//! One connection for one request: HTTP/1.1 over TCP, with TLS for https. Redirects are the guest's business.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::header::{HOST, HeaderValue};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Host;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::Sent;
use super::own::OwnCall;
use crate::outbound::{Destination, ResolveError};
use crate::services::Services;
use crate::timed_body::TimedBody;

/// What a guest that sets no timeout waits, as in Spin.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What is at the other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// This host itself.
    Own,
    /// Another server, without TLS.
    Plain,
    /// Another server, with TLS.
    Tls,
}

/// Sends the request to the destination, whatever else its URI says.
pub(super) async fn send(
    services: Arc<Services>,
    request: http::Request<WasiBody>,
    destination: Destination,
    kind: Kind,
    options: RequestOptions,
) -> Result<Sent, Error> {
    let connect_timeout = options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT);
    let permit = match &services.outbound.requests {
        Some(requests) => {
            let permit = timeout(connect_timeout, Semaphore::acquire_owned(requests.clone())).await;
            Some(permit.map_err(|_| Error::ConnectionTimeout)?.map_err(|_| Error::ConnectionLimitReached)?)
        }
        None => None,
    };
    let (stream, own) = timeout(connect_timeout, open(&services, &destination, kind))
        .await
        .map_err(|_| Error::ConnectionTimeout)??;
    let (mut sender, connection) = timeout(connect_timeout, http1::handshake(TokioIo::new(stream)))
        .await
        .map_err(|_| Error::ConnectionTimeout)??;
    // The task lives as long as the response's body is read; dropping its handle closes the connection.
    let worker = wasmtime_wasi::runtime::spawn(async move {
        let _kept = (permit, own);
        connection.await
    });
    let sent = timeout(
        options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT),
        sender.send_request(in_origin_form(request)?),
    );
    let response = sent.await.map_err(|_| Error::ConnectionReadTimeout)??;
    let between_bytes = options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT);
    let response = response.map(|body| TimedBody::new(body, between_bytes, None).boxed_unsync());
    Ok((response, Box::new(async move { Ok(worker.await?) })))
}

async fn open(
    services: &Services,
    destination: &Destination,
    kind: Kind,
) -> Result<(Box<dyn Stream>, Option<OwnCall>), Error> {
    let addresses = services.outbound.resolve(destination).await.map_err(|error| match error {
        ResolveError::NoAddress => {
            Error::DnsError { rcode: Some("address not available".into()), info_code: Some(0) }
        }
        ResolveError::Prohibited => Error::DestinationIpProhibited,
    })?;
    let stream = TcpStream::connect(&*addresses).await.map_err(|_| Error::ConnectionRefused)?;
    // Requests are small and answers awaited: nothing is gained by collecting bytes.
    let _ = stream.set_nodelay(true);
    if kind != Kind::Tls {
        let own = stream.local_addr().ok().filter(|_| kind == Kind::Own);
        return Ok((Box::new(stream), own.map(|address| services.own_calls.begin(address))));
    }
    let name = match &destination.host {
        Host::Domain(domain) => ServerName::try_from(domain.clone()).map_err(|_| Error::TlsProtocolError)?,
        Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::V4(*ip)),
        Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::V6(*ip)),
    };
    let stream = TlsConnector::from(services.outbound.tls.clone()).connect(name, stream).await;
    Ok((Box::new(stream.map_err(|_| Error::TlsProtocolError)?), None))
}

/// The path in the request line, the authority in `host`.
fn in_origin_form(mut request: http::Request<WasiBody>) -> Result<http::Request<WasiBody>, Error> {
    let uri = request.uri().clone();
    let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
    let host = match authority.port() {
        Some(port) => format!("{}:{port}", authority.host()),
        None => authority.host().to_owned(),
    };
    let host = HeaderValue::try_from(host).map_err(|_| Error::HttpRequestUriInvalid)?;
    request.headers_mut().insert(HOST, host);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>().map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(request)
}
