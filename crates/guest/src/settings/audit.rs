//! The audit's anchors: what signs them, and where they are kept beside the log.

use super::callbacks::secret;
use super::jwt::address;
use super::{Get, SettingError, Settings, read};

const KEY: &str = "audit_key";
const URL: &str = "audit_anchor_url";

/// Fewest characters of a key.
const SHORTEST: usize = 32;

/// How chains of audit entries are anchored.
#[derive(Clone)]
pub struct AuditSettings {
    /// What anchors are signed with; empty = none are made.
    pub key: String,
    /// Where they are sent.
    pub anchor_url: Option<String>,
}

impl Settings for AuditSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let key = secret(get, KEY)?;
        if (1..SHORTEST).contains(&key.len()) {
            return Err(SettingError::new(KEY, format!("must have {SHORTEST} characters or more, or none")));
        }
        let url = read(get, URL)?;
        if url.is_empty() {
            return Ok(Self { key, anchor_url: None });
        }
        if key.is_empty() {
            return Err(SettingError::new(
                URL,
                "must be empty where no audit_key is given: nothing is anchored",
            ));
        }
        let url = address(url).map_err(|error| SettingError { name: URL, ..error })?;
        Ok(Self { key, anchor_url: Some(url) })
    }
}
