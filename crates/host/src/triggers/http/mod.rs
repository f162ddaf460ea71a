//! The HTTP trigger.

mod arrival;
mod guest;
mod headers;
mod lingering;
mod problem;
mod reading;
mod router;
mod sending;
mod server;
mod socket;
mod turns;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::uri::Authority;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::caller::{Caller, Shares};
use crate::guest::{GuestComponent, is_shutdown};
use crate::http_out::Origin;
use crate::manifest::{HttpTarget, Manifest, StaticResponse};
use crate::services::Services;
use arrival::{Arrivals, NotArrived};
use guest::HttpGuest;
use problem::{busy, later, problem};
pub(crate) use reading::Clients;
pub use reading::Unread;
use router::{Matched, Router, WELL_KNOWN};
pub(crate) use server::serve;
use turns::Turns;

/// The export an HTTP trigger calls; the patch level is the guest's.
const EXPORT: &str = "wasi:http/incoming-handler@0.2.0";

/// How long a request waits for those of the same caller.
const PATIENCE: Duration = Duration::from_secs(10);

/// The client of a chained request.
const CHAINED_CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The HTTP trigger of the application.
pub(crate) struct HttpTrigger {
    services: Arc<Services>,
    router: Router,
    /// What each trigger of the manifest does, in its order.
    targets: Vec<HttpTarget>,
    guests: BTreeMap<String, HttpGuest>,
    /// How many guests may run at once, of all components that have no places of their own.
    instances: Arc<Semaphore>,
    /// How many guests answer one caller at once: half of those that the processors can use.
    of_callers: Shares,
    /// How many requests of one caller are there at once, with those that wait for one of these guests.
    queues: Shares,
    arrivals: Arrivals,
    turns: Turns,
    origin: Origin,
    info: Bytes,
    /// Route by route, for the banner.
    pub routes: Vec<(String, String)>,
}

impl HttpTrigger {
    pub fn new(
        manifest: &mut Manifest,
        components: &BTreeMap<String, Arc<GuestComponent>>,
        services: Arc<Services>,
        instances: u32,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let router = Router::new(manifest)?;
        let routes = router::describe(manifest);
        let mut guests = BTreeMap::new();
        for trigger in &manifest.http {
            if let HttpTarget::Component(id) = &trigger.target {
                let component = components.get(id).context("a trigger's component is missing")?;
                component.check_export("http", EXPORT)?;
                let pre = ProxyPre::new(component.pre.clone())?;
                let places = manifest.own_places(id).map(|places| Arc::new(Semaphore::new(places as usize)));
                guests.insert(id.clone(), HttpGuest { component: component.clone(), pre, places });
            }
        }
        Ok(Self {
            arrivals: Arrivals::new(instances, services.limits.body),
            turns: Turns::new(),
            services,
            router,
            guests,
            instances: Arc::new(Semaphore::new(instances as usize)),
            of_callers: Shares::new(turns::most() / 2),
            queues: Shares::new(instances as usize / 8),
            origin: Origin(address.to_string().parse::<Authority>()?),
            info: info(manifest)?,
            routes,
            targets: std::mem::take(&mut manifest.http).into_iter().map(|trigger| trigger.target).collect(),
        })
    }

    /// Answers a request from the network.
    async fn handle(&self, mut request: Request<WasiBody>, client: SocketAddr) -> Response<WasiBody> {
        if let Err(error) = headers::check(&request) {
            return refused(client, &error);
        }
        headers::strip_forbidden(&mut request);
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN) {
            return self.well_known(name);
        }
        match self.router.route(&path) {
            Some(matched) => {
                // What a guest asks of its own application is a part of its work: to wait for a turn would be to wait for itself.
                let turns = Some(&self.turns).filter(|_| !self.services.own_calls.has(client));
                self.handle_matched(request, matched, client, turns).await
            }
            None => empty(StatusCode::NOT_FOUND),
        }
    }

    /// Answers a request of another component of this application.
    pub async fn handle_chained(&self, component: &str, request: Request<WasiBody>) -> Response<WasiBody> {
        let is_target = |target: &HttpTarget| matches!(target, HttpTarget::Component(id) if id == component);
        let Some(trigger) = self.targets.iter().position(is_target) else {
            return empty(StatusCode::NOT_FOUND);
        };
        if let Err(error) = headers::check(&request) {
            return refused(CHAINED_CLIENT, &error);
        }
        let matched = Matched::chained(trigger, request.uri().path());
        // It works in the turn of the guest that waits for it.
        self.handle_matched(request, matched, CHAINED_CLIENT, None).await
    }

    async fn handle_matched(
        &self,
        mut request: Request<WasiBody>,
        matched: Matched<'_>,
        client: SocketAddr,
        turns: Option<&Turns>,
    ) -> Response<WasiBody> {
        if let Err(error) = headers::complete_uri(&mut request) {
            return refused(client, &error);
        }
        let id = match self.targets.get(matched.trigger) {
            Some(HttpTarget::Component(id)) => id,
            Some(HttpTarget::Static(response)) => return answered("", static_response(response)),
            None => return answered("", Err(anyhow::anyhow!("a route leads nowhere"))),
        };
        let response = match headers::add_spin_headers(&mut request, &matched, client) {
            Ok(()) => self.run(id, request, turns).await,
            Err(error) => Err(error),
        };
        answered(id, response)
    }

    /// Runs a guest once there is room for it.
    async fn run(
        &self,
        id: &str,
        request: Request<WasiBody>,
        turns: Option<&Turns>,
    ) -> anyhow::Result<Response<WasiBody>> {
        let guest = self.guests.get(id).context("a route leads nowhere")?;
        let (head, body) = request.into_parts();
        // A component with places of its own sees to it that nobody has them all, and what a guest asks of its own application is a part of
        // its work.
        let caller = Caller::of(&head.headers).filter(|_| guest.places.is_none() && turns.is_some());
        let share = match caller {
            Some(caller) => match self.share(caller).await {
                Some(share) => Some(share),
                None => {
                    tracing::warn!(component = id, "a caller has all that one may have: answered 429");
                    let why = "too many requests of this caller are being answered";
                    return Ok(later(StatusCode::TOO_MANY_REQUESTS, why));
                }
            },
            None => None,
        };
        let body = match self.arrivals.admit(body).await {
            Ok(body) => body,
            Err(why) => {
                tracing::warn!(component = id, %why, "no guest was started");
                return Ok(match why {
                    NotArrived::TooSlow => problem(StatusCode::REQUEST_TIMEOUT, &why.to_string()),
                    NotArrived::NoPlace => busy(&why.to_string()),
                });
            }
        };
        let places = guest.places.as_ref().unwrap_or(&self.instances);
        let Ok(permit) = places.clone().try_acquire_owned() else {
            tracing::warn!(component = id, "all instances are busy: answered 503");
            return Ok(busy("too many requests are being answered"));
        };
        let turn = match turns {
            Some(turns) => turns.take().await,
            None => None,
        };
        let request = Request::from_parts(head, body);
        let response =
            guest.respond(&self.services, request, self.origin.clone(), (permit, share, turn)).await?;
        Ok(response.map(BodyExt::boxed_unsync))
    }

    /// What a caller has to have for one more guest, once there is one for it; `None` where too many of its requests wait, or for too long.
    async fn share(&self, caller: Caller) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let queued = self.queues.share(caller).try_acquire_owned().ok()?;
        let guest = timeout(PATIENCE, self.of_callers.share(caller).acquire_owned()).await.ok()?.ok()?;
        Some((queued, guest))
    }

    fn well_known(&self, name: &str) -> Response<WasiBody> {
        match name {
            "health" => Response::new(full(Bytes::from_static(b"OK"))),
            "info" => {
                let mut response = Response::new(full(self.info.clone()));
                let json = http::HeaderValue::from_static("application/json");
                response.headers_mut().insert(http::header::CONTENT_TYPE, json);
                response
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }
}

/// A request that cannot be understood; its sender is told why.
fn refused(client: SocketAddr, error: &anyhow::Error) -> Response<WasiBody> {
    let why = format!("{error:#}");
    tracing::warn!(%client, why, "a request could not be understood: answered 400");
    problem(StatusCode::BAD_REQUEST, &why)
}

/// The answer, or 500 and the reason in the log; 503 where it is only the host that stops.
fn answered(component: &str, response: anyhow::Result<Response<WasiBody>>) -> Response<WasiBody> {
    response.unwrap_or_else(|error| {
        if is_shutdown(&error) {
            return busy("the service is stopping");
        }
        tracing::error!(component, error = format!("{error:#}"), "a request failed: answered 500");
        empty(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

fn info(manifest: &Manifest) -> anyhow::Result<Bytes> {
    let mut info = json!({ "name": manifest.name });
    if let (Some(version), Some(object)) = (&manifest.version, info.as_object_mut()) {
        object.insert("version".into(), json!(version));
    }
    Ok(serde_json::to_vec_pretty(&info)?.into())
}

fn static_response(response: &StaticResponse) -> anyhow::Result<Response<WasiBody>> {
    let mut builder = Response::builder().status(response.status_code.unwrap_or(200));
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    let body = response.body.clone().map_or_else(empty_body, |body| full(body.into()));
    Ok(builder.body(body)?)
}

fn empty(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(empty_body());
    *response.status_mut() = status;
    response
}

fn empty_body() -> WasiBody {
    Empty::new().map_err(Error::from).boxed_unsync()
}

fn full(bytes: Bytes) -> WasiBody {
    Full::new(bytes).map_err(Error::from).boxed_unsync()
}
