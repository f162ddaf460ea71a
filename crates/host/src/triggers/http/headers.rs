//! The headers a guest sees: the client's, then the host's. A guest must take the last `spin-…` value, not the first.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use http::header::{HOST, HeaderName, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Request, Uri};

use super::router::Matched;
use crate::outbound::chaining_target;

/// Refuses what no guest can be handed: more than one host (RFC 9112 §3.2), values that are no text.
pub(super) fn check<B>(request: &Request<B>) -> anyhow::Result<()> {
    let headers = request.headers();
    if headers.get_all(HOST).iter().nth(1).is_some() {
        bail!("the request has more than one 'Host' header");
    }
    for (name, value) in headers {
        let text = std::str::from_utf8(value.as_bytes());
        text.with_context(|| format!("the header '{name}' is not valid UTF-8"))?;
    }
    Ok(())
}

/// Drops a `Host` that pretends to come from service chaining.
pub(super) fn strip_forbidden<B>(request: &mut Request<B>) {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    if name.is_some_and(|name| chaining_target(name).is_some()) {
        request.headers_mut().remove(HOST);
    }
}

/// Gives the request's URI its scheme and authority; both sources of the authority must agree.
pub(super) fn complete_uri<B>(request: &mut Request<B>) -> anyhow::Result<()> {
    let header = request.headers().get(HOST).map(|host| -> anyhow::Result<Authority> {
        let host = host.to_str().context("'Host' header is not valid UTF-8")?;
        host.parse().context("'Host' header contains an invalid authority")
    });
    let mut parts = request.uri().clone().into_parts();
    let authority = match (header.transpose()?, parts.authority) {
        (Some(header), Some(uri)) if header != uri => {
            bail!("authority in 'Host' header does not match authority in URI")
        }
        (Some(authority), _) | (None, Some(authority)) => authority,
        (None, None) => bail!("no 'Host' header present in request"),
    };
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts).context("invalid request URI")?;
    Ok(())
}

/// Appends what the host knows about the request.
pub(super) fn add_spin_headers<B>(
    request: &mut Request<B>,
    matched: &Matched<'_>,
    client: SocketAddr,
) -> anyhow::Result<()> {
    let host =
        request.headers().get(HOST).map_or(Ok("localhost"), |host| std::str::from_utf8(host.as_bytes()))?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let full_url = format!("http://{host}{path}");
    let prefix = matched.raw.strip_suffix("/...").unwrap_or(&matched.raw).to_owned();
    let named = matched
        .named
        .iter()
        .map(|(name, value)| (format!("spin-path-match-{}", dashed(name)), value.clone()));
    let added = [
        ("spin-path-info", matched.path_info.clone()),
        ("spin-full-url", full_url),
        ("spin-matched-route", matched.based.clone().into_owned()),
        ("spin-base-path", "/".to_owned()),
        ("spin-raw-component-route", matched.raw.clone().into_owned()),
        ("spin-component-route", prefix),
        ("spin-client-addr", client.to_string()),
    ];
    let added = added.into_iter().map(|(name, value)| (name.to_owned(), value));
    let headers = request.headers_mut();
    added.chain(named).for_each(|(name, value)| append(headers, &name, &value));
    Ok(())
}

/// A name or value that HTTP does not allow is left out.
fn append(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value.as_bytes())) {
        headers.append(name, value);
    }
}

fn dashed(name: &str) -> String {
    name.replace('_', "-").to_ascii_lowercase()
}
