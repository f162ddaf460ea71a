//! Settings: Spin variables, with their defaults in spin.toml. A wrong value is refused by its name.

use perennial_domain::WebhookPolicy;
use perennial_store::sqlite::Durability;
use thiserror::Error;

/// How events reach their handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusChoice {
    /// Redis, or this application's own routes while Redis cannot be reached.
    Auto,
    /// Redis only.
    Redis,
    /// This application's own routes only.
    Local,
}

/// The settings of a component.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How much a power cut may take.
    pub durability: Durability,
    /// How events reach their handlers.
    pub bus: BusChoice,
    /// Where Redis is.
    pub redis_url: String,
    /// The token that speaks for the owner `admin`; empty = none.
    pub bootstrap_token: String,
    /// What the callback routes ask for; the bootstrap token where it is not set; empty = they are closed.
    pub callback_token: String,
    /// Which addresses users may name for webhooks.
    pub webhooks: WebhookPolicy,
}

/// A setting that cannot be used.
#[derive(Debug, Error, PartialEq)]
#[error("the variable {name} is wrong: {reason}")]
pub struct SettingError {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl Settings {
    /// Reads the settings; `get` gives the value of a variable.
    pub fn read(get: impl Fn(&'static str) -> Result<String, String>) -> Result<Self, SettingError> {
        let read = |name| get(name).map_err(|reason| SettingError { name, reason });
        let choice = |name, value: &str, taken: &str| SettingError {
            name,
            reason: format!("{value:?} is not one of: {taken}"),
        };
        match read("store")?.as_str() {
            "sqlite" => {}
            other => return Err(choice("store", other, "sqlite")),
        }
        let durability = match read("durability")?.as_str() {
            "full" => Durability::Full,
            "normal" => Durability::Normal,
            other => return Err(choice("durability", other, "full, normal")),
        };
        let bus = match read("bus")?.as_str() {
            "auto" => BusChoice::Auto,
            "redis" => BusChoice::Redis,
            "local" => BusChoice::Local,
            other => return Err(choice("bus", other, "auto, redis, local")),
        };
        let bootstrap_token = read("bootstrap_token")?;
        let app_api_token = read("app_api_token")?;
        let callback_token = if app_api_token.is_empty() { bootstrap_token.clone() } else { app_api_token };
        let http_origin = Some(read("webhook_http_origin")?).filter(|origin| origin != NO_HTTP_ORIGIN);
        if http_origin.as_ref().is_some_and(|origin| !origin.starts_with("http://")) {
            let reason = "must be an origin such as http://127.0.0.1:8080 or http://127.0.0.1:*".to_owned();
            return Err(SettingError { name: "webhook_http_origin", reason });
        }
        Ok(Self {
            durability,
            bus,
            redis_url: read("redis_url")?,
            bootstrap_token,
            callback_token,
            webhooks: WebhookPolicy { http_origin },
        })
    }

    /// Reads the settings from the host.
    #[cfg(target_arch = "wasm32")]
    pub fn from_host() -> Result<Self, SettingError> {
        Self::read(|name| spin_sdk::variables::get(name).map_err(|error| error.to_string()))
    }
}

/// The default of `webhook_http_origin`: a host that cannot exist (RFC 2606), because an allowed host may not be empty.
const NO_HTTP_ORIGIN: &str = "http://none.invalid";

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(name: &'static str, value: &str) -> Result<Settings, SettingError> {
        Settings::read(|asked| {
            Ok(match asked {
                _ if asked == name => value,
                "store" => "sqlite",
                "durability" => "full",
                "bus" => "auto",
                "webhook_http_origin" => NO_HTTP_ORIGIN,
                _ => "",
            }
            .to_owned())
        })
    }

    #[test]
    fn a_wrong_value_is_refused_by_its_name() {
        for (name, value) in
            [("store", "mysql"), ("durability", "fast"), ("bus", "kafka"), ("webhook_http_origin", "ftp://x")]
        {
            assert_eq!(settings(name, value).unwrap_err().name, name);
        }
    }

    #[test]
    fn callbacks_are_closed_where_no_token_is_set() {
        assert_eq!(settings("bus", "local").unwrap().callback_token, "");
        assert_eq!(settings("bootstrap_token", "a").unwrap().callback_token, "a");
        assert_eq!(settings("app_api_token", "b").unwrap().callback_token, "b");
    }
}
