//! Whose tokens are accepted.

use crate::{Keys, Policy};

/// An issuer of tokens.
#[derive(Debug)]
pub struct Issuer {
    /// What its tokens must be.
    pub policy: Policy,
    /// What verifies their signatures.
    pub keys: KeySource,
}

/// Where the keys of an issuer are.
#[derive(Debug)]
pub enum KeySource {
    /// At an address.
    Url(String),
    /// Here.
    Set(Keys),
}
