//! `fermyon:spin/variables@2.0.0`.

use crate::bindings::fermyon::spin2_0_0::variables::{Error, Host};
use crate::guest::GuestState;

impl Host for GuestState {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, Error>> {
        Ok(self.variable(&name))
    }
}

impl GuestState {
    fn variable(&self, name: &str) -> Result<String, Error> {
        check_name(name).map_err(|why| Error::InvalidName(format!("{name:?}: {why}")))?;
        match self.component.variables.get(name) {
            Some(value) => Ok(value.clone()),
            None => Err(Error::Undefined(format!("no variable for {:?}.{name:?}", self.component.id))),
        }
    }
}

/// The rules for a name that a guest asks for; a manifest's names keep stricter ones.
fn check_name(name: &str) -> Result<(), String> {
    let Some(first) = name.bytes().next() else {
        return Err("must not be empty".into());
    };
    if let Some(c) = name.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')) {
        return Err(format!(
            "invalid character {c:?}. Variable names may contain only lower-case letters, numbers, and underscores."
        ));
    }
    if !first.is_ascii_lowercase() {
        return Err("must start with a lowercase ASCII letter".into());
    }
    if name.ends_with('_') {
        return Err("must end with a lowercase ASCII letter or digit".into());
    }
    if name.contains("__") {
        return Err("must not contain multiple consecutive underscores".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn a_guest_may_ask_for_lower_snake_case_only() {
        for good in ["a", "redis_url", "x2"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Upper", "a-b", "2a", "_a", "a_", "a__b"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
