//! `runtime-config.toml`, with exactly the keys of Spin 3.6.3; each section is read by the module it configures.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use crate::manifest::refused;
use crate::outbound::{OutboundHttpConfig, OutboundNetworkingConfig};
use crate::sqlite::DatabaseConfig;
use crate::variables::ProviderConfig;

/// The whole file. An unknown key is an error, as in Spin.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuntimeConfig {
    pub state_dir: Option<PathBuf>,
    pub log_dir: Option<PathBuf>,
    pub max_instance_memory: Option<usize>,
    #[serde(default, alias = "config_provider")]
    pub variables_provider: Vec<ProviderConfig>,
    #[serde(default)]
    pub sqlite_database: std::collections::BTreeMap<String, DatabaseConfig>,
    #[serde(default)]
    pub outbound_networking: OutboundNetworkingConfig,
    #[serde(default)]
    pub outbound_http: OutboundHttpConfig,
    #[serde(default, deserialize_with = "refused::key_value_store", rename = "key_value_store")]
    _key_value_store: (),
    #[serde(default, deserialize_with = "refused::llm_compute", rename = "llm_compute")]
    _llm_compute: (),
    #[serde(default, deserialize_with = "refused::client_tls", rename = "client_tls")]
    _client_tls: (),
}

impl RuntimeConfig {
    /// Reads the file, if there is one.
    pub fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("failed to read runtime config file '{}'", path.display()))?;
        let config: Self = toml::from_str(&text)
            .with_context(|| format!("invalid runtime config file '{}'", path.display()))?;
        for (key, value) in [("state_dir", &config.state_dir), ("log_dir", &config.log_dir)] {
            if value.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
                anyhow::bail!(
                    "runtime config: `{key}` must not be empty: the embedded host always keeps its state"
                );
            }
        }
        Ok(config)
    }
}
