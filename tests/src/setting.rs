//! What a test can be told from outside.

use std::fmt::Debug;
use std::str::FromStr;

/// The environment's value of `name`; `None` where there is none, or it is empty.
///
/// # Panics
/// Where it is not what is asked for.
pub fn setting<T: FromStr<Err: Debug>>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error:?}")))
}
