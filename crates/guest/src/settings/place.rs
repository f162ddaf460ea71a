//! The servers that addresses name.

/// Where a server is.
#[derive(PartialEq)]
pub(super) struct Place {
    pub scheme: String,
    pub host: String,
    pub port: u16,
    pub default_port: u16,
}

/// The port of a Redis that names none.
pub(super) fn redis_port(scheme: &str) -> Option<u16> {
    ["redis", "rediss"].contains(&scheme).then_some(6379)
}

/// The port of a PostgreSQL that names none.
pub(super) fn postgres_port(scheme: &str) -> Option<u16> {
    (scheme == "postgres").then_some(5432)
}

/// The port of a web server that names none.
pub(super) fn web_port(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}

/// The place that an address names; `ports` knows the schemes, and the port where none is named.
pub(super) fn place(url: &str, ports: impl FnOnce(&str) -> Option<u16>) -> Option<Place> {
    let (scheme, rest) = url.split_once("://")?;
    let default_port = ports(scheme)?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let (host, port) = match address.rsplit_once(':') {
        // The colons of an IPv6 address are within its brackets.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (address, default_port),
    };
    let port_is_one = port != 0;
    (port_is_one && !host.is_empty()).then(|| Place {
        scheme: scheme.to_owned(),
        host: host.to_ascii_lowercase(),
        port,
        default_port,
    })
}

/// Whether an address names a server alone: no user, no password and no path.
pub(super) fn is_bare(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    !rest.strip_suffix('/').unwrap_or(rest).contains(['/', '?', '#', '@'])
}
