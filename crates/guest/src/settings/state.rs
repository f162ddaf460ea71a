//! The state store beside the application, which may spare looks into the database.

use super::bus::component;
use super::{Get, SettingError, Settings, SidecarSettings, read};

pub(super) const NAME: &str = "dapr_state_store";

/// A first look before the inbox.
pub struct StateSettings {
    /// Whose state store it is.
    pub sidecar: SidecarSettings,
    /// The sidecar's component; `None` = there is no first look.
    pub component: Option<String>,
}

impl Settings for StateSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let (sidecar, name) = (SidecarSettings::read(get)?, read(get, NAME)?);
        let name = Some(name).filter(|name| !name.is_empty());
        Ok(Self { sidecar, component: name.map(|name| component(NAME, name)).transpose()? })
    }
}
