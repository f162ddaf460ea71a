//! `[sqlite_database.<label>]`: which file a label is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::memory;
use super::pool::Database;

/// The label that needs no configuration.
const DEFAULT_LABEL: &str = "default";

/// The file behind it.
pub(crate) const DEFAULT_FILE: &str = "sqlite_db.db";

/// One `[sqlite_database.<label>]` table.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum DatabaseConfig {
    Spin(SpinConfig),
    Libsql(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpinConfig {
    /// Relative to the working directory, as in Spin; none is a database in memory, new at each `open`.
    path: Option<PathBuf>,
}

/// The databases of the application, by label.
pub(crate) struct Databases(BTreeMap<String, Arc<Database>>);

impl Databases {
    pub fn new(configs: BTreeMap<String, DatabaseConfig>, state_dir: &Path) -> anyhow::Result<Self> {
        memory::configure();
        let mut databases = BTreeMap::new();
        for (label, config) in configs {
            let path = match config {
                DatabaseConfig::Spin(config) => config.path.map(std::path::absolute).transpose()?,
                DatabaseConfig::Libsql(_) => {
                    bail!(
                        "runtime config: sqlite_database.{label}: type `libsql` is not supported by the embedded host"
                    )
                }
            };
            if let Some(folder) = path.as_deref().and_then(Path::parent) {
                std::fs::create_dir_all(folder).with_context(|| {
                    format!("failed to create sqlite database directory '{}'", folder.display())
                })?;
            }
            databases.insert(label, Arc::new(Database::new(path)));
        }
        databases
            .entry(DEFAULT_LABEL.into())
            .or_insert_with(|| Arc::new(Database::new(Some(state_dir.join(DEFAULT_FILE)))));
        Ok(Self(databases))
    }

    pub fn get(&self, label: &str) -> Option<&Arc<Database>> {
        self.0.get(label)
    }

    /// Closes what is idle, so that the last one out checkpoints.
    pub fn close(&self) {
        self.0.values().for_each(|database| database.close());
    }
}
