//! By what names assistants reach the server of the Model Context Protocol, and who gives out its tokens.

use super::jwt::address;
use super::{Get, SettingError, Settings, read};

const HOSTS: &str = "mcp_hosts";
const ORIGINS: &str = "mcp_origins";
const AUTHORIZATION_SERVER: &str = "mcp_authorization_server";
const AUDIENCE: &str = "jwt_audience";

/// Most names in one list.
const MAX_NAMES: usize = 50;

/// Longest name, in characters: that of a host (RFC 1035 §2.3.4), with scheme and port.
const MAX_NAME: usize = 270;

/// The names of the server of the Model Context Protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpSettings {
    /// The hosts that requests may be for, each with its port or for any.
    pub hosts: Vec<String>,
    /// The origins whose pages may call it, each as `scheme://host:port`, or with `:*` for any port.
    pub origins: Vec<String>,
    /// Who gives out its tokens, where somebody outside does.
    pub outside: Option<OutsideTokens>,
}

/// An authorization server outside, and what it calls this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideTokens {
    /// The issuer (RFC 8414) of tokens.
    pub authorization_server: String,
    /// The address of this server as clients know it: the resource (RFC 8707), and the audience of the tokens.
    pub resource: String,
}

impl Settings for McpSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let hosts = names(get, HOSTS)?;
        if hosts.is_empty() || !hosts.iter().all(|name| is_host(name, false)) {
            let reason = "must be one or more host names, each perhaps with :port, with commas between";
            return Err(SettingError::new(HOSTS, reason));
        }
        let origins: Option<Vec<String>> = names(get, ORIGINS)?.iter().map(|name| origin(name)).collect();
        let origins = origins.ok_or_else(|| {
            let reason = "must be origins as https://host, perhaps with :port or :*, with commas between";
            SettingError::new(ORIGINS, reason)
        })?;
        Ok(Self { hosts, origins, outside: outside(get)? })
    }
}

fn outside(get: &Get<'_>) -> Result<Option<OutsideTokens>, SettingError> {
    let authorization_server = read(get, AUTHORIZATION_SERVER)?;
    if authorization_server.is_empty() {
        return Ok(None);
    }
    let authorization_server = address(authorization_server)
        .map_err(|error| SettingError { name: AUTHORIZATION_SERVER, ..error })?;
    let resource = address(read(get, AUDIENCE)?).map_err(|_| {
        let reason =
            "must be the address of /mcp, as clients know it, where mcp_authorization_server is given";
        SettingError::new(AUDIENCE, reason)
    })?;
    Ok(Some(OutsideTokens { authorization_server, resource }))
}

fn names(get: &Get<'_>, name: &'static str) -> Result<Vec<String>, SettingError> {
    let value = read(get, name)?;
    if value.trim().is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).collect();
    if names.len() > MAX_NAMES || names.iter().any(|name| name.len() > MAX_NAME) {
        let reason = format!("must be at most {MAX_NAMES} names of at most {MAX_NAME} characters");
        return Err(SettingError::new(name, reason));
    }
    Ok(names)
}

/// An origin with its port said: where none is, it is that of the scheme (RFC 6454 §4).
fn origin(name: &str) -> Option<String> {
    let (scheme, host) = name.split_once("://")?;
    let default = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    if !is_host(host, true) {
        return None;
    }
    // The colons of an IPv6 address are within its brackets.
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    Some(if has_port { name.to_owned() } else { format!("{name}:{default}") })
}

/// A host name, IPv4 address or IPv6 address in brackets, perhaps with a port.
fn is_host(name: &str, any_port: bool) -> bool {
    let (host, port) = match name.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (name, None),
    };
    let port_is_one = port.is_none_or(|port| {
        (any_port && port == "*")
            || (port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port != 0))
    });
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host_is_one = match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
        }
    };
    port_is_one && host_is_one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[(&str, &str)]) -> Result<McpSettings, SettingError> {
        McpSettings::read(&|asked| {
            let changed = changes.iter().find(|(name, _)| *name == asked).map(|(_, value)| *value);
            Ok(changed.unwrap_or(if asked == HOSTS { "localhost" } else { "" }).to_owned())
        })
    }

    #[test]
    fn names_are_taken_as_they_are_and_ports_are_said() {
        let hosts = "tasks.example, tasks.example:8443,[::1], 127.0.0.1:3000";
        let origins = "https://app.example,http://localhost:*, http://[::1], https://a.example:8443";
        let read = with(&[(HOSTS, hosts), (ORIGINS, origins)]).unwrap();
        assert_eq!(read.hosts, ["tasks.example", "tasks.example:8443", "[::1]", "127.0.0.1:3000"]);
        assert_eq!(
            read.origins,
            ["https://app.example:443", "http://localhost:*", "http://[::1]:80", "https://a.example:8443"]
        );
        assert_eq!(with(&[]).unwrap().origins, [""; 0], "no page calls it");
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for hosts in ["", " ", "a,,b", "https://a", "a/b", "*", "a:0", "a:*", "a b", "[::x]", "ä"] {
            assert_eq!(with(&[(HOSTS, hosts)]).unwrap_err().name, HOSTS, "{hosts}");
        }
        for origins in
            ["a.example", "ftp://a", "https://", "https://a/", "https://a:b", "*", "null", "https://*"]
        {
            assert_eq!(with(&[(ORIGINS, origins)]).unwrap_err().name, ORIGINS, "{origins}");
        }
        let many = vec!["a"; MAX_NAMES + 1].join(",");
        assert_eq!(with(&[(HOSTS, &many)]).unwrap_err().name, HOSTS);
    }

    #[test]
    fn tokens_of_an_authorization_server_are_for_an_address() {
        let server = (AUTHORIZATION_SERVER, "https://id.example/realm");
        let outside = with(&[server, (AUDIENCE, "https://tasks.example/mcp")]).unwrap().outside.unwrap();
        assert_eq!(outside.authorization_server, "https://id.example/realm");
        assert_eq!(outside.resource, "https://tasks.example/mcp");
        for audience in ["", "tasks", "http://tasks.example/mcp"] {
            assert_eq!(with(&[server, (AUDIENCE, audience)]).unwrap_err().name, AUDIENCE, "{audience}");
        }
        let wrong = (AUTHORIZATION_SERVER, "id.example");
        assert_eq!(with(&[wrong]).unwrap_err().name, AUTHORIZATION_SERVER);
        assert_eq!(with(&[(AUDIENCE, "tasks")]).unwrap().outside, None);
    }
}
