//! How events travel.

use super::{Get, SettingError, Settings, choice, read, secret};

/// How events reach their handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusChoice {
    /// Redis, or this application's own routes while none answers at the default address.
    Auto,
    /// Redis only.
    Redis,
    /// This application's own routes only.
    Local,
    /// A Dapr sidecar.
    Dapr,
}

/// The default of `redis_url`: one that may be there. Any other is one that is.
const PERHAPS: &str = "redis://127.0.0.1:6379";

/// The bus.
#[derive(Clone)]
pub struct BusSettings {
    /// How events reach their handlers.
    pub choice: BusChoice,
    /// Where Redis is.
    pub redis_url: String,
    /// The sidecar.
    pub sidecar: SidecarSettings,
    /// Its pub/sub component.
    pub pubsub: String,
}

/// A Dapr sidecar on this machine.
#[derive(Clone)]
pub struct SidecarSettings {
    /// The port of its HTTP API.
    pub http_port: u16,
    /// What it asks for in `dapr-api-token`; empty = nothing.
    pub api_token: String,
}

impl Settings for BusSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let choices = [
            ("auto", BusChoice::Auto),
            ("redis", BusChoice::Redis),
            ("local", BusChoice::Local),
            ("dapr", BusChoice::Dapr),
        ];
        let (redis_url, pubsub) = (read(get, "redis_url")?, read(get, "dapr_pubsub")?);
        let choice = match choice(get, "bus", &choices)? {
            BusChoice::Auto if redis_url.is_empty() => BusChoice::Local,
            BusChoice::Auto if redis_url != PERHAPS => BusChoice::Redis,
            choice => choice,
        };
        Ok(Self {
            choice,
            redis_url,
            sidecar: SidecarSettings::read(get)?,
            pubsub: component("dapr_pubsub", pubsub)?,
        })
    }
}

impl Settings for SidecarSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        Ok(Self { http_port: port(get, "dapr_http_port")?, api_token: secret(get, "dapr_api_token")? })
    }
}

fn port(get: &Get<'_>, name: &'static str) -> Result<u16, SettingError> {
    let value = read(get, name)?;
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    let port = value.parse().ok().filter(|port| digits && *port != 0);
    port.ok_or_else(|| SettingError::new(name, format!("{value:?} is no port: 1 to 65535")))
}

/// The name of a component of Dapr's: as Kubernetes names things (RFC 1123).
pub(super) fn component(name: &'static str, value: String) -> Result<String, SettingError> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if value.is_empty() || value.len() > 253 || !value.bytes().all(inner) {
        let reason = "must be the name of a component: small letters, digits, dots and hyphens";
        return Err(SettingError::new(name, reason));
    }
    Ok(value)
}
