//! Zones in words: "New York time", and back.

use crate::zone::{Zone, zone_names};

/// "New York time", or the whole name where its last word names several zones or none a person would say.
pub(super) fn say(zone: Zone) -> String {
    let name = zone.name();
    if matches!(name, "UTC" | "Etc/UTC") {
        return "UTC".to_owned();
    }
    let city = name.rsplit('/').next().unwrap_or(name).replace('_', " ");
    let clear = name.contains('/') && !city.bytes().any(|byte| byte.is_ascii_digit());
    if clear && hear(&city).is_some_and(|heard| heard.is_same_as(&zone)) {
        format!("{city} time")
    } else {
        format!("{name} time")
    }
}

/// The zone of a name or of a name's last word, in either case, with spaces for underscores. Of several that
/// end alike the shortest is meant.
pub(crate) fn hear(words: &str) -> Option<Zone> {
    let same = |name: &[u8]| {
        let equal =
            |(name, word): (&u8, u8)| name.eq_ignore_ascii_case(&word) || *name == b'_' && word == b' ';
        name.len() == words.len() && name.iter().zip(words.bytes()).all(equal)
    };
    let one_word = !words.contains('/');
    // Where the last word would begin is looked at first: of six hundred names that leaves a dozen.
    let matches = |name: &&str| match name.as_bytes().split_at_checked(name.len().saturating_sub(words.len()))
    {
        Some(([], whole)) => same(whole),
        Some(([.., b'/'], last)) => one_word && same(last),
        _ => false,
    };
    let same = |name: &str| same(name.as_bytes());
    let name = zone_names().filter(matches).min_by_key(|name| (!same(name), name.len()))?;
    Zone::parse(name).ok()
}
