//! `allowed_outbound_hosts`: `scheme://host[:port]`, with Spin's wildcards, ranges and templates.

use anyhow::{Context, bail};
use ipnet::IpNet;
use url::{Host, Url};

use crate::variables::Variables;

/// The domain of service chaining: `<component>.spin.internal`.
const CHAINING_SUFFIX: &str = ".spin.internal";

/// The addresses one component may reach.
#[derive(Default)]
pub(crate) struct AllowedHosts(Vec<AllowedHost>);

/// What [`AllowedHosts`] says about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Not allowed.
    Denied,
    /// Allowed by name.
    Listed,
    /// Allowed by a wildcard only: the host must turn out to be public. Spin makes no such difference.
    Wildcard,
}

struct AllowedHost {
    scheme: Option<String>,
    host: HostRule,
    port: PortRule,
}

#[derive(PartialEq)]
enum HostRule {
    Any,
    AnySubdomain(String),
    ToSelf,
    Literal(Host),
    Network(IpNet),
}

enum PortRule {
    Any,
    One(u16),
    /// The end is not part of it.
    Range(std::ops::Range<u16>),
}

impl AllowedHosts {
    /// Parses the entries of one component. `chainable` are the components that `*.spin.internal` stands for.
    pub fn parse<'a>(
        entries: impl IntoIterator<Item = &'a str>,
        variables: &Variables,
        chainable: &[String],
    ) -> anyhow::Result<Self> {
        let mut allowed = Vec::new();
        for entry in entries {
            let expanded = variables.expand(entry)?;
            let parse = |text: &str| {
                AllowedHost::parse(text)
                    .with_context(|| format!("invalid allowed_outbound_hosts entry {entry:?}"))
            };
            if expanded.contains("://*.spin.internal") {
                for id in chainable {
                    allowed.push(parse(&expanded.replacen('*', id, 1))?);
                }
            } else {
                allowed.push(parse(&expanded)?);
            }
        }
        Ok(Self(allowed))
    }

    /// Adds the entries of another list.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether `url` may be reached.
    pub fn check(&self, url: &Url) -> Permission {
        let Some(host) = host_of(url) else { return Permission::Denied };
        let matching = || self.0.iter().filter(|rule| rule.allows(url, &host));
        match matching().next() {
            None => Permission::Denied,
            Some(_) if matching().any(|rule| !rule.host.is_wildcard()) => Permission::Listed,
            Some(_) => Permission::Wildcard,
        }
    }

    /// Whether `http://self` is listed. Spin also takes a wildcard for it; here a wildcard never leads inwards.
    pub fn allows_self(&self) -> bool {
        self.0.iter().any(|rule| {
            rule.host == HostRule::ToSelf
                && rule.scheme.as_deref().is_none_or(|s| s == "http" || s == "https")
        })
    }

    /// The components this one may chain to.
    pub fn chained(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|rule| match &rule.host {
            HostRule::Literal(Host::Domain(domain)) => domain.strip_suffix(CHAINING_SUFFIX),
            _ => None,
        })
    }
}

/// The host of any URL; the `url` crate itself reads IP addresses only in those of the web.
pub(crate) fn host_of(url: &Url) -> Option<Host> {
    url.host_str().and_then(|host| Host::parse(host).ok())
}

/// The component that a host name stands for in service chaining.
pub(crate) fn chaining_target(host: &str) -> Option<&str> {
    host.strip_suffix(CHAINING_SUFFIX).filter(|id| !id.contains('.'))
}

impl AllowedHost {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            bail!(
                "hosts must be in the form <scheme>://<host>[:<port>], with '*' wildcards allowed for each"
            );
        };
        let (host, port) = split_port(rest)?;
        Ok(Self {
            port: PortRule::parse(port, scheme)?,
            host: HostRule::parse(host)?,
            scheme: parse_scheme(scheme)?,
        })
    }

    fn allows(&self, url: &Url, host: &Host) -> bool {
        self.scheme.as_deref().is_none_or(|scheme| scheme == url.scheme())
            && self.host.allows(host)
            && self.port.allows(url.port().or_else(|| default_port(url.scheme())))
    }
}

fn parse_scheme(scheme: &str) -> anyhow::Result<Option<String>> {
    match scheme {
        "*" => Ok(None),
        _ if scheme.starts_with('{') => bail!("scheme lists are not supported"),
        _ if scheme.is_empty() || !scheme.chars().all(char::is_alphabetic) => {
            bail!("invalid scheme {scheme:?}: only alphabetic characters are allowed")
        }
        _ => Ok(Some(scheme.to_owned())),
    }
}

/// Splits at the last colon, as Spin does; an IPv6 literal in brackets keeps its own.
fn split_port(rest: &str) -> anyhow::Result<(&str, &str)> {
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (rest, ""),
    };
    match port.split_once('/') {
        Some((port, "")) => Ok((host, port)),
        Some(_) => bail!("{rest:?} has a path but is not allowed to"),
        None => Ok((host, port)),
    }
}

impl HostRule {
    fn parse(host: &str) -> anyhow::Result<Self> {
        let host = host.trim();
        match host {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::ToSelf),
            _ if host.starts_with('{') => bail!("host lists are not yet supported"),
            _ => {}
        }
        if let Ok(network) = host.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        let host = host.trim_end_matches('/');
        if host.contains('/') {
            bail!("{host:?} has a path but is not allowed to");
        }
        if host.contains('@') {
            bail!("a user name or password is not allowed in allowed_outbound_hosts");
        }
        if let Some(domain) = host.strip_prefix("*.") {
            if domain.contains('*') {
                bail!("wildcards are allowed only as prefixes");
            }
            return Ok(Self::AnySubdomain(format!(".{}", domain.to_ascii_lowercase())));
        }
        if host.contains('*') {
            bail!("wildcards are allowed only as subdomains");
        }
        Ok(Self::Literal(Host::parse(host).with_context(|| format!("invalid host {host:?}"))?))
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::AnySubdomain(suffix), Host::Domain(domain)) => domain.ends_with(suffix.as_str()),
            (Self::Literal(literal), host) => literal == host,
            (Self::Network(network), Host::Ipv4(ip)) => network.contains(&std::net::IpAddr::V4(*ip)),
            (Self::Network(network), Host::Ipv6(ip)) => network.contains(&std::net::IpAddr::V6(*ip)),
            (Self::AnySubdomain(_) | Self::Network(_) | Self::ToSelf, _) => false,
        }
    }

    fn is_wildcard(&self) -> bool {
        match self {
            Self::Any | Self::AnySubdomain(_) => true,
            Self::Network(network) => network.prefix_len() == 0,
            Self::ToSelf | Self::Literal(_) => false,
        }
    }
}

impl PortRule {
    fn parse(port: &str, scheme: &str) -> anyhow::Result<Self> {
        if port.is_empty() {
            return default_port(scheme).map(Self::One).with_context(|| {
                format!(
                    "no port was provided and the scheme {scheme:?} does not have a known default port number"
                )
            });
        }
        if port == "*" {
            return Ok(Self::Any);
        }
        if port.starts_with('{') {
            bail!("port lists are not yet supported");
        }
        let number =
            |text: &str| text.parse::<u16>().with_context(|| format!("port {port:?} is not a number"));
        match port.split_once("..") {
            Some((start, end)) => Ok(Self::Range(number(start)?..number(end)?)),
            None => Ok(Self::One(number(port)?)),
        }
    }

    fn allows(&self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) => true,
            (Self::One(one), Some(port)) => *one == port,
            (Self::Range(range), Some(port)) => range.contains(&port),
            (_, None) => false,
        }
    }
}

/// The port that a scheme stands for, of those Spin knows.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}
