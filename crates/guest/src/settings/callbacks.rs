//! The secrets that callers show.

use super::{Get, SettingError, Settings, read};

/// Longest secret, in characters: what fits into a header of any server.
const MAX_SECRET: usize = 512;

/// Who may call the API without a token in the store.
#[derive(Clone)]
pub struct AuthSettings {
    /// The token that speaks for the owner `admin`; empty = none.
    pub bootstrap_token: String,
}

/// Who may call the callback routes.
#[derive(Clone)]
pub struct CallbackSettings {
    /// What the callback routes ask for; the bootstrap token where it is not set; empty = they are closed.
    pub token: String,
}

impl Settings for AuthSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        Ok(Self { bootstrap_token: secret(get, "bootstrap_token")? })
    }
}

impl Settings for CallbackSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let own = secret(get, "app_api_token")?;
        let token = if own.is_empty() { secret(get, "bootstrap_token")? } else { own };
        Ok(Self { token })
    }
}

/// A secret travels in a header: visible ASCII without spaces, or nothing.
pub(super) fn secret(get: &Get<'_>, name: &'static str) -> Result<String, SettingError> {
    let value = read(get, name)?;
    if value.len() > MAX_SECRET || !value.bytes().all(|b| b.is_ascii_graphic()) {
        let reason = format!("must be at most {MAX_SECRET} visible ASCII characters, without spaces");
        return Err(SettingError::new(name, reason));
    }
    Ok(value)
}
