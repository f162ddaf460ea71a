//! What a token must be to be accepted.

use thiserror::Error;

use crate::Algorithm;

/// How far the issuer's clock may differ from ours, in seconds.
pub const LEEWAY_SECONDS: u32 = 60;

/// What a token must be to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    issuer: String,
    audience: String,
    algorithms: Vec<Algorithm>,
    max_age: Option<u32>,
}

/// A policy that would accept anything, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// No issuer is named.
    #[error("names no issuer")]
    Issuer,
    /// No audience is named.
    #[error("names no audience")]
    Audience,
    /// No algorithm is allowed.
    #[error("allows no algorithm")]
    Algorithms,
}

impl Policy {
    /// Accepts the tokens of `issuer` that are meant for `audience`, both letter by letter, and signed by one of `algorithms`.
    ///
    /// # Errors
    /// Where one of them is empty.
    pub fn new(issuer: &str, audience: &str, algorithms: &[Algorithm]) -> Result<Self, PolicyError> {
        if issuer.is_empty() {
            return Err(PolicyError::Issuer);
        }
        if audience.is_empty() {
            return Err(PolicyError::Audience);
        }
        if algorithms.is_empty() {
            return Err(PolicyError::Algorithms);
        }
        let (issuer, audience) = (issuer.to_owned(), audience.to_owned());
        Ok(Self { issuer, audience, algorithms: algorithms.to_vec(), max_age: None })
    }

    /// Also refuses tokens that were issued longer ago than this, in seconds, and those that do not say when (`iat`).
    #[must_use]
    pub fn with_max_age(self, seconds: u32) -> Self {
        Self { max_age: Some(seconds), ..self }
    }

    /// Who must have issued it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// For whom it must be.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// How it may be signed.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// How long ago it may have been issued, in seconds.
    pub fn max_age(&self) -> Option<u32> {
        self.max_age
    }
}
