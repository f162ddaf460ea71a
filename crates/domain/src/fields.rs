//! The plain fields of a task: text and its bounds.

use crate::Invalid;

/// Longest title, in characters.
pub(crate) const MAX_TITLE: usize = 500;
/// Longest description, in characters.
pub(crate) const MAX_DESCRIPTION: usize = 16_000;
/// Most tags of a task.
pub(crate) const MAX_TAGS: usize = 50;
/// Longest tag or name, in characters.
pub(crate) const MAX_NAME: usize = 100;

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

fn bounded(text: &str, max: usize, pointer: &str) -> Result<String, Invalid> {
    let length = text.chars().count();
    if length > max {
        return Err(Invalid::at(pointer, format!("has {length} characters; at most {max} are kept")));
    }
    Ok(text.to_owned())
}
