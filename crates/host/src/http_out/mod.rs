//! `wasi:http/outgoing-handler`: requests of guests, within their allow list.

mod connect;
mod own;
mod target;

use std::sync::Arc;

use http::uri::{Authority, Scheme};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::guest::{Faults, GuestComponent};
use crate::hooks::Call;
use crate::services::Services;
use connect::Kind;
pub(crate) use own::OwnCalls;
use target::Target;

/// What a guest may write of a body before somebody takes it, in bytes: as much lies in the host for each body that nobody reads.
const CHUNK: usize = 64 * 1024;

/// Where the host itself listens: what `http://self` means to a guest of the HTTP trigger.
#[derive(Clone)]
pub(crate) struct Origin(pub Authority);

/// The outgoing side of one guest.
#[derive(Clone)]
pub(crate) struct OutgoingHttp {
    component: Arc<GuestComponent>,
    services: Arc<Services>,
    faults: Arc<Faults>,
    origin: Option<Origin>,
}

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl OutgoingHttp {
    pub fn new(
        component: Arc<GuestComponent>,
        services: Arc<Services>,
        faults: Arc<Faults>,
        origin: Option<Origin>,
    ) -> Self {
        Self { component, services, faults, origin }
    }

    async fn send(self, request: http::Request<WasiBody>, options: RequestOptions) -> Result<Sent, Error> {
        let uri = target::undo_empty_authority(request.uri().clone())?;
        let text = uri.to_string();
        let call = Call::Http { uri: &text };
        let index = self.faults.before(call).map_err(|_| self.fault())?;
        let sent = match self.target(&uri)? {
            Target::Component(id) => self.chain(&id, request, uri, &options).await?,
            Target::Own(origin) => {
                let request = with_uri(request, target::own_uri(&origin, &uri)?);
                connect::send(
                    self.services.clone(),
                    request,
                    target::own_destination(&origin)?,
                    Kind::Own,
                    options,
                )
                .await?
            }
            Target::Remote(destination) => {
                let kind = if uri.scheme() == Some(&Scheme::HTTPS) { Kind::Tls } else { Kind::Plain };
                connect::send(self.services.clone(), with_uri(request, uri), destination, kind, options)
                    .await?
            }
        };
        self.faults.after(call, index).map_err(|_| self.fault())?;
        Ok(sent)
    }

    /// Traps the guest; the error it would have seen is never seen.
    fn fault(&self) -> Error {
        self.faults.trip();
        Error::InternalError(Some("fault injected".into()))
    }

    /// Hands the request to another component of the application, in memory.
    async fn chain(
        &self,
        id: &str,
        request: http::Request<WasiBody>,
        uri: http::Uri,
        options: &RequestOptions,
    ) -> Result<Sent, Error> {
        let trigger = self.services.http.get().and_then(std::sync::Weak::upgrade);
        let Some(trigger) = trigger.filter(|_| self.origin.is_some()) else {
            return Err(Error::DestinationNotFound);
        };
        let limit = options.first_byte_timeout.unwrap_or(connect::DEFAULT_TIMEOUT);
        let response = tokio::time::timeout(limit, trigger.handle_chained(id, with_uri(request, uri))).await;
        let response = response.map_err(|_| Error::ConnectionReadTimeout)?;
        Ok((response, Box::new(std::future::ready(Ok(())))))
    }
}

fn with_uri(mut request: http::Request<WasiBody>, uri: http::Uri) -> http::Request<WasiBody> {
    *request.uri_mut() = uri;
    request
}

impl WasiHttpHooks for OutgoingHttp {
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        Box::new(self.clone().send(request, options.unwrap_or_default()))
    }
}
