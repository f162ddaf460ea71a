//! Where webhooks may go.

use perennial_domain::WebhookPolicy;

use super::{Get, SettingError, Settings, read};

/// The default of `webhook_http_origin`: a host that cannot exist (RFC 2606), because an allowed host may not be empty.
const NO_HTTP_ORIGIN: &str = "http://none.invalid";

/// Which addresses users may name for webhooks.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// The policy.
    pub policy: WebhookPolicy,
}

impl Settings for WebhookSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        const NAME: &str = "webhook_http_origin";
        let origin = read(get, NAME)?;
        if origin == NO_HTTP_ORIGIN {
            return Ok(Self { policy: WebhookPolicy { http_origin: None } });
        }
        let authority = origin.strip_prefix("http://").unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address are within its brackets.
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (authority, "80"),
        };
        let port_is_one =
            port == "*" || (port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
        if host.is_empty() || !port_is_one || host.contains(['/', '?', '#', '@', '*', ' ']) {
            let reason = "must be an origin such as http://127.0.0.1:8080 or http://127.0.0.1:*";
            return Err(SettingError::new(NAME, reason));
        }
        Ok(Self { policy: WebhookPolicy { http_origin: Some(origin) } })
    }
}
