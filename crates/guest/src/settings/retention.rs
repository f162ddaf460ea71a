//! How long what has happened is kept.

use super::{Get, SettingError, Settings, number, read};

/// Most days that anything is kept.
const MOST: i64 = 3_650;

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

/// How long what has happened is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionSettings {
    /// How long published events can be read back, in milliseconds.
    pub events: i64,
    /// How long conversations are kept to which nobody writes, in milliseconds.
    pub conversations: i64,
}

impl Settings for RetentionSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        Ok(Self { events: days(get, "keep_events")?, conversations: days(get, "keep_conversations")? })
    }
}

/// A variable that says a number of days, in milliseconds.
fn days(get: &Get<'_>, name: &'static str) -> Result<i64, SettingError> {
    let days = number(&read(get, name)?, MOST);
    let days = days
        .ok_or_else(|| SettingError::new(name, format!("must be a whole number of days from 1 to {MOST}")))?;
    Ok(days.saturating_mul(DAY))
}
