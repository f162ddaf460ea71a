//! What the URI of an outgoing request means, and whether the guest may go there.

use http::uri::{Parts, Scheme};
use http::{Uri, uri::PathAndQuery};
use url::{Host, Url};
use wasmtime_wasi_http::Error;

use super::{Origin, OutgoingHttp};
use crate::outbound::{Destination, Permission, chaining_target, default_port};

/// Where a request goes.
pub(super) enum Target {
    /// A component of this application.
    Component(String),
    /// The application's own listener.
    Own(Origin),
    /// The network.
    Remote(Destination),
}

impl OutgoingHttp {
    /// Spin's order: relative URIs and `self.alt` are the application itself, then the allow list decides.
    pub(super) fn target(&self, uri: &Uri) -> Result<Target, Error> {
        let allowed = &self.component.allowed_hosts;
        if uri.authority().is_none_or(|authority| authority.host() == "self.alt") {
            if !allowed.allows_self() {
                return Err(self.denied(uri));
            }
            return self.origin.clone().map(Target::Own).ok_or(Error::HttpRequestUriInvalid);
        }
        let url = Url::parse(&uri.to_string()).map_err(|_| self.denied(uri))?;
        let permission = allowed.check(&url);
        if permission == Permission::Denied {
            return Err(self.denied(uri));
        }
        let host = url.host().map(|host| host.to_owned()).ok_or(Error::HttpRequestUriInvalid)?;
        if let Host::Domain(domain) = &host
            && let Some(id) = chaining_target(domain)
        {
            // A wildcard may lead out to the public internet, never inwards.
            return match permission {
                Permission::Listed => Ok(Target::Component(id.to_owned())),
                _ => Err(self.denied(uri)),
            };
        }
        let port = url.port().or_else(|| default_port(url.scheme())).ok_or(Error::HttpRequestUriInvalid)?;
        Ok(Target::Remote(Destination { host, port, permission }))
    }

    fn denied(&self, uri: &Uri) -> Error {
        let authority = uri.authority().map_or("self", |authority| authority.as_str());
        tracing::warn!(
            component = self.component.id,
            scheme = uri.scheme_str().unwrap_or_default(),
            authority,
            "an outgoing HTTP request is not in allowed_outbound_hosts"
        );
        Error::HttpRequestDenied
    }
}

/// The WASI library writes a relative URI as `https://:443/path`-like text with an empty host: make it relative again.
pub(super) fn undo_empty_authority(uri: Uri) -> Result<Uri, Error> {
    if uri.authority().is_some_and(|authority| authority.host().is_empty()) {
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        return Uri::builder().path_and_query(path).build().map_err(|_| Error::HttpRequestUriInvalid);
    }
    Ok(uri)
}

/// The same path at the application's own address.
pub(super) fn own_uri(origin: &Origin, uri: &Uri) -> Result<Uri, Error> {
    let mut parts = Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(origin.0.clone());
    parts.path_and_query =
        Some(uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)
}

/// The application's own address to connect to.
pub(super) fn own_destination(origin: &Origin) -> Result<Destination, Error> {
    let host = Host::parse(origin.0.host()).map_err(|_| Error::HttpRequestUriInvalid)?;
    let port = origin.0.port_u16().ok_or(Error::HttpRequestUriInvalid)?;
    Ok(Destination { host, port, permission: Permission::Listed })
}
