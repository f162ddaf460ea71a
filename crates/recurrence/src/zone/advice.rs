//! Why a zone name was refused, and what to write instead.

use super::zone_names;

/// A zone name that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// An offset stands where a zone is needed: it cannot follow clock changes.
    #[error(
        "{given:?} is an offset, not a time zone: it does not follow clock changes; \
         name a zone such as \"Europe/Paris\" or \"America/New_York\", or \"UTC\""
    )]
    Offset {
        /// What was given, at most 64 characters of it.
        given: String,
    },
    /// No zone of that name, but one that differs by the case of its letters only.
    #[error("{given:?} is not an IANA time zone; did you mean {meant:?}?")]
    Spelling {
        /// What was given.
        given: String,
        /// The zone's name.
        meant: &'static str,
    },
    /// No zone of that name.
    #[error("{given:?} is not an IANA time zone; names look like \"Europe/Paris\" or \"UTC\"")]
    Unknown {
        /// What was given, at most 64 characters of it.
        given: String,
    },
}

pub(super) fn refuse(name: &str) -> ZoneError {
    let given: String = name.chars().take(64).collect();
    let after_prefix = ["UTC", "GMT", "utc", "gmt"].iter().find_map(|prefix| name.strip_prefix(prefix));
    let rest = after_prefix.unwrap_or(name);
    if rest.starts_with(['+', '-']) || rest.starts_with(|first: char| first.is_ascii_digit()) {
        return ZoneError::Offset { given };
    }
    let loose = |text: &str| text.replace(' ', "_").to_ascii_lowercase();
    let wanted = loose(&given);
    match zone_names().find(|known| loose(known) == wanted) {
        Some(meant) => ZoneError::Spelling { given, meant },
        None => ZoneError::Unknown { given },
    }
}
