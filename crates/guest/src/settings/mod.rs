//! Settings: Spin variables, with their defaults in spin.toml. They are read per concern, so that a component has only the
//! variables, and the secrets, that its work needs. A wrong value is refused by its name.

mod audit;
mod bus;
mod callbacks;
mod check;
mod hot;
mod jwt;
mod limits;
mod mcp;
mod place;
mod retention;
mod state;
mod store;
mod webhooks;

use thiserror::Error;

pub use audit::AuditSettings;
pub use bus::{BusChoice, BusSettings, SidecarSettings};
pub use callbacks::{AuthSettings, CallbackSettings, MetricsSettings};
pub use check::check;
pub use hot::HotSettings;
pub use jwt::JwtSettings;
pub use limits::LimitSettings;
pub use mcp::{McpSettings, OutsideTokens};
pub use retention::RetentionSettings;
pub use state::StateSettings;
pub use store::{StoreChoice, StoreSettings};
pub use webhooks::WebhookSettings;

use callbacks::secret;

/// Gives the value of a variable.
pub type Get<'a> = dyn Fn(&'static str) -> Result<String, String> + 'a;

/// The settings of one concern.
pub trait Settings: Sized {
    /// Reads them.
    fn read(get: &Get<'_>) -> Result<Self, SettingError>;

    /// Reads them from the host.
    #[cfg(target_arch = "wasm32")]
    fn from_host() -> Result<Self, SettingError> {
        Self::read(&|name| spin_sdk::variables::get(name).map_err(|error| error.to_string()))
    }
}

/// A setting that cannot be used.
#[derive(Debug, Error, PartialEq)]
#[error("the variable {name} is wrong: {reason}")]
pub struct SettingError {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with it; never its value where that is a secret.
    pub reason: String,
}

impl SettingError {
    fn new(name: &'static str, reason: impl Into<String>) -> Self {
        Self { name, reason: reason.into() }
    }
}

fn read(get: &Get<'_>, name: &'static str) -> Result<String, SettingError> {
    get(name).map_err(|reason| SettingError { name, reason })
}

/// One of a set of names.
fn choice<T: Copy>(get: &Get<'_>, name: &'static str, taken: &[(&str, T)]) -> Result<T, SettingError> {
    let value = read(get, name)?;
    taken.iter().find(|(word, _)| *word == value).map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<&str> = taken.iter().map(|(word, _)| *word).collect();
        SettingError::new(name, format!("{value:?} is not one of: {}", words.join(", ")))
    })
}

/// A whole number from 1 on.
fn number(text: &str, most: i64) -> Option<i64> {
    let is_one = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_one && (1..=most).contains(number))
}
