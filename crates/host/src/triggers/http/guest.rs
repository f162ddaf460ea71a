//! One request in one fresh guest.
//!
//! The guest runs in a task of its own. The client has its answer as soon as the guest gives it; what the guest does
//! after that, and a client that leaves, end at bounds and not before.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use crate::guest::{GuestComponent, GuestState};
use crate::http_out::Origin;
use crate::services::Services;

/// A component of the HTTP trigger.
pub(super) struct HttpGuest {
    pub component: Arc<GuestComponent>,
    pub pre: ProxyPre<GuestState>,
}

impl HttpGuest {
    /// Runs the guest for `request` and answers what it answers. `permit` is released when the guest has ended.
    pub async fn respond<P: Send + 'static>(
        &self,
        services: &Arc<Services>,
        request: Request<WasiBody>,
        origin: Origin,
        permit: P,
    ) -> anyhow::Result<Response<WatchedBody>> {
        let work = services.in_flight.begin();
        let mut store = self.component.store(services, Some(origin));
        let (sender, receiver) = oneshot::channel();
        let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
        // Cancelled when the response has been sent, or when nobody wants it any more.
        let answered = CancellationToken::new();
        let guard = answered.clone().drop_guard();
        let outparam = store.data_mut().http().new_response_outparam_from_callback(move |response| {
            let response: Result<Response<HyperOutgoingBody>, ErrorCode> = response;
            let watched = response.map(|response| response.map(|body| WatchedBody { body, _guard: guard }));
            let _ = sender.send(watched);
        })?;
        let faults = store.data().faults.clone();
        let (services, pre, id) = (services.clone(), self.pre.clone(), self.component.id.clone());
        let task = tokio::spawn(async move {
            let call = async {
                let guest = pre.instantiate_async(&mut store).await?;
                guest.wasi_http_incoming_handler().call_handle(&mut store, request, outparam).await
            };
            let result = services.guard(&faults, deadline(&services, &answered), call).await;
            let result = result.map_err(anyhow::Error::from).and_then(|result| Ok(result?));
            // Resources go first, so that whoever waits for the end of this work finds them free.
            drop(store);
            drop(permit);
            drop(work);
            result
        });
        match receiver.await {
            Ok(response) => {
                tokio::spawn(report(task, id));
                response.context("guest failed to produce a response")
            }
            Err(_) => {
                task.await.context("guest invocation panicked")?.context("guest invocation failed")?;
                Err(anyhow!("guest failed to produce a response prior to returning"))
            }
        }
    }
}

/// Until the answer, then a while longer.
async fn deadline(services: &Services, answered: &CancellationToken) -> Duration {
    let limits = &services.limits;
    tokio::select! {
        () = tokio::time::sleep(limits.until_response) => limits.until_response,
        () = answered.cancelled() => {
            tokio::time::sleep(limits.after_response).await;
            limits.after_response
        }
    }
}

/// What goes wrong after the response's head is only logged.
async fn report(task: tokio::task::JoinHandle<anyhow::Result<()>>, component: String) {
    let result = task.await.context("guest invocation panicked").and_then(|result| result);
    if let Err(error) = result {
        tracing::error!(
            component,
            error = format!("{error:#}"),
            "guest failed after its response had started"
        );
    }
}

/// A response body that tells when it is over: sent, or abandoned.
pub(super) struct WatchedBody {
    body: HyperOutgoingBody,
    _guard: DropGuard,
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
