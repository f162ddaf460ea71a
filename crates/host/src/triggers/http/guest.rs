//! One request in one fresh guest.
//!
//! The guest runs in a task of its own. The client has its answer as soon as the guest gives it; what the guest does
//! after that, and a client that leaves, end at bounds and not before.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use http::{Request, Response};
use tokio::sync::{Semaphore, oneshot};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use super::sending::{WatchedBody, sending};
use super::turns::Turn;
use crate::caller::Caller;
use crate::guest::{GuestComponent, GuestState, Held, is_shutdown};
use crate::http_out::Origin;
use crate::services::Services;

/// A component of the HTTP trigger.
pub(super) struct HttpGuest {
    pub component: Arc<GuestComponent>,
    pub pre: ProxyPre<GuestState>,
    /// Places that only its guests take; `None` where they take those that all share.
    pub places: Option<Arc<Semaphore>>,
}

impl HttpGuest {
    /// Runs the guest for `request`, in its turn if it has to have one, and answers what it answers. `permit` is released when
    /// the guest has ended, `share` once it has answered.
    pub async fn respond<P: Send + 'static, S: Send + Sync + 'static>(
        &self,
        services: &Arc<Services>,
        request: Request<WasiBody>,
        origin: Origin,
        (permit, share, turn): (P, S, Option<Turn>),
    ) -> anyhow::Result<Response<WatchedBody>> {
        let work = services.in_flight.begin();
        let mut store = self.component.store(services, Some(origin));
        store.data().faults.begins(request.headers());
        store.data_mut().caller = Caller::of(request.headers());
        let (sender, receiver) = oneshot::channel();
        let held = request.extensions().get::<Held>().cloned().unwrap_or_default();
        let counted = store.data().limits.count_in(held.clone());
        let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
        let (progress, watch) = sending((counted, held));
        let outparam = store.data_mut().http().new_response_outparam_from_callback(move |response| {
            drop(share);
            let response: Result<Response<HyperOutgoingBody>, ErrorCode> = response;
            let watched = response.map(|response| response.map(|body| progress.start(body)));
            let _ = sender.send(watched);
        })?;
        let bounds = store.data().bounds();
        let (services, pre, id) = (services.clone(), self.pre.clone(), self.component.id.clone());
        let task = tokio::spawn(async move {
            let call = async {
                let guest = pre.instantiate_async(&mut store).await?;
                guest.wasi_http_incoming_handler().call_handle(&mut store, request, outparam).await
            };
            let call = async {
                match turn {
                    Some(turn) => turn.spend(call).await,
                    None => call.await,
                }
            };
            let result = services.guard(&bounds, watch.deadline(&services.limits), call).await;
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

/// What goes wrong after the response's head is only logged.
async fn report(task: tokio::task::JoinHandle<anyhow::Result<()>>, component: String) {
    let result = task.await.context("guest invocation panicked").and_then(|result| result);
    if let Err(error) = result
        && !is_shutdown(&error)
    {
        tracing::error!(
            component,
            error = format!("{error:#}"),
            "guest failed after its response had started"
        );
    }
}
