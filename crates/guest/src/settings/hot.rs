//! Whose events are published in lanes.

use std::collections::BTreeSet;

use perennial_domain::UserId;

use super::{Get, SettingError, Settings, read};

const NAME: &str = "hot_users";

/// Most users that are hot.
const MOST: usize = 100;

/// Those whose events are too many for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotSettings {
    /// The users.
    pub users: Vec<UserId>,
}

impl Settings for HotSettings {
    fn read(get: &Get<'_>) -> Result<Self, SettingError> {
        let value = read(get, NAME)?;
        if value.is_empty() {
            return Ok(Self { users: Vec::new() });
        }
        let named: BTreeSet<&str> = value.split(',').map(|user| user.trim_matches(' ')).collect();
        if named.len() > MOST || !named.iter().all(|user| is_user(user)) {
            let reason = format!(
                "must be ids of users as the API tells them, with commas between, at most {MOST}, or empty for none"
            );
            return Err(SettingError::new(NAME, reason));
        }
        Ok(Self { users: named.into_iter().map(UserId::new).collect() })
    }
}

/// Whether a text is the id of a user: `admin`, or a UUID in small letters (RFC 9562 §4).
fn is_user(text: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text == UserId::admin().as_str() || (text.len() == 36 && text.bytes().enumerate().all(fits))
}
