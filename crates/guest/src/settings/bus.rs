//! How events travel.

use super::{Get, SettingError, Settings, choice, read};

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

/// The bus.
#[derive(Debug, Clone)]
pub struct BusSettings {
    /// How events reach their handlers.
    pub choice: BusChoice,
    /// Where Redis is.
    pub redis_url: String,
}

impl Settings for BusSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let choices = [("auto", BusChoice::Auto), ("redis", BusChoice::Redis), ("local", BusChoice::Local)];
        Ok(Self { choice: choice(get, "bus", &choices)?, redis_url: read(get, "redis_url")? })
    }
}
