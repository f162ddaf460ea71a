//! The shapes of names in a manifest, as Spin checks them.

/// `kebab-case` words: component ids.
pub(crate) fn check_kebab(id: &str) -> Result<(), String> {
    check_words(id, '-', '_', true)
}

/// Lower `snake_case` words: variable names.
pub(crate) fn check_lower_snake(id: &str) -> Result<(), String> {
    check_words(id, '_', '-', false)
}

/// Store labels may be written either way.
pub(crate) fn check_label(label: &str) -> Result<(), String> {
    if check_kebab(label).is_ok() || check_words(label, '_', '-', true).is_ok() {
        Ok(())
    } else {
        Err("expected kebab-case or snake_case".into())
    }
}

fn check_words(id: &str, delimiter: char, wrong: char, upper_allowed: bool) -> Result<(), String> {
    if id.is_empty() {
        return Err("must not be empty".into());
    }
    if id.contains(wrong) {
        return Err(format!("words must be separated with {delimiter:?}, not {wrong:?}"));
    }
    id.split(delimiter).try_for_each(|word| check_word(word, delimiter, upper_allowed))
}

fn check_word(word: &str, delimiter: char, upper_allowed: bool) -> Result<(), String> {
    let Some(first) = word.chars().next() else {
        return Err(format!("{delimiter:?}-separated words must not be empty"));
    };
    if !first.is_ascii_alphabetic() {
        return Err(format!("words must start with an ASCII letter; got {first:?}"));
    }
    if !word.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(format!("words may only contain ASCII letters and digits; got {word:?}"));
    }
    let upper = first.is_ascii_uppercase();
    if word.chars().any(|c| c.is_ascii_alphabetic() && c.is_ascii_uppercase() != upper) {
        return Err(format!("words must be all lowercase or all UPPERCASE; got {word:?}"));
    }
    if upper && !upper_allowed {
        return Err(format!("must be lowercase; got {word:?}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_as_spin_checks_them() {
        for good in ["a", "task-api", "notifier-2redis".trim_end_matches("2redis"), "X-Y1"] {
            assert_eq!(check_kebab(good).is_ok(), !good.ends_with('-'), "{good}");
        }
        for bad in ["", "a_b", "1a", "a--b", "aB", "é"] {
            assert!(check_kebab(bad).is_err(), "{bad}");
        }
        assert!(check_lower_snake("redis_url2").is_ok());
        for bad in ["", "Redis", "a-b", "_a", "a_", "a__b", "2a"] {
            assert!(check_lower_snake(bad).is_err(), "{bad}");
        }
        assert!(check_label("default").is_ok() && check_label("mixed_CASE").is_ok());
        assert!(check_label("camelCase").is_err());
    }
}
