//! `[[variables_provider]]`: where values come from when no flag gives them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// One `[[variables_provider]]` table.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ProviderConfig {
    Static(StaticConfig),
    Env(EnvConfig),
    Vault(IgnoredAny),
    AzureKeyVault(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaticConfig {
    values: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvConfig {
    prefix: Option<String>,
    dotenv_path: Option<PathBuf>,
}

/// A source of values. All of them are constant while the host runs.
pub(super) enum Provider {
    Static(BTreeMap<String, String>),
    Env { prefix: String, dotenv: BTreeMap<String, String> },
}

impl Provider {
    /// The providers in the order they are asked: those of the file, then the environment.
    pub fn all(configs: Vec<ProviderConfig>) -> anyhow::Result<Vec<Self>> {
        let default = EnvConfig { prefix: None, dotenv_path: Some(".env".into()) };
        configs.into_iter().chain([ProviderConfig::Env(default)]).map(Self::new).collect()
    }

    fn new(config: ProviderConfig) -> anyhow::Result<Self> {
        match config {
            ProviderConfig::Static(config) => Ok(Self::Static(config.values)),
            ProviderConfig::Env(config) => Ok(Self::Env {
                prefix: config.prefix.unwrap_or_else(|| "SPIN_VARIABLE".into()),
                dotenv: config.dotenv_path.as_deref().map(read_dotenv).transpose()?.unwrap_or_default(),
            }),
            ProviderConfig::Vault(_) => {
                bail!("variables provider `vault` is not supported by the embedded host")
            }
            ProviderConfig::AzureKeyVault(_) => {
                bail!("variables provider `azure_key_vault` is not supported by the embedded host")
            }
        }
    }

    pub fn get(&self, name: &str) -> anyhow::Result<Option<String>> {
        match self {
            Self::Static(values) => Ok(values.get(name).cloned()),
            Self::Env { prefix, dotenv } => {
                let key = format!("{prefix}_{}", name.to_ascii_uppercase());
                match std::env::var(&key) {
                    Ok(value) => Ok(Some(value)),
                    Err(std::env::VarError::NotPresent) => Ok(dotenv.get(&key).cloned()),
                    Err(error) => Err(error).with_context(|| format!("failed to resolve env var {key}")),
                }
            }
        }
    }
}

/// A missing file is an empty one.
fn read_dotenv(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    dotenvy::from_path_iter(path)
        .and_then(Iterator::collect)
        .with_context(|| format!("failed to read the environment file {}", path.display()))
}
