//! Where the data lies.

use perennial_store::sqlite::Durability;

use super::{Get, SettingError, Settings, choice};

/// Where the data lies, and how safely.
#[derive(Debug, Clone, Copy)]
pub struct StoreSettings {
    /// How much a power cut may take.
    pub durability: Durability,
}

impl Settings for StoreSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        choice(get, "store", &[("sqlite", ())])?;
        let durability =
            choice(get, "durability", &[("full", Durability::Full), ("normal", Durability::Normal)])?;
        Ok(Self { durability })
    }
}
