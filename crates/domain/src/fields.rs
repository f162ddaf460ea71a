//! The plain fields of a task: text and its bounds.

use crate::invalid::escaped;
use crate::trigger::parse_duration;
use crate::{Invalid, Metadata};

/// Longest title, in characters.
pub(crate) const MAX_TITLE: usize = 500;
/// Longest description, in characters.
pub(crate) const MAX_DESCRIPTION: usize = 16_000;
/// Most tags of a task.
pub(crate) const MAX_TAGS: usize = 50;
/// Longest tag or name, in characters.
pub(crate) const MAX_NAME: usize = 100;
/// Most values that are noted of a task.
pub(crate) const MAX_METADATA: usize = 50;
/// Longest name of one, in characters.
pub(crate) const MAX_KEY: usize = 40;
/// Longest such value, in characters.
pub(crate) const MAX_VALUE: usize = 500;
/// Longest duration of a task, in seconds: 366 days.
const MAX_DURATION: i64 = 366 * 86_400;

/// One line of text that is not blank: a title, a name, a tag. Blanks around it are not kept.
pub(crate) fn line(text: &str, max: usize, pointer: &str) -> Result<String, Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid::at(pointer, "must not be empty"));
    }
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        return Err(Invalid::at(pointer, format!("must not contain the control character {control:?}")));
    }
    Ok(bounded(text, max, pointer)?.trim().to_owned())
}

/// Text of several lines, possibly empty.
pub(crate) fn text(text: &str, max: usize, pointer: &str) -> Result<String, Invalid> {
    if let Some(control) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Invalid::at(pointer, format!("must not contain the control character {control:?}")));
    }
    bounded(text, max, pointer)
}

/// A name: of a user, a token, a tag.
pub(crate) fn name(text: &str, pointer: &str) -> Result<String, Invalid> {
    line(text, MAX_NAME, pointer)
}

/// A tag as tasks have it, of what was sent at `pointer`.
pub fn tag(text: &str, pointer: &str) -> Result<String, Invalid> {
    name(text, pointer)
}

/// Tags, trimmed, each once, in the order given.
pub(crate) fn tags(tags: &[String]) -> Result<Vec<String>, Invalid> {
    if tags.len() > MAX_TAGS {
        return Err(Invalid::at("/tags", format!("has {} tags; at most {MAX_TAGS} are kept", tags.len())));
    }
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for (index, tag) in tags.iter().enumerate() {
        let tag = name(tag, &format!("/tags/{index}"))?;
        if !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    Ok(kept)
}

/// How long something takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duration {
    /// As it was sent (RFC 5545 §3.3.6).
    pub text: String,
    /// In seconds; a day has 86,400.
    pub seconds: i64,
}

/// How long a task is thought to take.
pub(crate) fn duration(text: &str) -> Result<Duration, Invalid> {
    let at = |why: String| Invalid::at("/duration", why);
    let (days, seconds) = text
        .strip_prefix('P')
        .and_then(parse_duration)
        .ok_or_else(|| at(format!("{text:?} is not a duration such as PT45M, PT1H30M or P2D")))?;
    let seconds = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(86_400).saturating_add(seconds);
    if !(1..=MAX_DURATION).contains(&seconds) {
        return Err(at(format!("{text:?} is not between one second and 366 days")));
    }
    Ok(Duration { text: text.to_owned(), seconds })
}

/// What is noted of a task.
pub(crate) fn metadata(noted: &Metadata) -> Result<(), Invalid> {
    let mut invalid = Invalid::default();
    if noted.len() > MAX_METADATA {
        invalid.add("/metadata", format!("has {} values; at most {MAX_METADATA} are kept", noted.len()));
    }
    for (name, value) in noted.iter().take(MAX_METADATA) {
        let pointer = format!("/metadata/{}", escaped(name));
        if (1..=MAX_KEY).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic()) {
            invalid.keep(text(value, MAX_VALUE, &pointer));
        } else {
            let rule = format!("its name must have 1 to {MAX_KEY} visible ASCII characters");
            invalid.add(pointer, rule);
        }
    }
    if invalid.errors.is_empty() { Ok(()) } else { Err(invalid) }
}

fn bounded(text: &str, max: usize, pointer: &str) -> Result<String, Invalid> {
    let length = text.chars().count();
    if length > max {
        return Err(Invalid::at(pointer, format!("has {length} characters; at most {max} are kept")));
    }
    Ok(text.to_owned())
}
