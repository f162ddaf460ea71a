//! The HTTP trigger.

mod guest;
mod headers;
mod router;
mod server;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::uri::Authority;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use serde_json::json;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::guest::GuestComponent;
use crate::http_out::Origin;
use crate::manifest::{HttpTarget, Manifest, StaticResponse};
use crate::services::Services;
use guest::HttpGuest;
use router::{Matched, Router, WELL_KNOWN};
pub(crate) use server::serve;

/// The export an HTTP trigger calls; the patch level is the guest's.
const EXPORT: &str = "wasi:http/incoming-handler@0.2.0";

/// The client of a chained request.
const CHAINED_CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The HTTP trigger of the application.
pub(crate) struct HttpTrigger {
    services: Arc<Services>,
    router: Router,
    /// What each trigger of the manifest does, in its order.
    targets: Vec<HttpTarget>,
    guests: BTreeMap<String, HttpGuest>,
    /// How many guests may run at once.
    instances: Arc<Semaphore>,
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
                guests.insert(id.clone(), HttpGuest { component: component.clone(), pre });
            }
        }
        Ok(Self {
            services,
            router,
            guests,
            instances: Arc::new(Semaphore::new(instances as usize)),
            origin: Origin(address.to_string().parse::<Authority>()?),
            info: info(manifest)?,
            routes,
            targets: std::mem::take(&mut manifest.http).into_iter().map(|trigger| trigger.target).collect(),
        })
    }

    /// Answers a request from the network. `None`: it is not a request that can be answered.
    async fn handle(
        &self,
        mut request: Request<WasiBody>,
        client: SocketAddr,
    ) -> anyhow::Result<Response<WasiBody>> {
        headers::strip_forbidden(&mut request);
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN) {
            return Ok(self.well_known(name));
        }
        match self.router.route(&path) {
            Some(matched) => self.handle_matched(request, matched, client).await,
            None => Ok(empty(StatusCode::NOT_FOUND)),
        }
    }

    /// Answers a request of another component of this application.
    pub async fn handle_chained(&self, component: &str, request: Request<WasiBody>) -> Response<WasiBody> {
        let is_target = |target: &HttpTarget| matches!(target, HttpTarget::Component(id) if id == component);
        let Some(trigger) = self.targets.iter().position(is_target) else {
            return empty(StatusCode::NOT_FOUND);
        };
        let matched = Matched::chained(trigger, request.uri().path());
        match self.handle_matched(request, matched, CHAINED_CLIENT).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(component, error = format!("{error:#}"), "a chained request failed");
                empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    async fn handle_matched(
        &self,
        mut request: Request<WasiBody>,
        matched: Matched<'_>,
        client: SocketAddr,
    ) -> anyhow::Result<Response<WasiBody>> {
        headers::complete_uri(&mut request)?;
        let guest = match self.targets.get(matched.trigger) {
            Some(HttpTarget::Component(id)) => self.guests.get(id).context("a route leads nowhere")?,
            Some(HttpTarget::Static(response)) => return static_response(response),
            None => anyhow::bail!("a route leads nowhere"),
        };
        let Ok(permit) = self.instances.clone().try_acquire_owned() else {
            tracing::warn!(component = guest.component.id, "all instances are busy: answered 503");
            return Ok(empty(StatusCode::SERVICE_UNAVAILABLE));
        };
        let response = match headers::add_spin_headers(&mut request, &matched, client) {
            Ok(()) => guest.respond(&self.services, request, self.origin.clone(), permit).await,
            Err(error) => Err(error),
        };
        match response {
            Ok(response) => Ok(response.map(BodyExt::boxed_unsync)),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(component = guest.component.id, error, "a request failed: answered 500");
                Ok(empty(StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
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
