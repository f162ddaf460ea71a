//! One key of a set (JWK, RFC 7517 §4).

use serde_json::{Map, Value};
use thiserror::Error;

use crate::header::is_kid;
use crate::public_key::PublicKey;
use crate::{Algorithm, compact};

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unfit {
    /// It is not a JSON object.
    #[error("is not a JSON object")]
    NotObject,
    /// `kid` is not text of 1 to 255 characters.
    #[error("has a kid that is not text of 1 to 255 characters")]
    Kid,
    /// `use` is there and not `sig`.
    #[error("is not for signatures (use)")]
    Use,
    /// `key_ops` is there and does not hold `verify`, or one of them twice.
    #[error("is not for verifying (key_ops)")]
    KeyOps,
    /// `alg` is there and none of those known here that go with its type.
    #[error("is for another algorithm (alg)")]
    Algorithm,
    /// A shared secret (`kty` oct) or another type that is not known here.
    #[error("is of another type (kty)")]
    Type,
    /// Another curve.
    #[error("is of another curve (crv)")]
    Curve,
    /// It holds its private half: whoever reads the document can sign.
    #[error("holds its private half")]
    Private,
    /// A part of the key is missing, or not base64url of the length that it must have.
    #[error("has no {0} as it must be")]
    Member(&'static str),
    /// An RSA modulus below 2048 bits (RFC 7518 §3.3) or above 4096.
    #[error("has a modulus below 2048 or above 4096 bits")]
    Modulus,
    /// An RSA exponent that is even, below 65537 (FIPS 186-5 §A.1.1) or above 2^32.
    #[error("has an exponent that is even, below 65537 or above 2^32")]
    Exponent,
    /// It is no point of its curve.
    #[error("is no point of its curve")]
    NoPoint,
    /// An Ed25519 key of small order: some signatures by it are right for any message.
    #[error("is of small order")]
    SmallOrder,
}

/// A key of a set, with what it may be used for.
#[derive(Debug)]
pub(crate) struct Jwk {
    /// Its name in the set.
    pub kid: Option<String>,
    /// The only algorithm that it is for, where it says one.
    algorithm: Option<Algorithm>,
    /// The key, or why it cannot be used.
    pub key: Result<PublicKey, Unfit>,
}

impl Jwk {
    /// Reads a key.
    pub fn read(value: &Value) -> Self {
        let kid = value.get("kid").and_then(Value::as_str).filter(|kid| is_kid(kid)).map(str::to_owned);
        let algorithm = value.get("alg").and_then(Value::as_str).and_then(Algorithm::named);
        Self { kid, algorithm, key: value.as_object().ok_or(Unfit::NotObject).and_then(public_key) }
    }

    /// The key, if it is made for this algorithm.
    pub fn key_for(&self, algorithm: Algorithm) -> Option<&PublicKey> {
        let key = self.key.as_ref().ok()?;
        let fits = key.is_for(algorithm) && self.algorithm.is_none_or(|own| own == algorithm);
        fits.then_some(key)
    }
}

fn public_key(members: &Map<String, Value>) -> Result<PublicKey, Unfit> {
    if members.get("kid").is_some_and(|kid| !kid.as_str().is_some_and(is_kid)) {
        return Err(Unfit::Kid);
    }
    if members.get("use").is_some_and(|intended| intended.as_str() != Some("sig")) {
        return Err(Unfit::Use);
    }
    if members.get("key_ops").is_some_and(|operations| !allow_verify(operations)) {
        return Err(Unfit::KeyOps);
    }
    let text = |name: &'static str| members.get(name).and_then(Value::as_str);
    let bytes = |name: &'static str| text(name).and_then(compact::decode).ok_or(Unfit::Member(name));
    let kty = text("kty").unwrap_or_default();
    if ["RSA", "EC", "OKP"].contains(&kty) && members.contains_key("d") {
        return Err(Unfit::Private);
    }
    let key = match (kty, text("crv")) {
        ("RSA", _) => PublicKey::rsa(&bytes("n")?, &bytes("e")?)?,
        ("EC", Some("P-256")) => PublicKey::p256(&bytes("x")?, &bytes("y")?)?,
        ("OKP", Some("Ed25519")) => PublicKey::ed25519(&bytes("x")?)?,
        ("EC" | "OKP", _) => return Err(Unfit::Curve),
        _ => return Err(Unfit::Type),
    };
    let Some(alg) = members.get("alg") else { return Ok(key) };
    let goes_with = |alg: Algorithm| key.is_for(alg);
    if alg.as_str().and_then(Algorithm::named).is_some_and(goes_with) {
        Ok(key)
    } else {
        Err(Unfit::Algorithm)
    }
}

/// Whether `key_ops` holds `verify`, and nothing twice (RFC 7517 §4.3).
fn allow_verify(operations: &Value) -> bool {
    let Some(operations) = operations.as_array() else { return false };
    let twice =
        operations.iter().enumerate().any(|(at, one)| operations.iter().take(at).any(|other| other == one));
    !twice && operations.iter().all(Value::is_string) && operations.iter().any(|one| one == "verify")
}
