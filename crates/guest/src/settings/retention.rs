//! How long what has happened is kept.

use super::{Get, SettingError, Settings, number, read};

const NAME: &str = "keep_events";

/// Most days that events are kept.
const MOST: i64 = 3_650;

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

/// How long what has happened is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionSettings {
    /// How long published events can be read back, in milliseconds.
    pub events: i64,
}

impl Settings for RetentionSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let days = number(&read(get, NAME)?, MOST);
        let days = days.ok_or_else(|| {
            SettingError::new(NAME, format!("must be a whole number of days from 1 to {MOST}"))
        })?;
        Ok(Self { events: days.saturating_mul(DAY) })
    }
}
