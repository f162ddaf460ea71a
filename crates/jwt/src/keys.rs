//! A set of keys (JWK Set, RFC 7517 §5).

use serde_json::Value;
use thiserror::Error;

use crate::jwk::Jwk;
use crate::public_key::PublicKey;
use crate::{Algorithm, BadJson, Refusal, Unfit, json};

/// Longest document, in bytes.
pub const MAX_JWKS: usize = 64 * 1024;
/// How many keys it may hold.
pub const MAX_KEYS: usize = 50;

/// Keys that verify signatures, and those of the set that cannot, with the reason.
///
/// A key that cannot be used (another curve, for encryption, too weak …) is set aside, as RFC 7517 §5 has it: an issuer
/// may publish keys for others. A token that names it is refused with that reason.
#[derive(Debug)]
pub struct Keys(Vec<Jwk>);

/// Why a document is no key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeysError {
    /// Too long.
    #[error("is longer than 64 KiB")]
    TooLong,
    /// No JSON object.
    #[error("{0}")]
    Json(BadJson),
    /// There is no array `keys`.
    #[error("has no array keys")]
    NoKeys,
    /// Too many keys.
    #[error("has more than 50 keys")]
    TooMany,
    /// Two keys that can be used have one `kid`: which one is meant cannot be told.
    #[error("has two keys of one kid")]
    SameKid,
}

impl Keys {
    /// Reads a key set. One without any key that can be used is a set, too: an issuer may withdraw all.
    ///
    /// # Errors
    /// Where it is too large, no JSON, no key set, or two of its keys have one name.
    pub fn from_jwks(text: &str) -> Result<Self, KeysError> {
        if text.len() > MAX_JWKS {
            return Err(KeysError::TooLong);
        }
        let members = json::object(text.as_bytes()).map_err(KeysError::Json)?;
        let keys = members.get("keys").and_then(Value::as_array).ok_or(KeysError::NoKeys)?;
        if keys.len() > MAX_KEYS {
            return Err(KeysError::TooMany);
        }
        let keys: Vec<Jwk> = keys.iter().map(Jwk::read).collect();
        for (at, key) in keys.iter().enumerate() {
            let earlier = keys.iter().take(at).filter(|earlier| earlier.key.is_ok());
            if key.kid.is_some()
                && key.key.is_ok()
                && earlier.into_iter().any(|earlier| earlier.kid == key.kid)
            {
                return Err(KeysError::SameKid);
            }
        }
        Ok(Self(keys))
    }

    /// How many of the keys can be used.
    pub fn usable(&self) -> usize {
        self.0.iter().filter(|jwk| jwk.key.is_ok()).count()
    }

    /// Why the others cannot, in the order of the document.
    pub fn unfit(&self) -> impl Iterator<Item = Unfit> + '_ {
        self.0.iter().filter_map(|jwk| jwk.key.as_ref().err().copied())
    }

    /// The key that a token's header names: that of its `kid`, which must be made for its algorithm; without a `kid`, the
    /// only one made for its algorithm.
    pub(crate) fn select(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&PublicKey, Refusal> {
        let Some(kid) = kid else {
            let mut fitting = self.0.iter().filter_map(|jwk| jwk.key_for(algorithm));
            let only = fitting.next().ok_or(Refusal::NoKey)?;
            return if fitting.next().is_none() { Ok(only) } else { Err(Refusal::AmbiguousKey) };
        };
        let named = || self.0.iter().filter(|jwk| jwk.kid.as_deref() == Some(kid));
        let jwk =
            named().find(|jwk| jwk.key.is_ok()).or_else(|| named().next()).ok_or(Refusal::UnknownKey)?;
        match jwk.key {
            Err(unfit) => Err(Refusal::UnfitKey(unfit)),
            Ok(_) => jwk.key_for(algorithm).ok_or(Refusal::KeyMismatch),
        }
    }
}
